/** Removes a path with everything below it. Follows no symlink and leaves mounted file systems alone. */
import { type BytePath, displayPath, joinPath } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import { isReadOnlySubvolume, setSubvolumeReadOnly, SUBVOLUME_INODE } from "../sys/btrfs.ts";
import { codeOf } from "../sys/errno.ts";
import { type FileStatus, statAt, statOf } from "../sys/file_status.ts";
import { unlockInode } from "../sys/inode_flags.ts";
import { chmodAt, chmodOf, close, O, openAt, readDirectory, removeAt } from "../sys/libc.ts";
import { pastLocks } from "./locks.ts";

/**
 * `path`: below the open directory `root`; its parents are known to be directories. Does nothing if it does not exist.
 * Removes immutable files and directories, and read-only snapshots of a btrfs, too. Throws RackseedError if a file system is mounted in it, and removes
 * nothing of that.
 */
export function removeTree(root: number, path: BytePath): void {
  let status: FileStatus;
  try {
    status = statAt(root, path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  if (status.type !== "directory") return removeLocked(root, path, "name");
  if (status.mountRoot) {
    throw new RackseedError(`cannot remove ${displayPath(path)}, which does not belong to the image`, {
      reason: "a file system is mounted there.",
      remedy: "unmount it, and start again.",
      status: 409,
    });
  }
  const fd = openToEmpty(root, path);
  let names: BytePath[];
  try {
    names = readDirectory(fd);
  } finally {
    close(fd);
  }
  for (const name of names) removeTree(root, joinPath(path, name));
  removeLocked(root, path, "directory");
}

function removeLocked(root: number, path: BytePath, kind: "name" | "directory"): void {
  pastLocks(root, path, { work: () => removeAt(root, path, kind), stays: false });
}

/** Opens a directory so that its owner may read and empty it, whatever its mode and flags. */
function openToEmpty(root: number, path: BytePath): number {
  const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
  const fd = openAfter(() => openAt(root, path, { flags }), () => chmodAt(root, path, 0o700));
  const { mode, inode } = statOf(fd);
  if (inode === SUBVOLUME_INODE && isReadOnlySubvolume(fd)) setSubvolumeReadOnly(fd, false);
  unlockInode(fd);
  if ((mode & 0o700) !== 0o700) chmodOf(fd, 0o700);
  return fd;
}

function openAfter(open: () => number, permit: () => void): number {
  try {
    return open();
  } catch (error) {
    if (codeOf(error) !== "EACCES") throw error;
    permit();
    return open();
  }
}
