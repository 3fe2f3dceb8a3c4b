import assert from "node:assert/strict";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { type Entry, formatHashedEntry, type HashedExtent } from "#contract/format/entry.ts";
import { sha256 } from "#native/sha256.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import { CaptureRecord, SETTLED_MS } from "./capture_record.ts";
import { CacheStore } from "./cache_store.ts";
import { encodeCache, fingerprintOf, PastCapture } from "./past_capture.ts";

const path = bytePathOfText("etc/motd\twith a tab\n");
const status: FileStatus = {
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  links: 1,
  inode: 2n ** 60n,
  sizeBytes: 5,
  allocatedBytes: 4096,
  mtimeSec: 10,
  mtimeNs: 11,
  ctimeSec: 1000,
  ctimeNs: 500_000_000,
  major: 0,
  minor: 0,
  deviceMajor: 8,
  deviceMinor: 1,
  mountRoot: false,
  flags: 0,
};
const entry: Entry<HashedExtent> = {
  type: "file",
  path,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSec: 10,
  mtimeNs: 11,
  xattrs: [["user.x", Buffer.from("y")]],
  sizeBytes: 5,
  extents: [{ offset: 0, sizeBytes: 5, sha256: "A".repeat(43) }],
};
const of = { capture: "c1", root: "/", amount: { files: 1, bytes: 5 } };

/** The cache of a capture that began then. */
function remember(beganMs: number): PastCapture {
  const record = new CaptureRecord(beganMs);
  record.see(path, status);
  record.add({ path, line: formatHashedEntry(entry) });
  return new PastCapture(encodeCache(record.toCache(of)));
}

Deno.test("a cache from before inode flags were captured is accepted, and says so", () => {
  const bytes = encodeCache({ ...of, entries: [{ path, line: formatHashedEntry(entry) }] });
  const text = zstdDecompressSync(bytes.subarray(32)).toString("utf8");
  const older = zstdCompressSync(Buffer.from(text.replace('"formatVersion":3', '"formatVersion":2')));
  const past = new PastCapture(Buffer.concat([sha256(older), older]));
  assert.deepEqual([past.lines.length, past.knowsInodeFlags], [1, false]);
  assert.equal(new PastCapture(bytes).knowsInodeFlags, true);
});

const LATER = 1000_500 + SETTLED_MS + 1;

Deno.test("an unchanged file is found in the cache", () => {
  const past = remember(LATER);
  assert.equal(past.find(path, status)?.line, formatHashedEntry(entry));
  assert.deepEqual([past.capture, past.root, past.amount], [of.capture, of.root, of.amount]);
  assert.equal(past.find(bytePathOfText("etc/issue"), status), undefined);
});

const changes: [what: string, Partial<FileStatus>][] = [
  ["its time of change", { ctimeNs: 500_000_001 }],
  ["its time of change, earlier", { ctimeSec: 999 }],
  ["its inode", { inode: 2n ** 60n + 1n }],
  ["its file system", { deviceMinor: 2 }],
  ["its size", { sizeBytes: 6 }],
  ["its modification time", { mtimeNs: 12 }],
  ["its type", { type: "fifo" }],
];
for (const [what, change] of changes) {
  Deno.test(`a file is read again if this has changed: ${what}`, () => {
    assert.equal(remember(LATER).find(path, { ...status, ...change }), undefined);
  });
}

Deno.test("a file of a btrfs is known after a restart, although its subvolumes get other device numbers", () => {
  const before = { ...status, deviceMajor: 0, deviceMinor: 42 };
  assert.equal(fingerprintOf(before), fingerprintOf({ ...before, deviceMinor: 37 }));
  assert.notEqual(fingerprintOf(before), fingerprintOf(status));
});

Deno.test("a file changed shortly before the capture is read again, whatever its fingerprint", () => {
  for (const beganMs of [LATER - 2, 1000_500, 0]) {
    assert.equal(remember(beganMs).find(path, status), undefined);
  }
});

Deno.test("a cache that is damaged, or of another capture or directory, is ignored", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const store = new CacheStore(`${folder}/state`);
    assert.equal(await store.load("t.web", of), undefined);
    await store.save("t.web", { ...of, entries: [{ path, line: formatHashedEntry(entry) }] });
    assert.equal((await store.load("t.web", of))?.lines.length, 1);
    assert.equal(await store.load("t.web", { ...of, capture: "c2" }), undefined);
    assert.equal(await store.load("t.web", { ...of, root: "/srv" }), undefined);
    assert.equal(await store.load("t.db", of), undefined);
    const file = `${folder}/state/t.web.memory`;
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    const bytes = await Deno.readFile(file);
    for (let at = 0; at < bytes.length; at += 7) {
      await Deno.writeFile(file, bytes.with(at, bytes[at]! ^ 4));
      assert.equal(await store.load("t.web", of), undefined);
    }
    for (const end of [0, 1, bytes.length >> 1, bytes.length - 1]) {
      await Deno.writeFile(file, bytes.subarray(0, end));
      assert.equal(await store.load("t.web", of), undefined);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a folder that cannot be written fails no capture", async () => {
  await new CacheStore("/proc/nowhere").save("t.web", { ...of, entries: [] });
});
