import assert from "node:assert/strict";
import { sizeArray } from "./md_geometry.ts";

const KIB = 1024, CHUNK = 64 * KIB;

Deno.test("RAID 10 uses of each member what the kernel then shows as its used size", () => {
  const bytes = 1280 * CHUNK;
  const used = (layout: string, slots: number) => {
    const array = { level: "raid10", metadata: "1.0", slots, chunkBytes: CHUNK, layout, memberBytes: 1 };
    const members = Array.from({ length: slots }, () => ({ bytes, before: 0 }));
    const { memberBytes, sizeBytes } = sizeArray(array, members);
    return [memberBytes / CHUNK, sizeBytes / CHUNK];
  };
  // 1279 chunks have room; each of two far copies takes half of a member
  assert.deepEqual(used("far=2", 4), [1278, 2556]);
  assert.deepEqual(used("offset=2", 4), [1278, 2556]);
  assert.deepEqual(used("near=2", 4), [1279, 2558]);
  assert.deepEqual(used("near=3", 4), [1279, 1705]);
  assert.deepEqual(used("near=2", 3), [1279, 1918]);
});
