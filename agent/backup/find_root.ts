/** Finds the root file system of the machine's own system: the only one there is, never a guess. */
import { RackseedError } from "#contract/errors.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { type AssembledVolume, isPart } from "../layout/assemble/assembled_volume.ts";
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
 * The disks on which a backup looks for the root: the machine's own, or those that the operator named.
 *
 * @example
 * ```ts
 * import type { DiskFacts } from "#contract/disk_facts.ts";
 * import { ownDisks } from "./find_root.ts";
 *
 * export function names(disks: readonly DiskFacts[], node: string): string[] {
 *   return ownDisks(disks, { node }).map(({ name }) => name);
 * }
 * ```
 */
export function ownDisks(
  disks: readonly DiskFacts[],
  { node, named = [] }: { node: string; named?: readonly string[] | undefined },
): readonly DiskFacts[] {
  if (named.length === 0) return disks.filter((d) => !d.removable && d.transport !== "usb");
  return named.map((name) => {
    const disk = disks.find((d) => d.names.includes(name));
    if (disk) return disk;
    throw new RackseedError(`cannot find the disk ${name} that was named for ${node}`, {
      reason: `this machine has ${disks.flatMap((d) => d.names[0] ?? d.name).join(", ") || "no disk"}.`,
      remedy: `correct it: rackseed node set ${node} --disk /dev/disk/by-path/…`,
      status: 409,
    });
  });
}

/**
 * `volumes`: of those disks, write-protected; `unread`: what could not be assembled of them. `at`: where file systems
 * are mounted for a moment. Throws RackseedError unless there is exactly one root.
 */
export async function findRoot(
  volumes: readonly AssembledVolume[],
  { node, at, unread, run, signal }: {
    node: string;
    at: string;
    unread: readonly string[];
    run: Run;
    signal: AbortSignal;
  },
): Promise<FoundRoot> {
  const title = `cannot back up ${node}`, notes = [...unread];
  const found: (Omit<FoundRoot, "fstab"> & { fstab: string | undefined })[] = [];
  const devices = volumes.filter((volume) => !isPart(volume)).map(({ device }) => device);
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
