/** Compares the attributes of a file with those of its entry. Pure. */
import type { Attributes, Xattr } from "#contract/format/entry.ts";
import type { InodeSettings } from "#contract/format/inode_flags.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import type { Holds } from "../../sys/inode_flags.ts";

/** A running SELinux labels every file on its own; the label is not the image's. */
const OWN_LABEL = "security.selinux";

export interface FoundInode {
  readonly settings: InodeSettings | undefined;
  readonly holds: Holds;
}

/**
 * `privileged`: whether owners count. The mode of a symlink never does: it has none of its own. `inode`: absent if the
 * file cannot have flags, or is assumed to have the entry's.
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

/** Whether flags and project are the entry's, apart from those that the file system cannot hold. */
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

/** Names of extended attributes that the entry does not have. */
export function unexpectedXattrs(entry: Attributes, xattrs: readonly Xattr[]): string[] {
  return xattrs.flatMap(([name]) =>
    name === OWN_LABEL || entry.xattrs.some(([n]) => n === name) ? [] : [name]
  );
}
