/** Tests of real volumes. They overwrite /dev/vdb and what follows, so they run only where those disks are theirs. */
import assert from "node:assert/strict";

/** Set in the small VM by test/vm/volumes_test.ts, which runs these tests. */
export const INSIDE = "RACKSEED_SMALL_VM";
/** Of each of the disks /dev/vdb, /dev/vdc … */
export const DISK_BYTES = 1 << 30;
export const DISKS = ["vdb", "vdc", "vdd"];

export function inSmallVm(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.env.get(INSIDE) === undefined, fn });
}

/** No array and no device of device mapper is active. */
export function assertReleased(): void {
  const names = Array.from(Deno.readDirSync("/sys/block"), ({ name }) => name);
  assert.deepEqual(names.filter((name) => /^(dm-|md)/.test(name)), []);
}
