/**
 * The flags that stop even root: +i forbids to write to a file, to give it attributes, to link and to remove it, and in
 * a directory to make or remove anything; +a nearly the same (ioctl_iflags(2)). Templates have them on purpose, and
 * a machine that was broken into has them where somebody did not want to be removed.
 */
import { type BytePath, parentOf } from "#contract/format/byte_path.ts";
import { codeOf } from "../sys/errno.ts";
import { statAt } from "../sys/file_status.ts";
import { lockInode, unlockInode } from "../sys/inode_flags.ts";
import { close, O, openAt } from "../sys/libc.ts";

/** Takes them off; returns what was taken, 0 for nothing, and where only files and directories can have them. */
export function unlockAt(root: number, path: BytePath): number {
  return withOpen(root, path, unlockInode) ?? 0;
}

/** Gives back what `unlockAt` took, where the path is still there. */
export function lockAt(root: number, path: BytePath, locks: number): void {
  if (locks !== 0) withOpen(root, path, (fd) => lockInode(fd, locks));
}

/**
 * Does what the locks of `path` or of its directory may forbid. The directory gets its own back; `path` too if it
 * `stays`.
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

/** Undefined where it is gone or neither file nor directory: to open a device would do something. */
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
