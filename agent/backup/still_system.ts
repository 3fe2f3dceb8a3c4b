/** Mounts and reads a system that does not run, from the disks that it lies on. Nothing is written to them. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import { type AssembledVolumes, assembleVolumes } from "../layout/assemble/assemble_volumes.ts";
import type { Run } from "../sys/command.ts";
import type { Excludes } from "../tree/excludes.ts";
import { findRoot } from "./find_root.ts";
import { mountSystem } from "./mount_system.ts";
import { readStillMachine, type StillMachine } from "./still_machine.ts";

interface StillOptions {
  /** For messages. */
  readonly node: string;
  /** Disks that its root is not on, but that may hold other file systems of its fstab. */
  readonly others?: readonly DiskFacts[];
  /** To try on encrypted volumes. */
  readonly keys?: readonly string[];
  readonly excludes: Excludes;
  readonly firmware: "bios" | "uefi";
  /** Where it is mounted. */
  readonly at: string;
  /** Takes what must be undone. */
  readonly stack: AsyncDisposableStack;
  readonly run: Run;
  readonly signal: AbortSignal;
  /** lsblk's types of block devices that count as disks; loop devices for images. */
  readonly diskTypes?: readonly string[] | undefined;
}

/** `disks`: write-protected, with exactly one root file system. Throws RackseedError. */
export async function readStillSystem(
  disks: readonly DiskFacts[],
  options: StillOptions,
): Promise<{ machine: StillMachine; notes: readonly string[] }> {
  const { others = [], stack, keys = [], run, signal } = options;
  const assemble = async (some: readonly DiskFacts[]): Promise<AssembledVolumes> =>
    stack.use(await assembleVolumes(some, { readOnly: true, keys, run, signal }));
  const system = await assemble(disks);
  const root = await findRoot(system.volumes, { ...options, unread: system.notes });
  const beside = await assemble(others);
  const volumes = [...system.volumes, ...beside.volumes];
  const { mounts, swapDevices, notes } = await mountSystem(root, { ...options, volumes });
  const snapshots = new Map([...system.snapshots, ...beside.snapshots]);
  const machine = await readStillMachine(mounts, { ...options, volumes, swapDevices, snapshots });
  return { machine, notes: [...system.notes, ...beside.notes, ...notes] };
}
