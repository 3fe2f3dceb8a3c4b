/** A volume of a system that does not run, as it was found on its disks. */
import { messageOf } from "#contract/errors.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { Run } from "../../sys/command.ts";
import { probeDevice } from "../../sys/blkid.ts";
import { devicePath } from "../disks.ts";
import { parseBlkid } from "../partition_table.ts";

export interface AssembledVolume {
  /** "/dev/sda2", "/dev/md127", "/dev/mapper/vg0-root" */
  readonly device: string;
  readonly kind: "partition" | "disk" | "md" | "luks" | "lv";
  /** For messages: "sda2", "the MD array boot", "the LVM volume vg0/root". */
  readonly title: string;
  /** Of the MD array, the LUKS volume or the logical volume itself, as mdadm, cryptsetup and LVM print it. */
  readonly uuid?: string;
  /** Of a logical volume. */
  readonly group?: { readonly name: string; readonly uuid: string };
  /** Of an MD array ("boot", without its host) and a logical volume. */
  readonly name?: string;
  /** Of a partition. */
  readonly number?: number;
  /** Names of the disks that it lies on: "sda". */
  readonly disks: readonly string[];
  /** One of the further devices of a btrfs that spans several: it is read by its first one. */
  readonly isFurther?: boolean;
  /** What blkid(8) finds on it: TYPE, UUID, LABEL, PART_ENTRY_UUID … */
  readonly facts: ReadonlyMap<string, string>;
}

export interface AssembleOptions {
  /** Nothing may be written, not even by the kernel: metadata that it must update is kept in memory. */
  readonly readOnly: boolean;
  /** Passphrases to try on LUKS volumes. */
  readonly keys?: readonly string[];
  /** UUIDs of the arrays, LUKS volumes and groups to assemble, as their tools print them. Absent: all of them. */
  readonly only?: ReadonlySet<string>;
  /** Names below /dev/mapper for opened LUKS volumes, by UUID. Absent: names that no two of them share. */
  readonly names?: ReadonlyMap<string, string>;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** What assembling one layer needs. */
export interface AssembleWork extends AssembleOptions {
  /** Receives what could not be assembled, as text. */
  readonly notes: string[];
  /** Takes what must be undone. */
  readonly stack: AsyncDisposableStack;
  /** The snapshots in memory that stand in for devices: "/dev/dm-0" for "/dev/sda2". */
  readonly snapshots: Map<string, string>;
}

/** The partitions of a disk, or the disk itself if it has none. */
export async function volumesOnDisk(
  { name, partitions }: DiskFacts,
  work: AssembleWork,
): Promise<AssembledVolume[]> {
  const found = async (volume: Omit<AssembledVolume, "facts" | "disks">) =>
    await probed({ ...volume, disks: [name] }, work);
  if (partitions.length === 0) {
    return [await found({ device: devicePath(name), kind: "disk", title: name })];
  }
  return await Promise.all(
    partitions.map(({ name: title, number }) =>
      found({ device: devicePath(name, number), kind: "partition", title, number })
    ),
  );
}

/** Adds what is on the volume now; nothing if it cannot be read. */
export async function probed(
  volume: Omit<AssembledVolume, "facts">,
  { run, signal, notes }: AssembleWork,
): Promise<AssembledVolume> {
  try {
    return { ...volume, facts: parseBlkid(await probeDevice(volume.device, { run, signal })) };
  } catch (error) {
    signal.throwIfAborted();
    notes.push(`${volume.title} cannot be read: ${messageOf(error)}`);
    return { ...volume, facts: new Map() };
  }
}

/** Whether it is a part of another volume, or of a btrfs whose first device is in the list too. */
export function isPart({ facts, isFurther }: AssembledVolume): boolean {
  return isFurther === true || PARTS.test(facts.get("TYPE") ?? "");
}
const PARTS = /^(linux_raid_member|crypto_LUKS|LVM2_member|isw_raid_member|ddf_raid_member)$/;

export function disksOf(volumes: readonly AssembledVolume[]): string[] {
  return [...new Set(volumes.flatMap(({ disks }) => disks))];
}
