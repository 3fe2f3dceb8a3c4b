/** The directory that a tree is written into: empty, or holding only what a comparison found. */
import {
  type BytePath,
  bytePathOfText,
  displayPath,
  joinPath,
  parentOf,
} from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { isReadOnlySubvolume } from "../../sys/btrfs.ts";
import { codeOf } from "../../sys/errno.ts";
import { statAt } from "../../sys/file_status.ts";
import { unlockInode } from "../../sys/inode_flags.ts";
import { AT_FDCWD, chmodOf, close, fileSystemTypeOf, O, openAt, readDirectory } from "../../sys/libc.ts";
import { removeXattrOf } from "../../sys/xattr.ts";
import { beginDirectory, PLAIN_FILE_SYSTEMS } from "./attributes.ts";
import { type DirectoryEntry, type Existing, IN_PLACE } from "./frame_plan.ts";
import { OWN_FOLDER } from "../records/journal.ts";
import { removeTree } from "../../tree/remove_tree.ts";

export interface Target extends Disposable {
  readonly fd: number;
  /** Directories that exist already: lost+found, mount points and the directories above them. */
  readonly directories: ReadonlySet<BytePath>;
  /** Those of them in which nothing is made or removed and whose attributes are right. */
  readonly untouched: ReadonlySet<BytePath>;
}

/**
 * Throws RackseedError if the target is not a directory, or holds anything but the installation's own folder and new
 * file systems. `shownAgain`: places at which a subvolume shows that is written elsewhere.
 */
export function openTarget(path: string, shownAgain: readonly BytePath[] = []): Target {
  const fd = openDirectory(path);
  try {
    const directories = new Set<BytePath>();
    const found = firstContent(fd, {
      path: "" as BytePath,
      directories,
      isRoot: true,
      shownAgain: new Set(shownAgain),
    });
    if (found !== undefined) {
      throw new RackseedError(`cannot install into ${path}`, {
        reason: `it is not empty: it holds ${displayPath(found)}.`,
        remedy: "use an empty directory or a newly made file system.",
        status: 409,
      });
    }
    stopInheritance(fd, {});
    return { fd, directories, untouched: new Set(), [Symbol.dispose]: () => close(fd) };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/**
 * A target that already holds part of the image. Removes what is in the way, and keeps the directories that will get
 * new entries from passing attributes on to them. Throws RackseedError, SysError.
 */
export function openExistingTarget(
  path: string,
  { manifest, existing }: { manifest: Manifest; existing: Existing },
): Target {
  const fd = openDirectory(path);
  try {
    const directories = new Set<BytePath>(), untouched = new Set<BytePath>();
    const filled = new Set(existing.remove.map(parentOf));
    for (const [number, entry] of manifest.entries.entries()) {
      if (existing.states[number] === 0) filled.add(parentOf(entry.path));
    }
    for (const [number, entry] of manifest.entries.entries()) {
      if (entry.type !== "directory" || existing.states[number] !== IN_PLACE) continue;
      directories.add(entry.path);
      if (!filled.has(entry.path)) {
        if (!existing.wrongAttributes.has(number)) untouched.add(entry.path);
        continue;
      }
      const at = entry.path || "." as BytePath;
      const directory = openAt(fd, at, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW });
      try {
        stopInheritance(directory, entry);
      } finally {
        close(directory);
      }
    }
    for (const stranger of existing.remove) removeTree(fd, stranger);
    return { fd, directories, untouched, [Symbol.dispose]: () => close(fd) };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/**
 * Removes what a directory would pass on to new entries and thereby change them: the set-group-ID bit, a default ACL,
 * inode flags. Some flags would even forbid new entries.
 */
function stopInheritance(fd: number, entry: Pick<DirectoryEntry, "inode">): void {
  unlockInode(fd);
  beginDirectory(fd, entry);
  // these pass nothing on, and refuse such a mode
  if (PLAIN_FILE_SYSTEMS.has(fileSystemTypeOf(fd))) return;
  chmodOf(fd, 0o700);
  removeXattrOf(fd, "system.posix_acl_default");
}

function openDirectory(path: string): number {
  try {
    return openAt(AT_FDCWD, bytePathOfText(path), { flags: O.RDONLY | O.DIRECTORY });
  } catch (error) {
    throw new RackseedError(`cannot install into ${path}`, {
      reason: `it cannot be opened as a directory (${codeOf(error)}).`,
      remedy: "create the directory, or name another one.",
      status: 400,
      cause: error,
    });
  }
}

/**
 * Returns the first path that a new file system would not have. A new one has lost+found, and may have other new ones
 * mounted in it, with the directories above them; those are added to `directories`.
 */
function firstContent(
  fd: number,
  { path: parent, directories, isRoot, shownAgain }: {
    path: BytePath;
    directories: Set<BytePath>;
    /** Only the root of a file system or subvolume may be empty: somebody made any other empty directory. */
    isRoot: boolean;
    shownAgain: ReadonlySet<BytePath>;
  },
): BytePath | undefined {
  const names = readDirectory(fd);
  if (names.length === 0 && !isRoot) return parent;
  for (const name of names) {
    const path = joinPath(parent, name);
    if (path === OWN_FOLDER || shownAgain.has(path)) continue;
    const status = statAt(fd, name);
    if (status.type !== "directory") return path;
    directories.add(path);
    if (name === "lost+found") continue;
    const below = openAt(fd, name, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW });
    try {
      const isRoot = status.mountRoot === true || isReadOnlySubvolume(below) !== undefined;
      const found = firstContent(below, { path, directories, isRoot, shownAgain });
      if (found !== undefined) return found;
    } finally {
      close(below);
    }
  }
  return undefined;
}
