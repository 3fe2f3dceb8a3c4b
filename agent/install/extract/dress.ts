/** Whether what stands has the attributes of its entry. Pure. */
import type { Attributes, Xattr } from "#contract/entry.ts";
import type { FileStatus } from "../../sys/file_status.ts";

/** A label that a running SELinux gives to every file by itself; it is none of the image's. */
export const OWN_LABEL = "security.selinux";

/** `privileged`: whether owners count. A symlink's mode never does: it has none of its own. */
export function isDressed(
  entry: Attributes,
  { status, xattrs, privileged }: { status: FileStatus; xattrs: readonly Xattr[]; privileged: boolean },
): boolean {
  return (!privileged || status.uid === entry.uid && status.gid === entry.gid) &&
    (status.type === "symlink" || status.mode === entry.mode) &&
    status.mtimeSec === entry.mtimeSec && status.mtimeNs === entry.mtimeNs &&
    strangeXattrs(entry, xattrs).length === 0 &&
    entry.xattrs.every(([name, value]) =>
      xattrs.some(([n, v]) => n === name && Buffer.from(v).equals(value))
    );
}

/** Names of attributes that the entry has not. */
export function strangeXattrs(entry: Attributes, xattrs: readonly Xattr[]): string[] {
  return xattrs.flatMap(([name]) =>
    name === OWN_LABEL || entry.xattrs.some(([n]) => n === name) ? [] : [name]
  );
}
