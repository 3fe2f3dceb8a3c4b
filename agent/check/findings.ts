/** Turns what a comparison found into what is reported: what counts, in words, and no more than needs be said. */
import { type BytePath, displayPath, parentOf } from "#contract/format/byte_path.ts";
import type { DriftKind } from "#contract/api/checks.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import type { Difference } from "../install/compare/differences.ts";
import { vanished } from "../install/compare/live_tree.ts";
import type { ImageEntry } from "../install/extract/frame_plan.ts";
import type { KeptPaths } from "../install/compare/kept_paths.ts";
import { type FileStatus, statAt } from "../sys/file_status.ts";
import { holdsOf, inodeSettingsOf } from "../sys/inode_flags.ts";
import { close, O, openAt, readLinkAt } from "../sys/libc.ts";
import { xattrsAt } from "../sys/xattr.ts";
import type { TreeRoots } from "../tree/tree_roots.ts";
import { describeAttributes } from "./attribute_text.ts";

export interface Finding {
  readonly path: BytePath;
  readonly what: DriftKind;
  readonly detail?: string | undefined;
}

interface FindingOptions {
  readonly manifest: Manifest;
  readonly tree: TreeRoots;
  readonly privileged: boolean;
  /** File systems that cannot hold attributes. */
  readonly plain: Pick<KeptPaths, "has">;
  readonly rest: () => Promise<void>;
}

/**
 * Looks once more at each path that differs; what has vanished meanwhile is missing. What is gone, or no longer a
 * directory, takes everything below it along: that is one finding. Changes nothing.
 */
export async function findingsOf(
  differences: readonly Difference[],
  options: FindingOptions,
): Promise<Finding[]> {
  const entries = new Map(options.manifest.entries.map((entry) => [entry.path, entry]));
  const found: Finding[] = [];
  /** By path, how many entries went with it. */
  const gone = new Map<BytePath, { below: number }>();
  for (const difference of differences) {
    await options.rest();
    const above = difference.what === "missing" ? goneAbove(difference.path, gone) : undefined;
    if (above !== undefined) {
      above.below++;
      continue;
    }
    const entry = entries.get(difference.path);
    const finding = findingOf(difference, { ...options, entry });
    if (finding === undefined) continue;
    found.push(finding);
    const isGone = finding.what === "missing" || difference.what === "other";
    if (isGone && entry?.type === "directory") gone.set(finding.path, { below: 0 });
  }
  return found.map((finding) => withBelow(finding, gone.get(finding.path)?.below ?? 0));
}

function findingOf(
  difference: Difference,
  { entry, ...options }: FindingOptions & { entry: ImageEntry | undefined },
): Finding | undefined {
  const { path } = difference, status = statusOf(options.tree, path);
  if (difference.what === "extra" || entry === undefined) {
    // sockets are made by the programs that listen on them; captures leave them out, too
    if (status === undefined || status.type === "socket") return undefined;
    return { path, what: "foreign", detail: foreignDetail(difference, status) };
  }
  if (difference.what === "missing" && status !== undefined) return undefined;
  if (status === undefined) return { path, what: "missing" };
  const details = changesOf(difference, { entry, status, ...options });
  return details.length === 0 ? undefined : { path, what: "changed", detail: details.join("; ") };
}

function foreignDetail({ locked }: Difference, { type }: FileStatus): string | undefined {
  const texts = [
    ...type === "file" ? [] : [type === "directory" ? "a directory, with everything in it" : nameOf(type)],
    ...locked ? ["immutable or append-only"] : [],
  ];
  return texts.join(", ") || undefined;
}

function changesOf(
  difference: Difference,
  { entry, status, tree, privileged, plain }: FindingOptions & { entry: ImageEntry; status: FileStatus },
): string[] {
  const { path } = difference;
  if (difference.what === "other") return [otherDetail(entry, { status, tree })];
  if (entry.type === "link") return [];
  const content = difference.what === "content" && entry.type === "file"
    ? [contentDetail(difference.bytes, { now: status.sizeBytes, then: entry.sizeBytes })]
    : [];
  if (plain.has(path)) return content;
  try {
    const place = tree.at(path);
    return [
      ...content,
      ...describeAttributes(entry, {
        status,
        xattrs: xattrsAt(place.fd, place.path),
        inode: inodeOf(tree, { path, status }),
        privileged,
        timeCounts: content.length === 0,
      }),
    ];
  } catch (error) {
    return vanished(error) ? ["it was replaced during the check"] : [...content, "attributes"];
  }
}

function contentDetail(bytes: number, { now, then }: { now: number; then: number }): string {
  if (now !== then) return `content: ${now} bytes, not ${then}`;
  return bytes === 0 ? "content: data in place of a hole" : `content: ${bytes} of ${then} bytes`;
}

function otherDetail(
  entry: ImageEntry,
  { status, tree }: { status: FileStatus; tree: TreeRoots },
): string {
  if (entry.type === "link") return `no longer the same file as /${displayPath(entry.target)}`;
  if (status.type !== entry.type) return `${nameOf(status.type)}, not ${nameOf(entry.type)}`;
  if (entry.type === "symlink") {
    return `leads to ${linkTarget(entry.path, tree)}, not to ${displayPath(entry.target)}`;
  }
  if (entry.type === "char" || entry.type === "block") {
    return `device ${status.major}:${status.minor}, not ${entry.major}:${entry.minor}`;
  }
  return "it has other names than in the image";
}

const NAMES: Readonly<Record<FileStatus["type"], string>> = {
  directory: "a directory",
  file: "a file",
  symlink: "a symbolic link",
  char: "a character device",
  block: "a block device",
  fifo: "a FIFO",
  socket: "a socket",
};

function nameOf(type: FileStatus["type"]): string {
  return NAMES[type];
}

function goneAbove<T>(path: BytePath, gone: ReadonlyMap<BytePath, T>): T | undefined {
  for (let above = parentOf(path); above !== ""; above = parentOf(above)) {
    const found = gone.get(above);
    if (found !== undefined) return found;
  }
  return undefined;
}

function withBelow(finding: Finding, below: number): Finding {
  if (below === 0) return finding;
  const detail = `${below} ${below === 1 ? "entry" : "entries"} below it gone`;
  return { ...finding, detail: finding.detail === undefined ? detail : `${finding.detail}; ${detail}` };
}

function statusOf(tree: TreeRoots, path: BytePath): FileStatus | undefined {
  const place = tree.at(path);
  try {
    return statAt(place.fd, place.path);
  } catch (error) {
    if (vanished(error)) return undefined;
    throw error;
  }
}

function linkTarget(path: BytePath, tree: TreeRoots): string {
  const place = tree.at(path);
  try {
    return displayPath(readLinkAt(place.fd, place.path));
  } catch {
    return "something else";
  }
}

/** Only files and directories have any; opening a device could have side effects. */
function inodeOf(tree: TreeRoots, { path, status }: { path: BytePath; status: FileStatus }) {
  if (status.type !== "file" && status.type !== "directory") return undefined;
  const place = tree.at(path);
  const fd = openAt(place.fd, place.path, { flags: O.RDONLY | O.NOFOLLOW | O.NONBLOCK });
  try {
    return { settings: inodeSettingsOf(fd), holds: holdsOf(fd) };
  } finally {
    close(fd);
  }
}
