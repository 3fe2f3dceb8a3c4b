/** Folders in which a program of the image is to write, though it may hold immutable files: grub-install fails on them. */
import { type BytePath, bytePathOfText, joinPath } from "#contract/format/byte_path.ts";
import { statAt } from "../sys/file_status.ts";
import { AT_FDCWD, close, O, openAt, readDirectory } from "../sys/libc.ts";
import { lockAt, unlockAt } from "./locks.ts";

/**
 * Takes +i and +a off the directories and all that lies in them, mounted file systems aside; disposed it gives them
 * back to what is still there. `directories`: paths outside of the tree.
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
      // what lies in a directory before the directory
      for (const { path, locks } of taken.toReversed()) lockAt(AT_FDCWD, path, locks);
    },
  };
}
