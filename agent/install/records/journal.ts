/**
 * The journal of an installation: a small file in the target's root that says what is being installed there, from
 * the moment when the file systems are made to the moment when the target is let go. A node that lost power finds
 * it and goes on. It is only ever a reason to look at what stands there: contents are believed by their hash alone.
 *
 *     .rackseed-install/journal.json    a JournalRecord
 *     .rackseed-install/packs/          packs, where they are not kept in memory
 */
import { z } from "zod";
import type { Order } from "#contract/api.ts";
import { type BytePath, bytePathOfText } from "#contract/format/byte_path.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { Sha256Hex } from "#contract/format/sha256.ts";
import { codeOf } from "../../sys/errno.ts";
import { statOf } from "../../sys/file_status.ts";
import {
  AT_FDCWD,
  close,
  makeDirectoryAt,
  O,
  openAt,
  readFully,
  removeAt,
  renameAt,
  setTimesOf,
  syncOf,
  tryLock,
  writeFully,
} from "../../sys/libc.ts";
import { lockInode, unlockInode } from "../../sys/inode_flags.ts";
import { removeTree } from "../../tree/remove_tree.ts";

/** What an installation keeps in the target's root until it is done. */
export const OWN_FOLDER = ".rackseed-install" as BytePath;
const FILE = "journal.json" as BytePath;
const DRAFT = "journal.json.new" as BytePath;
const MAX_BYTES = 4096;
const FOLDER_FLAGS = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

export const JournalRecord = z.strictObject({
  format: z.literal("rackseed-journal"),
  formatVersion: z.literal(1),
  /** The node's name. */
  node: z.string().max(255),
  /** "web@3", for people. */
  image: z.string().max(100),
  /** The version's id: SHA-256 of its manifest. */
  manifest: Sha256Hex,
  /** What was made of the disk: see resume.ts; of a directory, zeros. */
  plan: Sha256Hex,
});
export type JournalRecord = z.infer<typeof JournalRecord>;

/** `plan`: hash of what is made of the disk; absent for a directory. Pure. */
export function recordOf(
  { node, image, version, manifest }: Pick<Order, "node" | "image" | "version" | "manifest">,
  plan = "0".repeat(64),
): JournalRecord {
  return {
    format: "rackseed-journal",
    formatVersion: 1,
    node,
    image: `${image}@${version}`,
    manifest: manifest.id,
    plan,
  };
}

type JournalFound =
  | { readonly state: "none" }
  | { readonly state: "found"; readonly record: JournalRecord }
  | { readonly state: "unreadable"; readonly reason: string };

/** Reads it from a tree that nobody vouches for. `target`: path of the tree's root. Throws nothing. */
export function readJournal(target: string): JournalFound {
  const open: number[] = [];
  const opened = (directory: number, path: BytePath, flags: number) => {
    const fd = openAt(directory, path, { flags });
    open.push(fd);
    return fd;
  };
  try {
    const root = opened(AT_FDCWD, bytePathOfText(target), O.RDONLY | O.DIRECTORY);
    const folder = opened(root, OWN_FOLDER, FOLDER_FLAGS);
    const file = opened(folder, FILE, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
    if (statOf(file).type !== "file") throw new RangeError("it is no file");
    const bytes = new Uint8Array(MAX_BYTES + 1);
    const length = readFully(file, bytes, 0);
    if (length > MAX_BYTES) throw new RangeError("it is too long");
    const record = JournalRecord.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))));
    return { state: "found", record };
  } catch (error) {
    if (codeOf(error) === "ENOENT" && open.length < 2) return { state: "none" };
    const reason = error instanceof z.ZodError || error instanceof SyntaxError
      ? "it holds something else"
      : messageOf(error);
    return { state: "unreadable", reason };
  } finally {
    open.forEach(close);
  }
}

/** Why an installation that left `found` is not the one that is ordered now; undefined where it is. Pure. */
export function differenceOf(found: JournalRecord, ordered: JournalRecord): string | undefined {
  if (found.manifest !== ordered.manifest) {
    return `it was ${found.image} that was being installed there, and ${ordered.image} is ordered`;
  }
  if (found.node !== ordered.node) {
    return `it was the node ${found.node} that was being installed there, and ${ordered.node} is ordered`;
  }
  if (found.plan !== ordered.plan) return "it was planned otherwise";
  return undefined;
}

/** A journal that this process keeps, and none beside it. */
export class Journal implements Disposable {
  /** Where packs may lie; the installation's end removes it. */
  readonly packs: string;
  readonly #root: number;
  readonly #folder: number;
  #open = true;

  private constructor(target: string, { root, folder }: { root: number; folder: number }) {
    this.packs = `${target}/${OWN_FOLDER}/packs`;
    this.#root = root;
    this.#folder = folder;
  }

  /** Begins it, or takes up the one that is there. When it returns the record is on the disk. Throws RackseedError. */
  static keep(target: string, record: JournalRecord): Journal {
    const open: number[] = [];
    try {
      const root = openAt(AT_FDCWD, bytePathOfText(target), { flags: O.RDONLY | O.DIRECTORY });
      open.push(root);
      // a root that the folder's making alone has changed must not look so to whoever compares it
      const times = statOf(root), locks = unlockInode(root);
      makeFolder(root);
      const folder = openAt(root, OWN_FOLDER, { flags: FOLDER_FLAGS });
      open.push(folder);
      if (!tryLock(folder)) throw new RangeError("another process is installing there");
      writeRecord(folder, record);
      setTimesOf(root, times);
      lockInode(root, locks);
      syncOf(root);
      return new Journal(target, { root, folder });
    } catch (error) {
      open.forEach(close);
      throw new RackseedError(`cannot keep a journal in ${target}`, {
        reason: `${messageOf(error)}.`,
        remedy: "end what else uses the target; see whether it is full or read-only.",
        status: 409,
        cause: error,
      });
    }
  }

  /** The installation is complete: nothing of the journal stays, and the root is as it was without. */
  end(): void {
    if (!this.#open) return;
    const times = statOf(this.#root), locks = unlockInode(this.#root);
    removeTree(this.#root, OWN_FOLDER);
    setTimesOf(this.#root, times);
    lockInode(this.#root, locks);
    this[Symbol.dispose]();
  }

  /** Lets it go; on the disk it stays. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    close(this.#folder);
    close(this.#root);
  }
}

function makeFolder(root: number): void {
  try {
    makeDirectoryAt(root, OWN_FOLDER, 0o700);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** By a temporary name, so that there is never half a record. */
function writeRecord(folder: number, record: JournalRecord): void {
  removeIfThere(folder, DRAFT);
  const fd = openAt(folder, DRAFT, { flags: O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, mode: 0o600 });
  try {
    writeFully(fd, new TextEncoder().encode(`${JSON.stringify(record)}\n`), 0);
    syncOf(fd);
  } finally {
    close(fd);
  }
  renameAt(folder, DRAFT, FILE);
  syncOf(folder);
}

function removeIfThere(folder: number, name: BytePath): void {
  try {
    removeAt(folder, name, "name");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
