/**
 * The inode flags that stop even root (ioctl_iflags(2)). +i forbids writing to a file, changing its attributes, linking
 * and removing it, and in a directory making or removing entries; +a forbids nearly the same. Templates use them on
 * purpose, and intruders use them to protect what they left behind.
 */
import { type BytePath, parentOf } from "#contract/format/byte_path.ts";
import { codeOf } from "../sys/errno.ts";
import { statAt } from "../sys/file_status.ts";
import { lockInode, unlockInode } from "../sys/inode_flags.ts";
import { close, O, openAt } from "../sys/libc.ts";

/** Clears both flags and returns those that were set; 0 if none were, or if the path cannot have any. */
export function unlockAt(root: number, path: BytePath): number {
  return withOpen(root, path, unlockInode) ?? 0;
}

/** Sets the flags that `unlockAt` cleared, if the path still exists. */
export function lockAt(root: number, path: BytePath, locks: number): void {
  if (locks !== 0) withOpen(root, path, (fd) => lockInode(fd, locks));
}

/**
 * Does work that the flags of `path` or of its directory may forbid. The directory gets its flags back, and so does
 * `path` if it `stays`.
 */
export function pastLocks(
  root: number,
  path: BytePath,
  { work, stays }: { work: () => void; stays: boolean },
): void {
  try {
    return work();
  } catch (error) {
    if (codeOf(error) !== "EPERM") throw error;
    const own = unlockAt(root, path), parents = path === "" ? 0 : unlockAt(root, parentOf(path));
    if (own === 0 && parents === 0) throw error;
    try {
      work();
    } finally {
      if (stays) lockAt(root, path, own);
      lockAt(root, parentOf(path), parents);
    }
  }
}

/** Undefined if the path is gone, or is neither file nor directory: opening a device could have side effects. */
function withOpen<T>(root: number, path: BytePath, use: (fd: number) => T): T | undefined {
  const at = path || "." as BytePath;
  try {
    const { type } = statAt(root, at);
    if (type !== "file" && type !== "directory") return undefined;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const fd = openAt(root, at, { flags: O.RDONLY | O.NOFOLLOW | O.NONBLOCK });
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}
