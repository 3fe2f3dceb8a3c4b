/**
 * Makes the volumes of a system that does not run readable: starts its MD arrays, opens its LUKS volumes, activates its
 * LVM groups, in any nesting. Only the given disks are looked at, and everything is undone at the end.
 */
import { messageOf } from "#contract/errors.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import {
  type AssembledVolume,
  type AssembleOptions,
  type AssembleWork,
  volumesOnDisk,
} from "./assembled_volume.ts";
import { openEncrypted } from "./luks_volumes.ts";
import { startArrays } from "./md_arrays.ts";
import { activateGroups } from "./volume_groups.ts";

export interface AssembledVolumes extends AsyncDisposable {
  /** Every partition, array, opened LUKS volume and logical volume that was found, with what is on it. */
  readonly volumes: readonly AssembledVolume[];
  /** What could not be assembled, and why. Human-readable. */
  readonly notes: readonly string[];
  /** The snapshots in memory that stand in for devices while they are read: "/dev/dm-0" for "/dev/sda2". */
  readonly snapshots: ReadonlyMap<string, string>;
}

/** More layers than any machine has. */
const MAX_LAYERS = 16;
/** blkid's types of volumes that are parts of something that is not assembled. */
const UNREAD: ReadonlyMap<string, string> = new Map([
  ["isw_raid_member", "a RAID of the firmware (Intel)"],
  ["ddf_raid_member", "a RAID of the firmware (DDF)"],
  ["zfs_member", "ZFS"],
  ["bcache", "a bcache"],
  ["bcachefs", "bcachefs"],
  ["LVM1_member", "an LVM of version 1"],
  ["stratis", "Stratis"],
]);

/**
 * Nothing of it may be mounted any more when it is disposed of. A volume that cannot be assembled is a note, not an
 * error; throws only if `signal` is aborted.
 *
 * @example
 * ```ts
 * import type { DiskFacts } from "#contract/disk_facts.ts";
 * import { runCommand as run } from "../../sys/command.ts";
 *
 * export async function list(disks: readonly DiskFacts[], recoveryKey: string, signal: AbortSignal) {
 *   await using system = await assembleVolumes(disks, { readOnly: true, keys: [recoveryKey], run, signal });
 *   for (const { device, title, facts } of system.volumes) console.log(device, title, facts.get("TYPE"));
 *   for (const note of system.notes) console.log(note);
 * }
 * ```
 */
export async function assembleVolumes(
  disks: readonly DiskFacts[],
  options: AssembleOptions,
): Promise<AssembledVolumes> {
  await using stack = new AsyncDisposableStack();
  const notes: string[] = [], snapshots = new Map<string, string>();
  const work: AssembleWork = { ...options, notes, stack, snapshots };
  const volumes = (await Promise.all(disks.map((disk) => volumesOnDisk(disk, work)))).flat();
  const seen = new Set<string>();
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const above = await nextLayer(volumes.filter(({ device }) => !seen.has(device)), { seen, work });
    if (above.length === 0) break;
    volumes.push(...above);
  }
  await joinBtrfs(volumes, work);
  for (const { title, facts } of volumes) {
    const unread = UNREAD.get(facts.get("TYPE") ?? "");
    if (unread !== undefined) notes.push(`${title} is part of ${unread}, which is not read`);
  }
  const owned = stack.move();
  return { volumes, notes, snapshots, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** One kind at a time, so that a group on an array or on LUKS is seen whole. */
async function nextLayer(
  volumes: readonly AssembledVolume[],
  { seen, work }: { seen: Set<string>; work: AssembleWork },
): Promise<AssembledVolume[]> {
  for (const { type, assemble } of LAYERS) {
    const lower = volumes.filter(({ facts }) => facts.get("TYPE") === type);
    for (const { device } of lower) seen.add(device);
    const above = lower.length === 0 ? [] : await assembleOrNote(lower, { assemble, work });
    if (above.length > 0) return above;
  }
  return [];
}

/** A program that the image does not have is no error: the old system of a node may need others than its new one. */
async function assembleOrNote(
  lower: readonly AssembledVolume[],
  { assemble, work }: { assemble: (typeof LAYERS)[number]["assemble"]; work: AssembleWork },
): Promise<AssembledVolume[]> {
  try {
    return await assemble(lower, work);
  } catch (error) {
    work.signal.throwIfAborted();
    work.notes.push(`${lower.map(({ title }) => title).join(", ")} cannot be read: ${messageOf(error)}`);
    return [];
  }
}

/** The kernel mounts a btrfs over several devices only if it was shown all of them. */
async function joinBtrfs(volumes: AssembledVolume[], { run, signal, notes }: AssembleWork): Promise<void> {
  const systems = Map.groupBy(
    volumes.filter(({ facts }) => facts.get("TYPE") === "btrfs"),
    ({ facts }) => facts.get("UUID"),
  );
  for (const parts of systems.values()) {
    const devices = parts.map(({ device }) => device), titles = parts.map(({ title }) => title).join(" and ");
    if (parts.length === 1) continue;
    for (const part of parts.slice(1)) volumes[volumes.indexOf(part)] = { ...part, isFurther: true };
    if (new Set(parts.map(({ facts }) => facts.get("UUID_SUB"))).size < parts.length) {
      notes.push(`${titles} hold copies of one btrfs: only the first is read`);
      continue;
    }
    try {
      await run(["btrfs", "device", "scan", ...devices], { signal });
    } catch (error) {
      signal.throwIfAborted();
      notes.push(`the btrfs on ${titles} cannot be read: ${messageOf(error)}`);
    }
  }
}

const LAYERS = [
  { type: "linux_raid_member", assemble: startArrays },
  { type: "crypto_LUKS", assemble: openEncrypted },
  { type: "LVM2_member", assemble: activateGroups },
] as const;
