/** Tests of real volumes. They overwrite /dev/vdb and what follows, so they run only where those disks are theirs. */
import assert from "node:assert/strict";

/** Set in the small VM by test/vm/volumes_test.ts, which runs these tests. */
export const INSIDE = "RACKSEED_SMALL_VM";
/** Of each of the disks /dev/vdb, /dev/vdc … */
export const DISK_BYTES = 1 << 30;
export const DISKS = ["vdb", "vdc", "vdd"];
const FOUR = [...DISKS, "vde"];
/** With sectors of 4096 bytes. */
export const DISKS_4KN = ["vdf", "vdg"];

/** Names the folder of `bootPrograms` in the small VM. */
export const PROGRAMS = "BOOT_PROGRAMS";

interface TestMachine {
  readonly disks?: readonly string[];
  /** Besides the disks an empty TPM 2.0. */
  readonly tpm?: boolean;
  /** systemd and the programs of `bootPrograms`. */
  readonly programs?: boolean;
}

/** The machines of some files of tests; the others have `DISKS`. */
export const MACHINES: ReadonlyMap<string, TestMachine> = new Map<string, TestMachine>([
  ["planned_arrays_test.ts", { disks: FOUR }],
  ["planned_sectors_test.ts", { disks: [...DISKS, ...DISKS_4KN] }],
  ["wipe_signatures_test.ts", { disks: [...DISKS, ...DISKS_4KN] }],
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
