import assert from "node:assert/strict";
import { DiskWatch } from "./disk_watch.ts";

Deno.test("a disk is reported when less than a tenth is free, and again only after it had room", () => {
  const watch = new DiskWatch();
  const free = [50, 10, 9, 5, 11, 9, 12, 9];
  const reported = free.filter((freeBytes) => watch.check({ freeBytes, sizeBytes: 100 }));
  assert.deepEqual(reported, [9, 9]);
});
