import assert from "node:assert/strict";
import fc from "fast-check";
import { type BytePath, bytePathOf } from "./byte_path.ts";
import {
  type Entry,
  formatFrameEntry,
  formatHashedEntry,
  type FrameExtent,
  type HashedExtent,
  parseFrameEntry,
  parseHashedEntry,
} from "./entry.ts";
import { FLAGS, type InodeSettings, settingsOf, XFLAGS } from "./inode_flags.ts";

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const size = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const component = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => {
  const name = bytes.map((b) => b === 0 || b === 0x2f || b === 0x2e ? 0x5f : b);
  return bytePathOf(name);
});
const path = fc.array(component, { maxLength: 5 }).map((parts) => parts.join("/") as BytePath);
const common = {
  path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: u32,
  gid: u32,
  mtimeSec: fc.maxSafeInteger(),
  mtimeNs: fc.integer({ min: 0, max: 999_999_999 }),
  xattrs: fc.uniqueArray(
    fc.tuple(
      fc.string({ minLength: 1, maxLength: 20 }).map((name) => `user.${name}`),
      fc.uint8Array({ maxLength: 20 }),
    ),
    { selector: ([name]) => name, maxLength: 3 },
  ),
};

const bitsAmong = (table: typeof XFLAGS) =>
  fc.subarray([...table]).map((flags) => flags.reduce((sum, { bit }) => sum | bit, 0));
const inode: fc.Arbitrary<{ inode?: InodeSettings }> = record({
  flags: bitsAmong(FLAGS),
  xflags: bitsAmong(XFLAGS),
  project: u32,
  extentSize: u32,
  cowExtentSize: u32,
}).map((members) => {
  const settings = settingsOf(members);
  return settings ? { inode: settings } : {};
});

function entryOf<Extent>(extent: fc.Arbitrary<Extent>): fc.Arbitrary<Entry<Extent>> {
  const type = <T extends string>(name: T) => fc.constant(name);
  return fc.oneof(
    fc.tuple(record({ type: type("directory"), ...common }), inode).map(([entry, more]) => ({
      ...entry,
      ...more,
    })),
    record({ type: type("fifo"), ...common }),
    fc.tuple(
      fc.record({
        type: type("file"),
        ...common,
        sizeBytes: size,
        extents: fc.array(extent, { maxLength: 3 }),
      }),
      inode,
    ).map(([entry, more]) => ({ ...entry, ...more })),
    record({ type: type("symlink"), ...common, target: component }),
    record({ type: type("link"), path, target: path }),
    record({ type: fc.constantFrom("char", "block"), ...common, major: u32, minor: u32 }),
  );
}

const plain = (entry: Entry<unknown>) =>
  "xattrs" in entry
    ? { ...entry, xattrs: entry.xattrs.map(([name, value]) => [name, new Uint8Array(value)]) }
    : { ...entry };

Deno.test("entries of a capture survive their line", () => {
  const extent: fc.Arbitrary<HashedExtent> = record({
    offset: size,
    sizeBytes: fc.integer({ min: 1, max: 4 << 20 }),
    sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString("base64url")),
  });
  fc.assert(fc.property(entryOf(extent), (entry) => {
    const line = formatHashedEntry(entry);
    assert.ok(!line.includes("\n"));
    assert.deepEqual(plain(parseHashedEntry(line)), plain(entry));
  }));
});

Deno.test("entries of a manifest survive their line", () => {
  const extent: fc.Arbitrary<FrameExtent> = record({ offset: size, frame: u32, index: u32 });
  fc.assert(fc.property(entryOf(extent), (entry) => {
    assert.deepEqual(plain(parseFrameEntry(formatFrameEntry(entry))), plain(entry));
  }));
});

const file = {
  type: "file",
  path: "a/b",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: [1, 2],
  size: 10,
  extents: [[0, 10, "A".repeat(43)]],
};

Deno.test("a line that is not an entry is refused", () => {
  assert.equal(parseHashedEntry(JSON.stringify(file)).type, "file");
  const wrong: Record<string, unknown>[] = [
    { type: "socket" },
    { type: undefined },
    { path: undefined },
    { path: 5 },
    { path: "/a" },
    { path: "a/../b" },
    { path: { base64: "!" } },
    { path: { base64: 3 } },
    { path: {} },
    { mode: 0o10000 },
    { mode: -1 },
    { mode: "644" },
    { mode: 1.5 },
    { uid: 2 ** 32 },
    { gid: null },
    { mtime: [1] },
    { mtime: [1, 1_000_000_000] },
    { mtime: [1.5, 0] },
    { mtime: "now" },
    { size: -1 },
    { size: 2 ** 53 },
    { size: undefined },
    { extents: undefined },
    { extents: [[0, 0, "A".repeat(43)]] },
    { extents: [[0, (4 << 20) + 1, "A".repeat(43)]] },
    { extents: [[-1, 10, "A".repeat(43)]] },
    { extents: [[0, 10, "A".repeat(42)]] },
    { extents: [[0, 10, "A".repeat(42) + "="]] },
    { extents: [[0, 10, "A".repeat(43), 1]] },
    { xattrs: [] },
    { xattrs: { "user.a": "x" } },
    { xattrs: { "": "" } },
    { xattrs: { ["u".repeat(256)]: "" } },
    { xattrs: null },
    { flags: "" },
    { flags: "Z" },
    { flags: "ai" },
    { flags: "ii" },
    { flags: 16 },
    { flags: null },
    { xflags: "s" },
    { project: 0 },
    { project: -1 },
    { project: 2 ** 32 },
    { project: "7" },
    { extsize: 0 },
    { extsize: 1.5 },
    { cowextsize: [] },
    { type: "fifo", flags: "i" },
    { type: "symlink", target: "a", project: 1 },
    { type: "symlink", target: "" },
    { type: "symlink", target: "a\0b" },
    { type: "symlink", target: "a".repeat(4096) },
    { type: "link", target: "../a" },
    { type: "link" },
    { type: "char", device: [1] },
    { type: "block", device: [1, 2 ** 32] },
  ];
  for (const members of wrong) {
    assert.throws(
      () => parseHashedEntry(JSON.stringify({ ...file, ...members })),
      RangeError,
      JSON.stringify(members),
    );
  }
  for (const line of ["null", "[]", "1", '"file"', "", "{"]) {
    assert.throws(() => parseHashedEntry(line), Error, line);
  }
});

Deno.test("in a manifest, a file names its extents by frame and number", () => {
  const line = (extents: unknown) => JSON.stringify({ ...file, extents });
  const entry = parseFrameEntry(line([[0, 1, 2]]));
  assert.deepEqual(entry.type === "file" && entry.extents, [{ offset: 0, frame: 1, index: 2 }]);
  for (const extent of [[0, -1, 0], [0, 0, -1], [0, 0], [0, 0, "A".repeat(43)], {}, null]) {
    assert.throws(() => parseFrameEntry(line([extent])), RangeError);
  }
});

Deno.test("flags are the letters of lsattr, and an entry without flags has no member for them", () => {
  const plain = JSON.stringify(file);
  assert.equal(formatHashedEntry(parseHashedEntry(plain)), plain);
  const flagged = parseHashedEntry(JSON.stringify({ ...file, flags: "iadA", project: 7 }));
  assert.deepEqual(flagged.type === "file" && flagged.inode, { flags: 0xf0, project: 7 });
  assert.match(formatHashedEntry(flagged), /"flags":"iadA","project":7/);
});
