import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { MAX_EXTENT_BYTES } from "#contract/format/entry.ts";
import { ExtentCutter, MIN_CUT_BYTES } from "./extent_cutter.ts";

/** Noise, the same in every run (mulberry32). */
function noise(size: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0; i < words.length; i++) {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ seed >>> 15, seed | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    words[i] = t ^ t >>> 14;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** `step`: bytes written at a time. */
function cut(content: Uint8Array, { step = content.length } = {}): Uint8Array[] {
  const cutter = new ExtentCutter(), extents: Uint8Array[] = [];
  for (let at = 0; at < content.length;) {
    const room = cutter.room();
    const part = content.subarray(at, at + Math.min(step, room.length));
    room.set(part);
    cutter.filled(part.length);
    at += part.length;
    for (let next; (next = cutter.next({ last: at === content.length })) !== undefined;) {
      extents.push(next.slice());
    }
  }
  return extents;
}

const hash = (extent: Uint8Array) => createHash("sha256").update(extent).digest("hex");
const content = noise(40 << 20, 1);

Deno.test("joined extents equal the content, and stay within the limits", () => {
  const extents = cut(content);
  assert.equal(hash(Buffer.concat(extents)), hash(content));
  const sizes = extents.map((e) => e.length);
  assert.ok(sizes.every((size) => size <= MAX_EXTENT_BYTES));
  assert.ok(sizes.slice(0, -1).every((size) => size > MIN_CUT_BYTES));
  const mean = content.length / extents.length;
  assert.ok(mean > 1 << 20 && mean < 2 << 20, `mean ${mean}`);
});

Deno.test("cuts do not depend on how the bytes arrive", () => {
  const whole = cut(content).map(hash);
  for (const step of [65_536, 1_000_003, 16 << 20]) assert.deepEqual(cut(content, { step }).map(hash), whole);
});

Deno.test("an insertion changes only the extents around it", () => {
  const before = new Set(cut(content).map(hash));
  const changed = Buffer.concat([
    content.subarray(0, 20_000_000),
    Buffer.from("x"),
    content.subarray(20_000_000),
  ]);
  const fresh = cut(changed).map(hash).filter((h) => !before.has(h));
  assert.ok(fresh.length >= 1 && fresh.length <= 4, `${fresh.length} new extents`);
});

Deno.test("content without a natural cut is cut at the limit", () => {
  const sizes = cut(new Uint8Array(9 << 20)).map((e) => e.length);
  assert.deepEqual(sizes, [MAX_EXTENT_BYTES, MAX_EXTENT_BYTES, 1 << 20]);
});

Deno.test("cuts are where earlier versions made them", () => {
  const sizes = cut(content.subarray(0, 8 << 20)).map((e) => e.length);
  assert.deepEqual(sizes, GOLDEN);
});

/** Existing images were cut like this: other cuts would send and store every large file again. */
const GOLDEN = [1190069, 567166, 1069711, 1265880, 1243231, 1339239, 1342189, 371123];
