import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { common, key, makeImage } from "../../../test/support/small_image.ts";
import { close, O, openAt } from "../../sys/libc.ts";
import { statAt } from "../../sys/file_status.ts";
import { installTree } from "../extract/install_tree.ts";
import { type ContentIndex, decodeIndex, encodeIndex, type IndexEntry } from "../records/content_index.ts";
import { findExisting } from "./existing.ts";
import { indexOfTarget } from "./target_index.ts";

const manifest = createHash("sha256").update("a manifest").digest("hex");
const indexed: IndexEntry = {
  inode: 2n ** 60n,
  ctimeSec: 1_700_000_000,
  ctimeNs: 999_999_999,
  sum: 0xffffffff,
};

Deno.test("an index decodes to the entries it was made from, and to none for the others", () => {
  const index = decodeIndex(encodeIndex({ manifest, entries: [undefined, indexed] }), { manifest });
  assert.deepEqual([index?.(0), index?.(1), index?.(2)], [undefined, indexed, undefined]);
});

Deno.test("an index that is damaged anywhere, truncated, or of another manifest is rejected", () => {
  const whole = encodeIndex({ manifest, entries: [undefined, indexed] });
  for (let i = 0; i < whole.length; i++) {
    const damaged = whole.slice();
    damaged[i] = (damaged[i] ?? 0) ^ 1;
    assert.equal(decodeIndex(damaged, { manifest }), undefined, `byte ${i}`);
    assert.equal(decodeIndex(whole.subarray(0, i), { manifest }), undefined, `${i} bytes`);
  }
  assert.equal(decodeIndex(whole, { manifest: "0".repeat(64) }), undefined);
});

/** The small image, installed, and the checksums reported meanwhile. */
async function installed(more: Parameters<typeof makeImage>[0] = []) {
  const image = makeImage(more);
  const sums = new Map<string, number>();
  await installTree({
    manifest: image.manifest,
    key,
    target: image.target,
    packs: { path: () => image.pack },
    frames: ReadableStream.from([0, 1, 2]),
    onSums: (some) => some.forEach(([path, sum]) => sums.set(path, ((sums.get(path) ?? 0) ^ sum) >>> 0)),
  });
  const root = openAt(-100, image.target as BytePath, { flags: O.RDONLY | O.DIRECTORY });
  const look = (index?: ContentIndex, manifest = image.manifest, random?: () => number) => {
    const options = { manifest, makeReadable: false, privileged: Deno.uid() === 0, index };
    return findExisting(root, { ...options, ...(random && { trustsIndex: true, random }) });
  };
  const index = (change: Partial<IndexEntry> = {}): ContentIndex => (number) => {
    const path = image.manifest.entries[number]?.path ?? "" as BytePath;
    const { inode, ctimeSec, ctimeNs } = statAt(root, path || "." as BytePath);
    return { inode, ctimeSec, ctimeNs, sum: sums.get(path) ?? 0, ...change };
  };
  return { image, look, index, sums, [Symbol.dispose]: () => (close(root), image[Symbol.dispose]()) };
}

Deno.test("writing and scanning give the same checksums, even for a file in several frames", async () => {
  using test = await installed();
  const { contents } = await test.look();
  const scanned = [...contents.sums].map(([n, sum]) => [test.image.manifest.entries[n]?.path ?? "", sum]);
  assert.deepEqual(Object.fromEntries(scanned as [string, number][]), Object.fromEntries(test.sums));
  assert.equal(test.sums.size, 3);
});

Deno.test("nothing is noted of a file system whose inode numbers do not last", async () => {
  using test = await installed();
  const { image: { manifest: installedManifest, target }, sums } = test;
  const noted = (plain: readonly string[]) => {
    const options = {
      manifest: installedManifest,
      found: undefined,
      previous: undefined,
      changed: new Set<string>(),
    };
    const all = new Map([...sums] as [BytePath, number][]);
    const index = decodeIndex(indexOfTarget(target, { ...options, manifestId: manifest, sums: all, plain }), {
      manifest,
    });
    return installedManifest.entries.filter((_, number) => index?.(number)).map(({ path }) => path as string);
  };
  const all = noted([]);
  assert.ok(all.includes("b") && all.includes(""));
  assert.deepEqual(noted(["/b"]), all.filter((path) => path !== "b"));
});

Deno.test("an untouched file is trusted by its checksum; one that rots or was touched is not", async () => {
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
  // touched: the hashes decide, whatever the index says of the content
  const touched = await look((n) => n === b ? before : index()(n));
  assert.deepEqual([...touched.contents.right.get(b) ?? []], [1, 0, 1]);
  // untouched according to the file system: the checksum of the content decides
  const rotten = await look(index());
  assert.deepEqual([...rotten.contents.right.get(b) ?? []], [1, 0, 1]);
  assert.equal(rotten.contents.whole.size, 2);
});

Deno.test("a file that was completed is in the index with the checksum of its whole content", async () => {
  using test = await installed();
  const { image, look, sums: before } = test;
  const b = image.manifest.entries.findIndex(({ path }) => path === "b");
  {
    using file = await Deno.open(`${image.target}/b`, { write: true });
    await file.seek(7000, Deno.SeekMode.Start);
    await file.write(new Uint8Array(10));
  }
  const found = await look(), sums = new Map<BytePath, number>();
  assert(found.partial.has(b));
  await installTree({
    manifest: image.manifest,
    key,
    target: image.target,
    existing: found,
    packs: { path: () => image.pack },
    frames: ReadableStream.from([0, 1, 2]),
    onSums: (some) => some.forEach(([path, sum]) => sums.set(path, ((sums.get(path) ?? 0) ^ sum) >>> 0)),
  });
  const options = {
    manifest: image.manifest,
    found,
    previous: undefined,
    sums,
    changed: new Set<string>(),
    plain: [],
  };
  const index = decodeIndex(indexOfTarget(image.target, { ...options, manifestId: manifest }), { manifest });
  assert.equal(index?.(b)?.sum, before.get("b"));
});

/** With hashes that no content has: only the index can vouch for a file. */
function withoutHashes(manifest: Manifest): Manifest {
  const frames = manifest.frames.map((frame) => ({
    ...frame,
    extents: frame.extents.map((extent) => ({ ...extent, sha256: "x".repeat(43) })),
  }));
  return { ...manifest, frames };
}

Deno.test("files that the index vouches for are not hashed", async () => {
  using test = await installed();
  const look = (index?: ContentIndex) => test.look(index, withoutHashes(test.image.manifest));
  assert.equal((await look()).contents.whole.size, 0);
  assert.equal((await look(test.index())).contents.whole.size, 3);
  assert.equal((await look(test.index({ sum: 1 }))).contents.whole.size, 0);
  assert.equal((await look(test.index({ inode: 1n }))).contents.whole.size, 0);
});

const none = () => 1, all = () => 0;
/** Samples the first file only. */
const first = () => {
  let asked = 0;
  return () => asked++ === 0 ? 0 : 1;
};

Deno.test("untouched files are not read, except for a sample; if that is wrong, all files are read", async () => {
  using test = await installed();
  const look = async (index: ContentIndex, random: () => number) => {
    const { contents, trusted } = await test.look(index, withoutHashes(test.image.manifest), random);
    const { whole, exact, sums, readBytes } = contents;
    return [whole.size, exact.size, sums.size, trusted.size, readBytes > 0];
  };
  assert.deepEqual(await look(test.index(), none), [3, 3, 3, 3, false]);
  assert.deepEqual(await look(test.index(), all), [3, 3, 3, 0, true]);
  assert.deepEqual(await look(test.index(), first()), [3, 3, 3, 2, true]);
  const rotten = test.index({ sum: 1 });
  assert.deepEqual(await look(rotten, none), [3, 3, 3, 3, false], "nothing reveals it");
  assert.deepEqual(
    await look(rotten, first()),
    [0, 0, 0, 0, true],
    "the sample reveals it, and all files are read",
  );
});

const touches: { name: string; touch: (path: string) => unknown; whole: number; exact: number }[] = [
  {
    name: "written to, with its time reset",
    touch: (path) => {
      const { atime, mtime } = Deno.statSync(path);
      Deno.writeFileSync(path, new Uint8Array(10), { create: false, append: false });
      Deno.utimeSync(path, atime!, mtime!);
    },
    whole: 2,
    exact: 2,
  },
  { name: "given another mode", touch: (path) => Deno.chmodSync(path, 0o777), whole: 3, exact: 2 },
  {
    name: "given an attribute",
    touch: (path) => new Deno.Command("setfattr", { args: ["-n", "user.strange", path] }).outputSync(),
    whole: 3,
    exact: 2,
  },
  {
    name: "replaced by a copy",
    touch: (path) => {
      Deno.copyFileSync(path, `${path}.copy`);
      Deno.renameSync(`${path}.copy`, path);
    },
    whole: 3,
    exact: 2,
  },
];
for (const { name, touch, ...expected } of touches) {
  Deno.test(`a file ${name} is read again`, async () => {
    using test = await installed();
    const { entries } = test.image.manifest;
    const noted = entries.map((entry, number) => entry.type === "file" ? test.index()(number) : undefined);
    touch(`${test.image.target}/a`);
    const { trusted, contents } = await test.look((number) => noted[number], undefined, none);
    assert.equal(trusted.has(entries.findIndex(({ path }) => path === "a")), false);
    assert.deepEqual({ whole: contents.whole.size, exact: contents.exact.size }, expected);
  });
}

Deno.test("untouched directories and symlinks are trusted; one with another mode gets its attributes back", async () => {
  using test = await installed([
    { type: "directory", path: "d" as BytePath, ...common, mode: 0o755 },
    { type: "symlink", path: "d/s" as BytePath, ...common, target: "../a" as BytePath },
  ]);
  const { entries } = test.image.manifest;
  const noted = entries.map((_, number) => test.index()(number));
  const look = async () => {
    const { trusted, wrongAttributes, states } = await test.look((number) => noted[number], undefined, none);
    const seen = (path: string) => {
      const number = entries.findIndex((entry) => entry.path === path);
      return [trusted.has(number), wrongAttributes.has(number), states[number] === 1];
    };
    return { d: seen("d"), s: seen("d/s") };
  };
  assert.deepEqual(await look(), { d: [true, false, true], s: [true, false, true] });
  Deno.chmodSync(`${test.image.target}/d`, 0o700);
  assert.deepEqual(await look(), { d: [false, true, true], s: [true, false, true] });
  Deno.removeSync(`${test.image.target}/d/s`);
  Deno.symlinkSync("../a", `${test.image.target}/d/s`);
  const { s } = await look();
  assert.deepEqual(s, [false, false, false], "its time differs, so it is made again");
});
