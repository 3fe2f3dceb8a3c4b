/** Finds the root file system of the machine's own system: the only one there is, never a guess. */
import { RackseedError } from "#contract/errors.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { devicePath } from "../layout/disks.ts";
import { foreignRoots } from "../install/disk/foreign_roots.ts";
import type { Run } from "../sys/command.ts";

export interface FoundRoot {
  readonly device: string;
  readonly type: string;
  readonly subvolume: string;
  /** Its fstab(5). */
  readonly fstab: string;
  readonly hostname: string | undefined;
}

/**
 * The disks that a backup reads: the machine's own, or the one that the operator named.
 *
 * @example
 * ```ts
 * import type { DiskFacts } from "#contract/disk_facts.ts";
 * import { ownDisks, volumesOf } from "./find_root.ts";
 *
 * export function devicesToSearch(disks: readonly DiskFacts[], node: string): string[] {
 *   return ownDisks(disks, { node }).flatMap(volumesOf).map(({ device }) => device);
 * }
 * ```
 */
export function ownDisks(
  disks: readonly DiskFacts[],
  { node, named }: { node: string; named?: string | undefined },
): readonly DiskFacts[] {
  if (named === undefined) return disks.filter((d) => !d.removable && d.transport !== "usb");
  const disk = disks.find((d) => d.names.includes(named));
  if (disk) return [disk];
  throw new RackseedError(`cannot find the disk ${named} that was named for ${node}`, {
    reason: `this machine has ${disks.flatMap((d) => d.names[0] ?? d.name).join(", ") || "no disk"}.`,
    remedy: `correct it: rackseed node set ${node} --disk /dev/disk/by-path/…`,
    status: 409,
  });
}

export function volumesOf({ name, partitions }: DiskFacts): { device: string; number?: number }[] {
  if (partitions.length === 0) return [{ device: devicePath(name) }];
  return partitions.map(({ number }) => ({ device: devicePath(name, number), number }));
}

/** `at`: where file systems are mounted for a moment. Throws RackseedError unless there is exactly one root. */
export async function findRoot(
  disks: readonly DiskFacts[],
  { node, at, run, signal }: { node: string; at: string; run: Run; signal: AbortSignal },
): Promise<FoundRoot> {
  const title = `cannot back up ${node}`, notes: string[] = [];
  const found: (Omit<FoundRoot, "fstab"> & { fstab: string | undefined })[] = [];
  const devices = disks.flatMap(volumesOf).map(({ device }) => device);
  for await (const { tree, device, type, subvolume } of foreignRoots(devices, { at, notes, run, signal })) {
    const fstab = await tree.text("/etc/fstab");
    found.push({ device, type, subvolume, fstab, hostname: (await tree.text("/etc/hostname"))?.trim() });
  }
  const [root, ...others] = found;
  if (root === undefined) {
    throw new RackseedError(title, {
      reason: `none of its disks has a system that can be read${notes.map((n) => `; ${n}`).join("")}.`,
      remedy: "examine the disks from the shell at its console (lsblk, dmesg); nothing was written to them.",
      status: 409,
    });
  }
  if (others.length > 0) {
    throw new RackseedError(title, {
      reason: `it has more than one system: ${found.map((f) => `${f.device} (${f.hostname})`).join(", ")}.`,
      remedy: `set the disk of the right one: rackseed node set ${node} --disk /dev/disk/by-path/…`,
      status: 409,
    });
  }
  const { fstab } = root;
  if (fstab !== undefined) return { ...root, fstab };
  throw new RackseedError(title, {
    reason: `the system on ${root.device} has no /etc/fstab, so its other file systems are unknown.`,
    remedy: "restore it to its image first, keeping your data: rackseed node restore NODE --keep PATH",
    status: 409,
  });
}
