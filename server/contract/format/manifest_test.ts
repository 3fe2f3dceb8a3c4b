import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { BytePath } from "./byte_path.ts";
import type { Entry, FrameExtent } from "./entry.ts";
import {
  decodeManifest,
  encodeManifest,
  FORMAT,
  type Frame,
  type Header,
  type Manifest,
  manifestId,
  signManifestId,
  verifyManifestId,
} from "./manifest.ts";

const common = { mode: 0o755, uid: 0, gid: 0, mtimeSec: 1_700_000_000, mtimeNs: 5, xattrs: [] };
const directory = (path: string): Entry<FrameExtent> => ({
  type: "directory",
  path: path as BytePath,
  ...common,
});
const file = (
  path: string,
  { sizeBytes = 0, extents = [] }: { sizeBytes?: number; extents?: FrameExtent[] } = {},
): Entry<FrameExtent> => ({ type: "file", path: path as BytePath, ...common, sizeBytes, extents });
const symlink = (path: string): Entry<FrameExtent> => ({
  type: "symlink",
  path: path as BytePath,
  ...common,
  target: "/anywhere" as BytePath,
});
const link = (path: string, target: string): Entry<FrameExtent> => ({
  type: "link",
  path: path as BytePath,
  target: target as BytePath,
});

const frame: Frame = {
  pack: 0,
  offset: 0,
  sealedBytes: 100,
  rawBytes: 60,
  extents: [
    { sha256: "A".repeat(43), offset: 0, sizeBytes: 20 },
    { sha256: "B".repeat(43), offset: 20, sizeBytes: 40 },
  ],
};

function manifest(
  entries: Entry<FrameExtent>[],
  { frames = [frame], header = {} }: { frames?: Frame[]; header?: Partial<Header> } = {},
): Manifest {
  return {
    header: {
      format: FORMAT,
      formatVersion: 1,
      image: "web",
      version: 1,
      created: "2026-01-02T03:04:05.000Z",
      excludes: ["/tmp/*"],
      notes: [],
      totals: { entries: entries.length, files: 1, fileBytes: 1, extentBytes: 1, sealedBytes: 1 },
      packs: [{ sha256: "0".repeat(64), sizeBytes: 100 }],
      frames: frames.length,
      ...header,
    },
    frames,
    entries,
  };
}

const root = directory("");

Deno.test("a manifest is read back from its text", () => {
  const extents = [{ offset: 0, frame: 0, index: 1 }, { offset: 4096, frame: 0, index: 0 }];
  const whole = manifest([
    root,
    directory("a"),
    file("a/x", { sizeBytes: 5000, extents }),
    symlink("a/y"),
    file("a-b"),
    link("b", "a/x"),
  ]);
  assert.deepEqual(decodeManifest(encodeManifest(whole)), whole);
});

Deno.test("an entry that breaks a rule of the tree is refused, and the error names its line", () => {
  const extent = (offset: number, index: number, frame = 0) => ({ offset, frame, index });
  const cases: [why: RegExp, entries: Entry<FrameExtent>[]][] = [
    [/first entry is not the root/, [directory("a")]],
    [/first entry is not the root/, [file("")]],
    [/out of order/, [root, file("b"), file("a")]],
    [/out of order/, [root, file("a"), file("a")]],
    [/out of order/, [root, root]],
    [/out of order/, [root, directory("a-b"), directory("a")]],
    [/not in a directory/, [root, file("a/b")]],
    [/not in a directory/, [root, file("a"), file("a/b")]],
    [/not in a directory/, [root, symlink("a"), file("a/b")]],
    [/hard link to a missing file/, [root, link("a", "b")]],
    [/hard link to a missing file/, [root, directory("a"), link("b", "a")]],
    [/hard link to a missing file/, [root, file("a"), link("b", "a"), link("c", "b")]],
    [/missing extent/, [root, file("a", { sizeBytes: 20, extents: [extent(0, 2)] })]],
    [/missing extent/, [root, file("a", { sizeBytes: 20, extents: [extent(0, 0, 1)] })]],
    [/overlap/, [root, file("a", { sizeBytes: 99, extents: [extent(0, 0), extent(19, 1)] })]],
    [/past the end/, [root, file("a", { sizeBytes: 19, extents: [extent(0, 0)] })]],
  ];
  for (const [why, entries] of cases) {
    assert.throws(() => decodeManifest(encodeManifest(manifest(entries))), (error: Error) => {
      assert.ok(error instanceof RangeError);
      assert.match(error.message, why);
      assert.match(error.message, new RegExp(`manifest line ${entries.length + 2}:`));
      return true;
    });
  }
});

Deno.test("frames outside their pack, and extents outside their frame, are refused", () => {
  const [first] = frame.extents;
  assert.ok(first);
  const wrong: Partial<Frame>[] = [
    { pack: 1 },
    { offset: 1 },
    { sealedBytes: 0 },
    { rawBytes: 59 },
    { rawBytes: (4 << 20) + 1 },
    { extents: [{ ...first, offset: 41 }] },
    { extents: [{ ...first, sizeBytes: 0 }] },
    { extents: [{ ...first, sha256: "A" }] },
  ];
  for (const part of wrong) {
    const text = encodeManifest(manifest([root], { frames: [{ ...frame, ...part }] }));
    assert.throws(() => decodeManifest(text), /manifest line 2:/, JSON.stringify(part));
  }
});

Deno.test("a manifest that is cut off anywhere, or has a tail, is refused", () => {
  const text = encodeManifest(manifest([root, file("a")]));
  for (let length = 0; length < text.length; length++) {
    assert.throws(() => decodeManifest(text.subarray(0, length)), RangeError);
  }
  assert.throws(() => decodeManifest(Buffer.concat([text, Buffer.from("{}\n")])), /tail/);
});

Deno.test("a later format is refused with its number, and so is anything that is not a manifest", () => {
  const text = (header: object) => Buffer.from(JSON.stringify(header) + "\n");
  assert.throws(() => decodeManifest(text({ format: FORMAT, formatVersion: 2 })), /format 2 is unknown/);
  assert.throws(() => decodeManifest(text({ format: "tar", formatVersion: 1 })), /not a Rackseed manifest/);
  assert.throws(() => decodeManifest(text({ format: FORMAT, formatVersion: 1 })), RangeError);
});

Deno.test("a signature is valid for one id and one key", () => {
  const make = () =>
    generateKeyPairSync("ed25519", {
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
  const { publicKey, privateKey } = make();
  const id = manifestId(encodeManifest(manifest([root])));
  const signature = signManifestId(id, privateKey);
  assert.ok(verifyManifestId(id, { signature, publicKey }));
  assert.ok(!verifyManifestId(manifestId(new Uint8Array(1)), { signature, publicKey }));
  assert.ok(!verifyManifestId(id, { signature, publicKey: make().publicKey }));
});
