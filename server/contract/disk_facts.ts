/** What is known about a disk of a machine: read from sysfs by the agent, judged by the plan. */
import type { Inventory } from "./api/node_agent.ts";

export interface DiskFacts {
  /** The kernel's present name ("sda", "nvme0n1"); never used to choose a disk. */
  readonly name: string;
  /** "254:0" */
  readonly number: string;
  readonly kind: "disk" | "loop" | "other";
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly model?: string;
  readonly serial?: string;
  readonly transport?: string;
  readonly byPath?: string;
  /** All persistent names, `byPath` first. */
  readonly names: readonly string[];
  readonly removable: boolean;
  readonly readOnly: boolean;
  /** What uses the disk or a part of it now, as text; empty if nothing does. */
  readonly uses: readonly string[];
  readonly partitions: readonly PartitionFacts[];
  /** What is on it, as text, if that was probed; empty if nothing known is. */
  readonly content?: string;
  /** Labels of the file systems on it, if they were probed. */
  readonly labels?: readonly string[];
  /**
   * Everything that blkid recognizes on the disk and its partitions, by its name there ("gpt", "ext4",
   * "linux_raid_member", "LVM2_member", "crypto_LUKS", "zfs_member"), if that was probed.
   */
  readonly signatures?: readonly string[];
  /** The kernel's names of all paths to it, `name` first, if there are several. */
  readonly paths?: readonly string[];
  /** Modules that the kernel drives it with ("ahci", "virtio_blk"), without what is built in; absent if not known. */
  readonly drivers?: readonly string[];
}

export interface PartitionFacts {
  readonly name: string;
  readonly number: number;
  /** In units of 512 bytes, as in sysfs, whatever the disk's sector size. */
  readonly start512: number;
  readonly size512: number;
}

/**
 * The disks of a machine as it last reported them. Undefined if the report lacks what a plan needs: it is a directory's,
 * or from an agent of an earlier release.
 */
export function disksOfInventory({ kind, disks }: Inventory): DiskFacts[] | undefined {
  if (kind !== "machine") return undefined;
  const facts = disks.map(factsOf);
  return facts.every((disk) => disk !== undefined) ? facts : undefined;
}

function factsOf(
  {
    byPath,
    kind,
    names,
    number,
    readOnly,
    uses,
    partitions,
    model,
    serial,
    transport,
    labels,
    signatures,
    paths,
    drivers,
    ...disk
  }: Inventory["disks"][number],
): DiskFacts | undefined {
  if (!kind || !names || number === undefined || readOnly === undefined || !uses) return undefined;
  return {
    ...disk,
    kind,
    names,
    number,
    readOnly,
    uses,
    partitions: partitions ?? [],
    ...(model !== undefined && { model }),
    ...(serial !== undefined && { serial }),
    ...(transport !== undefined && { transport }),
    ...(byPath?.startsWith("/dev/disk/by-path/") && { byPath }),
    ...(labels && { labels }),
    ...(signatures && { signatures }),
    ...(paths && { paths }),
    ...(drivers && { drivers }),
  };
}
