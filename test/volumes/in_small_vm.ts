/** Tests of real volumes. They overwrite /dev/vdb and what follows, so they run only where those disks are theirs. */
import assert from "node:assert/strict";

/** Set in the small VM by test/vm/volumes_test.ts, which runs these tests. */
export const INSIDE = "RACKSEED_SMALL_VM";
/** Of each of the disks /dev/vdb, /dev/vdc … */
export const DISK_BYTES = 1 << 30;
export const DISKS = ["vdb", "vdc", "vdd"];
/** The same with sectors of 4096 bytes, in machines that have them. */
export const DISKS_4KN = ["vde", "vdf"];

/** Names the folder of `bootPrograms` in the small VM. */
export const PROGRAMS = "BOOT_PROGRAMS";

interface TestMachine {
  /** Sizes of the sectors of further disks; `DISKS` have 512 bytes. */
  readonly further?: readonly (512 | 4096)[];
  /** An empty TPM 2.0. */
  readonly tpm?: boolean;
  /** systemd and the programs of `bootPrograms`. */
  readonly programs?: boolean;
}

/** What the machines of some files of tests have besides `DISKS`. */
export const MACHINES: ReadonlyMap<string, TestMachine> = new Map<string, TestMachine>([
  ["planned_arrays_test.ts", { further: [512] }],
  ["planned_sectors_test.ts", { further: [4096, 4096] }],
  ["wipe_signatures_test.ts", { further: [4096, 4096] }],
  ["clone_keys_test.ts", { tpm: true, programs: true }],
]);

export function inSmallVm(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.env.get(INSIDE) === undefined, fn });
}

/** No array and no device of device mapper is active. */
export function assertReleased(): void {
  const names = Array.from(Deno.readDirSync("/sys/block"), ({ name }) => name);
  assert.deepEqual(names.filter((name) => /^(dm-|md)/.test(name)), []);
}
