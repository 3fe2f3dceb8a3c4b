/** Entries as the API shows them. */
import type { FileDetails, FilePath, FileView } from "#contract/api/files.ts";
import { type BytePath, displayPath, toJsonPath } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import { describeSettings } from "#contract/format/inode_flags.ts";
import type { EntryNumber, VersionIndex } from "./version_index.ts";

type Attributed = Exclude<Entry<FrameExtent>, { type: "link" }>;

/** A hard link has the attributes of its file. */
export function attributed(index: VersionIndex, entry: Entry<FrameExtent>): Attributed {
  if (entry.type !== "link") return entry;
  const target = index.find(entry.target), file = target === undefined ? undefined : index.entry(target);
  if (file === undefined || file.type === "link") {
    throw new RangeError("a hard link refers to a missing file");
  }
  return file;
}

export function nameOf(path: BytePath): string {
  return displayPath(path.slice(path.lastIndexOf("/") + 1) as BytePath);
}

export function fileView(index: VersionIndex, number: EntryNumber): FileView {
  const entry = index.entry(number), file = attributed(index, entry), end = index.end(number);
  const { mode, uid, gid, mtimeSec, mtimeNs, xattrs, inode } = file;
  return {
    name: nameOf(entry.path),
    path: toJsonPath(entry.path),
    type: entry.type,
    mode,
    uid,
    gid,
    mtimeSec,
    mtimeNs,
    ...(file.type === "file" && { sizeBytes: file.sizeBytes }),
    ...((entry.type === "symlink" || entry.type === "link") && { target: displayPath(entry.target) }),
    ...("major" in file && { device: [file.major, file.minor] as [number, number] }),
    ...(xattrs.length > 0 && { xattrs: xattrs.map(([name]) => name) }),
    ...(inode && { flags: describeSettings(inode) }),
    ...(entry.type === "directory" && {
      below: { entries: end - number - 1, fileBytes: index.fileBytes(number, end) },
    }),
  };
}

/** Labels, capabilities and ACLs are part of the permissions; other attributes are content. */
const SHOWN = /^(?:security|system)\./;

export function fileDetails(
  index: VersionIndex,
  { number, leadsTo }: { number: EntryNumber; leadsTo: FilePath | undefined },
): FileDetails {
  const entry = index.entry(number), file = attributed(index, entry);
  const stored = file.type !== "file"
    ? undefined
    : file.extents.reduce((sum, e) => sum + index.slice(e.frame, e.index).sizeBytes, 0);
  return {
    ...fileView(index, number),
    ...(leadsTo !== undefined && { leadsTo }),
    ...(stored !== undefined && { storedBytes: stored }),
    ...(file.xattrs.length > 0 && {
      attributes: file.xattrs.map(([name, value]) => ({
        name,
        sizeBytes: value.length,
        ...(SHOWN.test(name) && { value: Buffer.from(value).toString("base64") }),
      })),
    }),
  };
}

/** Others than its owner and group may not read it. */
export function isPrivate(entry: { readonly type: string; readonly mode?: number }): boolean {
  return entry.type === "file" && entry.mode !== undefined && (entry.mode & 0o004) === 0;
}
