import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { BytePath } from "#contract/byte_path.ts";
import { key, makeImage } from "../../../test/support/small_image.ts";
import { close, O, openAt } from "../../sys/libc.ts";
import { statAt } from "../../sys/file_status.ts";
import { installTree } from "../extract/install_tree.ts";
import { type ContentIndex, decodeIndex, encodeIndex, type Trust } from "./content_index.ts";
import { findStanding } from "./standing.ts";

const manifest = createHash("sha256").update("a manifest").digest("hex");
const trust: Trust = { inode: 2n ** 60n, ctimeSec: 1_700_000_000, ctimeNs: 999_999_999, sum: 0xffffffff };

Deno.test("an index says again what was put into it, and nothing of what was not", () => {
  const index = decodeIndex(encodeIndex({ manifest, entries: [undefined, trust] }), { manifest });
  assert.deepEqual([index?.(0), index?.(1), index?.(2)], [undefined, trust, undefined]);
});

Deno.test("an index that is damaged anywhere, cut off, or another manifest's is none", () => {
  const whole = encodeIndex({ manifest, entries: [undefined, trust] });
  for (let i = 0; i < whole.length; i++) {
    const damaged = whole.slice();
    damaged[i] = (damaged[i] ?? 0) ^ 1;
    assert.equal(decodeIndex(damaged, { manifest }), undefined, `byte ${i}`);
    assert.equal(decodeIndex(whole.subarray(0, i), { manifest }), undefined, `${i} bytes`);
  }
  assert.equal(decodeIndex(whole, { manifest: "0".repeat(64) }), undefined);
});

/** The small image installed, and the checksums that came with it. */
async function installed() {
  const image = makeImage();
  const sums = new Map<string, number>();
  await installTree({
    ...{ manifest: image.manifest, key, target: image.target, packs: { path: () => image.pack } },
    frames: ReadableStream.from([0, 1, 2]),
    onSums: (some) => some.forEach(([path, sum]) => sums.set(path, ((sums.get(path) ?? 0) ^ sum) >>> 0)),
  });
  const root = openAt(-100, image.target as BytePath, { flags: O.RDONLY | O.DIRECTORY });
  const look = (index?: ContentIndex, manifest = image.manifest) =>
    findStanding(root, { manifest, claim: false, privileged: Deno.uid() === 0, index });
  const index = (change: Partial<Trust> = {}): ContentIndex => (number) => {
    const path = image.manifest.entries[number]?.path ?? "" as BytePath;
    const { inode, ctimeSec, ctimeNs } = statAt(root, path);
    return { inode, ctimeSec, ctimeNs, sum: sums.get(path) ?? 0, ...change };
  };
  return { image, look, index, sums, [Symbol.dispose]: () => (close(root), image[Symbol.dispose]()) };
}

Deno.test("writing and scanning give the same checksums, also of a file that lies in several frames", async () => {
  using test = await installed();
  const { contents } = await test.look();
  const scanned = [...contents.sums].map(([n, sum]) => [test.image.manifest.entries[n]?.path ?? "", sum]);
  assert.deepEqual(Object.fromEntries(scanned as [string, number][]), Object.fromEntries(test.sums));
  assert.equal(test.sums.size, 3);
});

Deno.test("a file that nobody touched is believed by its checksum; one that rots, or was touched, is not", async () => {
  using test = await installed();
  const { image, look, index } = test;
  const b = image.manifest.entries.findIndex(({ path }) => path === "b");
  const before = index()(b);
  assert.ok(before);
  {
    using file = await Deno.open(`${image.target}/b`, { write: true });
    await file.seek(7000, Deno.SeekMode.Start);
    await file.write(new Uint8Array(10));
  }
  // touched: whatever the index says of its content, the hashes decide
  const touched = await look((n) => n === b ? before : index()(n));
  assert.deepEqual([...touched.contents.right.get(b) ?? []], [1, 0, 1]);
  // not touched, as far as the file system tells: the checksum of what is there does
  const rotten = await look(index());
  assert.deepEqual([...rotten.contents.right.get(b) ?? []], [1, 0, 1]);
  assert.equal(rotten.contents.whole.size, 2);
});

Deno.test("what the index vouches for is not hashed", async () => {
  using test = await installed();
  const { manifest } = test.image;
  // with hashes that no content has, nothing but the index can believe
  const frames = manifest.frames.map((frame) => ({
    ...frame,
    extents: frame.extents.map((extent) => ({ ...extent, sha256: "x".repeat(43) })),
  }));
  const look = (index?: ContentIndex) => test.look(index, { ...manifest, frames });
  assert.equal((await look()).contents.whole.size, 0);
  assert.equal((await look(test.index())).contents.whole.size, 3);
  assert.equal((await look(test.index({ sum: 1 }))).contents.whole.size, 0);
  assert.equal((await look(test.index({ inode: 1n }))).contents.whole.size, 0);
});
