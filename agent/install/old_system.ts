/**
 * Reads who the machine was from the disk that the plan is about to overwrite: that disk and no other, mounted
 * read-only, without replaying its journal, and nothing on it is run or followed out of it.
 */
import { parseBlkid } from "../capture/layout_table.ts";
import { messageOf } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";
import { Mount, MS } from "../sys/mount.ts";
import type { TargetDisk } from "./guard.ts";
import { readJournal } from "./journal.ts";
import type { Card } from "./network_config/resolve_cards.ts";
import { type KeptIdentity, readIdentity } from "./read_identity.ts";
import { ForeignTree } from "./tree_files.ts";

export interface OldSystem {
  readonly kept?: KeptIdentity;
  /** "vda2" */
  readonly from?: string;
  /** Why nothing, or not all, could be read, in words. */
  readonly notes: readonly string[];
}

/** How each file system is mounted with no write to its disk: mount(8). */
const UNTOUCHED: ReadonlyMap<string, string> = new Map([
  ["ext2", ""],
  ["ext3", "noload"],
  ["ext4", "noload"],
  ["xfs", "norecovery"],
  ["btrfs", "rescue=nologreplay"],
]);
/** Where distributions keep the root of a btrfs: openSUSE's default, Debian's and Ubuntu's, Fedora's. */
const BTRFS_ROOTS = ["", "/@", "/@rootfs", "/root"];
const UNREAD: ReadonlyMap<string, string> = new Map([
  ["LVM2_member", "an LVM"],
  ["crypto_LUKS", "an encrypted volume"],
  ["linux_raid_member", "a RAID"],
]);

/** `at`: where file systems are mounted for a moment. Throws only where `signal` ends it. */
export async function readOldSystem(
  target: TargetDisk,
  { at, cards, run, signal }: { at: string; cards: readonly Card[]; run: Run; signal: AbortSignal },
): Promise<OldSystem> {
  const notes: string[] = [];
  const numbers = target.facts.partitions.map((p) => p.number);
  for (const number of numbers.length > 0 ? numbers : [undefined]) {
    const source = target.device(number);
    const name = source.slice(source.lastIndexOf("/") + 1);
    try {
      const { stdout } = await run(["blkid", "-p", "-o", "export", source], { accept: [0, 2, 8], signal });
      const type = parseBlkid(stdout).get("TYPE") ?? "";
      const unread = UNREAD.get(type);
      if (unread !== undefined) notes.push(`${name} is ${unread}, which is not read`);
      const data = UNTOUCHED.get(type);
      if (data === undefined) continue;
      const flags = MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC;
      await using _mount = await Mount.at(at, { source, type, flags, data });
      const kept = await readRoot(at, { cards, notes, isBtrfs: type === "btrfs" });
      if (kept) return { kept, from: name, notes };
    } catch (error) {
      signal.throwIfAborted();
      notes.push(`${name} cannot be read: ${messageOf(error)}`);
    }
  }
  return { notes };
}

async function readRoot(
  at: string,
  { cards, notes, isBtrfs }: { cards: readonly Card[]; notes: string[]; isBtrfs: boolean },
): Promise<KeptIdentity | undefined> {
  for (const root of isBtrfs ? BTRFS_ROOTS : [""]) {
    if (root !== "" && await new ForeignTree(at).kind(root) !== "directory") continue;
    const tree = new ForeignTree(`${at}${root}`);
    if (await tree.kind("/etc/hostname") === undefined && await tree.kind("/etc/machine-id") === undefined) {
      continue;
    }
    // what an installation had written when it was broken off is the template's, not the node's
    if (readJournal(tree.root).state !== "none") {
      notes.push("the disk holds a broken-off installation");
      continue;
    }
    return await readIdentity(tree, { cards });
  }
  return undefined;
}
