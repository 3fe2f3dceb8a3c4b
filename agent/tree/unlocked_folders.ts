/** Unlocks folders that a program of the image writes to: grub-install, for example, fails on immutable files. */
import { type BytePath, bytePathOfText, joinPath } from "#contract/format/byte_path.ts";
import { statAt } from "../sys/file_status.ts";
import { AT_FDCWD, close, O, openAt, readDirectory } from "../sys/libc.ts";
import { lockAt, unlockAt } from "./locks.ts";

/**
 * Clears +i and +a of the directories and everything in them, except in mounted file systems. Disposing it sets the
 * flags again on whatever still exists. `directories`: real paths.
 */
export function unlockedFolders(directories: readonly string[]): Disposable {
  const taken: { path: BytePath; locks: number }[] = [];
  const visit = (path: BytePath) => {
    const { type, mountRoot } = statAt(AT_FDCWD, path);
    const locks = unlockAt(AT_FDCWD, path);
    if (locks !== 0) taken.push({ path, locks });
    if (type !== "directory" || mountRoot) return;
    const fd = openAt(AT_FDCWD, path, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW });
    let names: BytePath[];
    try {
      names = readDirectory(fd);
    } finally {
      close(fd);
    }
    for (const name of names) visit(joinPath(path, name));
  };
  directories.map(bytePathOfText).forEach(visit);
  return {
    [Symbol.dispose]() {
      // the entries of a directory before the directory itself
      for (const { path, locks } of taken.toReversed()) lockAt(AT_FDCWD, path, locks);
    },
  };
}
