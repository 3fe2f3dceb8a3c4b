/** How the attributes of a file differ from its entry's, in words. Pure. */
import { describeSettings } from "#contract/format/inode_flags.ts";
import type { Attributes, Xattr } from "#contract/format/entry.ts";
import type { FileStatus } from "../sys/file_status.ts";
import { type FoundInode, hasSettings, unexpectedXattrs } from "../install/extract/attribute_comparison.ts";

const XATTR_NAMES: ReadonlyMap<string, string> = new Map([
  ["security.capability", "capabilities"],
  ["system.posix_acl_access", "ACL"],
  ["system.posix_acl_default", "default ACL"],
  ["security.selinux", "SELinux label"],
]);

interface Found {
  readonly status: FileStatus;
  readonly xattrs: readonly Xattr[];
  readonly inode?: FoundInode | undefined;
  /** Whether owners count. */
  readonly privileged: boolean;
  /** The content is not the entry's, so of course the time is another. */
  readonly timeCounts: boolean;
}

/**
 * Empty if nothing of them counts. The time of modification counts for files only: that of a directory follows what is
 * made and removed in it, and is another one wherever the node's own files are.
 */
export function describeAttributes(
  entry: Attributes,
  { status, xattrs, inode, privileged, timeCounts }: Found,
): string[] {
  const { uid, gid, mode, type } = status;
  const texts: string[] = [];
  if (privileged && (uid !== entry.uid || gid !== entry.gid)) {
    texts.push(`owner ${uid}:${gid}, not ${entry.uid}:${entry.gid}`);
  }
  if (type !== "symlink" && mode !== entry.mode) {
    texts.push(`mode ${octal(mode)}, not ${octal(entry.mode)}`);
  }
  texts.push(...xattrTexts(entry, xattrs));
  if (inode && !hasSettings(entry, inode)) {
    const shown = (settings = {}) => describeSettings(settings) || "none";
    texts.push(`inode flags ${shown(inode.settings)}, not ${shown(entry.inode)}`);
  }
  if (timeCounts && type === "file" && isOtherTime(entry, status)) {
    texts.push(`modified ${timeText(status)}, not ${timeText(entry)}`);
  }
  return texts;
}

function xattrTexts(entry: Attributes, xattrs: readonly Xattr[]): string[] {
  const found = new Map(xattrs);
  const named = (name: string) => XATTR_NAMES.get(name) ?? `attribute ${name}`;
  const wanted = entry.xattrs.flatMap(([name, value]) => {
    const now = found.get(name);
    if (now === undefined) return [`${named(name)} missing`];
    return Buffer.from(now).equals(value) ? [] : [`other ${named(name)}`];
  });
  return [...wanted, ...unexpectedXattrs(entry, xattrs).map((name) => `${named(name)} added`)];
}

type Mtime = Pick<FileStatus, "mtimeSec" | "mtimeNs">;

function isOtherTime(a: Mtime, b: Mtime): boolean {
  return a.mtimeSec !== b.mtimeSec || a.mtimeNs !== b.mtimeNs;
}

function timeText({ mtimeSec, mtimeNs }: Mtime): string {
  const date = new Date(mtimeSec * 1000 + Math.floor(mtimeNs / 1e6));
  return Number.isNaN(date.getTime()) ? `${mtimeSec} s` : date.toISOString();
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
