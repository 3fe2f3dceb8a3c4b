/**
 * The journal of an installation: a small file in the target's root that says what is being installed there. It exists
 * from when the file systems are made until the target is released. A node that lost power finds it and resumes. It is
 * only a reason to look at the files there: their contents are trusted by hash alone.
 *
 *     .rackseed-install/journal.json    a JournalRecord
 *     .rackseed-install/packs/          packs, if they are not kept in memory
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

/** The installation's folder in the target's root, until it is done. */
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
  /** The version's id, the SHA-256 of its manifest. */
  manifest: Sha256Hex,
  /** Hash of the plan for the disk, see resume.ts; zeros for a directory. */
  plan: Sha256Hex,
});
export type JournalRecord = z.infer<typeof JournalRecord>;

/** `plan`: hash of the plan for the disk; absent for a directory. Pure. */
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

/** Reads it from an untrusted tree. `target`: path of the tree's root. Never throws. */
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
    if (statOf(file).type !== "file") throw new RangeError("it is not a file");
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

/**
 * Why the installation that left `found` is not the one that is ordered now; undefined if it is. Pure.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { differenceOf, recordOf } from "./journal.ts";
 *
 * const manifest = { id: "a".repeat(64), signature: "", publicKey: "", header: "" };
 * const order = { node: "n1", image: "web", version: 3, manifest };
 * const found = recordOf(order);
 * assert.equal(differenceOf(found, recordOf(order)), undefined);
 * const other = recordOf({ ...order, node: "n2" });
 * assert.equal(differenceOf(found, other), "the node n1 was being installed there, and n2 is ordered");
 * ```
 */
export function differenceOf(found: JournalRecord, ordered: JournalRecord): string | undefined {
  if (found.manifest !== ordered.manifest) {
    return `${found.image} was being installed there, and ${ordered.image} is ordered`;
  }
  if (found.node !== ordered.node) {
    return `the node ${found.node} was being installed there, and ${ordered.node} is ordered`;
  }
  if (found.plan !== ordered.plan) return "it had another plan";
  return undefined;
}

/** A journal that this process holds exclusively. */
export class Journal implements Disposable {
  /** Folder for packs; removed at the end of the installation. */
  readonly packs: string;
  readonly #root: number;
  readonly #folder: number;
  #open = true;

  private constructor(target: string, { root, folder }: { root: number; folder: number }) {
    this.packs = `${target}/${OWN_FOLDER}/packs`;
    this.#root = root;
    this.#folder = folder;
  }

  /** Begins a journal, or takes over the one that is there. On return the record is on disk. Throws RackseedError. */
  static keep(target: string, record: JournalRecord): Journal {
    const open: number[] = [];
    try {
      const root = openAt(AT_FDCWD, bytePathOfText(target), { flags: O.RDONLY | O.DIRECTORY });
      open.push(root);
      // the comparison must not see a root that changed only because this folder was made in it
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
        remedy: "stop what else uses the target; check whether it is full or read-only.",
        status: 409,
        cause: error,
      });
    }
  }

  /** The installation is complete: removes the journal and leaves the root as if it had never been there. */
  end(): void {
    if (!this.#open) return;
    const times = statOf(this.#root), locks = unlockInode(this.#root);
    removeTree(this.#root, OWN_FOLDER);
    setTimesOf(this.#root, times);
    lockInode(this.#root, locks);
    this[Symbol.dispose]();
  }

  /** Releases it; it stays on the disk. */
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

/** Under a temporary name first, so that there is never half a record. */
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
