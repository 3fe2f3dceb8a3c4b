/**
 * SELinux labels of single files (the attribute security.selinux). They decide what daemons may do with a file, and
 * no loaded policy sets them where a clone is made. A new file gets its directory's label, as the kernel itself gives
 * it unless the policy has a rule for the case.
 */
import { type BytePath, bytePathOfText } from "#contract/format/byte_path.ts";
import { codeOf } from "../sys/errno.ts";
import { AT_FDCWD, close, O, openAt } from "../sys/libc.ts";
import { setXattrAt, xattrsAt } from "../sys/xattr.ts";

const NAME = "security.selinux";

/** Undefined if it has none, or there is no such file. `at`: a real path; a link is not followed. */
export function labelOf(at: string): Uint8Array | undefined {
  try {
    return inFolder(at, (folder, name) => xattrsAt(folder, name)).find(([name]) => name === NAME)?.[1];
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** Returns false if its file system takes no labels. */
export function setLabel(at: string, label: Uint8Array): boolean {
  try {
    inFolder(at, (folder, name) => setXattrAt(folder, name, [NAME, label]));
    return true;
  } catch (error) {
    if (codeOf(error) === "EOPNOTSUPP" || codeOf(error) === "ENOTSUP") return false;
    throw error;
  }
}

function inFolder<T>(at: string, use: (folder: number, name: BytePath) => T): T {
  const slash = at.lastIndexOf("/"), name = at.slice(slash + 1);
  const folder = bytePathOfText(at.slice(0, slash) || "/");
  const fd = openAt(AT_FDCWD, folder, { flags: O.RDONLY | O.DIRECTORY });
  try {
    return use(fd, bytePathOfText(name === "" ? "." : name));
  } finally {
    close(fd);
  }
}
