/** Whether what stands has the attributes of its entry. Pure. */
import type { Attributes, Xattr } from "#contract/format/entry.ts";
import type { InodeSettings } from "#contract/format/inode_flags.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import type { Holds } from "../../sys/inode_flags.ts";

/** A label that a running SELinux gives to every file by itself; it is none of the image's. */
const OWN_LABEL = "security.selinux";

export interface FoundInode {
  readonly settings: InodeSettings | undefined;
  readonly holds: Holds;
}

/**
 * `privileged`: whether owners count. A symlink's mode never does: it has none of its own. `inode`: absent where it
 * cannot have flags, or is believed to have the entry's.
 */
export function hasAttributes(
  entry: Attributes,
  { status, xattrs, inode, privileged }: {
    status: FileStatus;
    xattrs: readonly Xattr[];
    inode?: FoundInode | undefined;
    privileged: boolean;
  },
): boolean {
  return (!privileged || status.uid === entry.uid && status.gid === entry.gid) &&
    (status.type === "symlink" || status.mode === entry.mode) &&
    status.mtimeSec === entry.mtimeSec && status.mtimeNs === entry.mtimeNs &&
    unexpectedXattrs(entry, xattrs).length === 0 &&
    (inode === undefined || hasSettings(entry, inode)) &&
    entry.xattrs.every(([name, value]) =>
      xattrs.some(([n, v]) => n === name && Buffer.from(v).equals(value))
    );
}

/** Whether its flags and project are the entry's, but for those that its file system cannot hold. */
export function hasSettings(
  { inode: wanted = {} }: Pick<Attributes, "inode">,
  { settings: found = {}, holds }: FoundInode,
): boolean {
  return (((wanted.flags ?? 0) ^ (found.flags ?? 0)) & holds.flags) === 0 &&
    (((wanted.xflags ?? 0) ^ (found.xflags ?? 0)) & holds.xflags) === 0 &&
    (!holds.project || wanted.project === found.project) &&
    (holds.xflags === 0 ||
      wanted.extentSize === found.extentSize && wanted.cowExtentSize === found.cowExtentSize);
}

/** Names of attributes that the entry has not. */
export function unexpectedXattrs(entry: Attributes, xattrs: readonly Xattr[]): string[] {
  return xattrs.flatMap(([name]) =>
    name === OWN_LABEL || entry.xattrs.some(([n]) => n === name) ? [] : [name]
  );
}
