/**
 * Finds the systems on a disk. Each file system is mounted briefly, read-only and without replaying its journal;
 * nothing on it is run, and no link is followed out of it.
 */
import { messageOf } from "#contract/errors.ts";
import { parseBlkid } from "../../layout/partition_table.ts";
import { probeDevice } from "../../sys/blkid.ts";
import type { Run } from "../../sys/command.ts";
import { INSPECTION_FLAGS, Mount } from "../../sys/mount.ts";
import { readJournal } from "../records/journal.ts";
import { ForeignTree } from "../../tree/tree_files.ts";

/** A root file system, mounted until the next one is asked for. */
interface ForeignRoot {
  readonly tree: ForeignTree;
  /** "/dev/vda2", "vda2" */
  readonly device: string;
  readonly name: string;
  readonly type: string;
  /** Where the root is inside a btrfs: "/@"; else "". */
  readonly subvolume: string;
}

/** Options that mount a file system without writing to its disk: mount(8). */
const UNTOUCHED: ReadonlyMap<string, string> = new Map([
  ["ext2", ""],
  ["ext3", "noload"],
  ["ext4", "noload"],
  ["xfs", "norecovery"],
  ["btrfs", "rescue=nologreplay"],
]);
/** Where distributions keep the root in a btrfs: openSUSE's default, Ubuntu's, Debian's, Fedora's. */
const BTRFS_ROOTS = ["", "/@", "/@rootfs", "/root"];
const UNREAD: ReadonlyMap<string, string> = new Map([
  ["LVM2_member", "an LVM"],
  ["crypto_LUKS", "an encrypted volume"],
  ["linux_raid_member", "a RAID"],
]);

/**
 * `at`: the mount point; `notes`: receives what could not be read, as text. Throws only if `signal` is aborted.
 */
export async function* foreignRoots(
  devices: readonly string[],
  { at, notes, run, signal }: { at: string; notes: string[]; run: Run; signal: AbortSignal },
): AsyncGenerator<ForeignRoot> {
  for (const device of devices) {
    const name = device.slice(device.lastIndexOf("/") + 1);
    const mounted = await mountUntouched(device, { at, name, notes, run, signal });
    if (mounted === undefined) continue;
    await using _mount = mounted.mount;
    const { type } = mounted;
    for (const subvolume of type === "btrfs" ? BTRFS_ROOTS : [""]) {
      const tree = await rootAt(at, { subvolume, notes });
      if (tree) yield { tree, device, name, type, subvolume };
    }
  }
}

async function mountUntouched(
  device: string,
  { at, name, notes, run, signal }: {
    at: string;
    name: string;
    notes: string[];
    run: Run;
    signal: AbortSignal;
  },
): Promise<{ mount: Mount; type: string } | undefined> {
  try {
    const type = parseBlkid(await probeDevice(device, { run, signal })).get("TYPE") ?? "";
    const unread = UNREAD.get(type);
    if (unread !== undefined) notes.push(`${name} is ${unread}, which is not read`);
    const data = UNTOUCHED.get(type);
    if (data === undefined) return undefined;
    return { mount: await Mount.at(at, { source: device, type, flags: INSPECTION_FLAGS, data }), type };
  } catch (error) {
    signal.throwIfAborted();
    notes.push(`${name} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}

async function rootAt(
  at: string,
  { subvolume, notes }: { subvolume: string; notes: string[] },
): Promise<ForeignTree | undefined> {
  if (subvolume !== "" && await new ForeignTree(at).kind(subvolume) !== "directory") return undefined;
  const tree = new ForeignTree(`${at}${subvolume}`);
  if (await tree.kind("/etc/hostname") === undefined && await tree.kind("/etc/machine-id") === undefined) {
    return undefined;
  }
  // what an interrupted installation has written is the template's, not the node's
  if (readJournal(tree.root).state === "none") return tree;
  notes.push("the disk holds an interrupted installation");
  return undefined;
}
