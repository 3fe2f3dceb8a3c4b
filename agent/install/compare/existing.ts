/** Finds what a target already holds of an image: names and kinds first, then contents, read or trusted. */
import type { BytePath } from "#contract/format/byte_path.ts";
import { codeOf } from "../../sys/errno.ts";
import { statAt } from "../../sys/file_status.ts";
import { holdsOf, inodeSettingsOf } from "../../sys/inode_flags.ts";
import { close, O, openAt } from "../../sys/libc.ts";
import { xattrsAt } from "../../sys/xattr.ts";
import { TreeRoots } from "../../tree/tree_roots.ts";
import { type FoundInode, hasAttributes } from "../extract/attribute_comparison.ts";
import {
  type Existing,
  type FileEntry,
  type ImageEntry,
  IN_PLACE,
  LEFT_ALONE,
} from "../extract/frame_plan.ts";
import { TrustedFiles, withTrusted } from "./trusted_files.ts";
import type { IndexEntry } from "../records/content_index.ts";
import { type Contents, scanContents, type ScanOptions } from "./scan_contents.ts";
import { KeptPaths } from "./kept_paths.ts";
import { vanished } from "./live_tree.ts";
import { type IsExcluded, surveyTree } from "./survey.ts";

export interface ExistingTree extends Existing {
  readonly contents: Contents;
  /** Entries accepted because of the index alone: their content was not read. */
  readonly trusted: ReadonlyMap<number, IndexEntry>;
  /** By entry number: 1 if something of the entry's kind exists, whatever its content. */
  readonly present: Uint8Array;
  /** How many of the paths to remove belong to no entry. */
  readonly unknown: number;
  /** Paths that are immutable or append-only and should not be. */
  readonly locked?: ReadonlySet<BytePath>;
}

interface ExistingOptions extends Omit<ScanOptions, "files"> {
  /** Left alone if they exist; if not, the image's are made. */
  readonly kept?: KeptPaths | undefined;
  /** Not part of the image, whether they exist or not: nothing is made, changed or removed there. */
  readonly own?: KeptPaths | undefined;
  readonly isExcluded?: IsExcluded | undefined;
  /** File systems that cannot hold attributes: none are compared there. */
  readonly plain?: KeptPaths | undefined;
  /** Makes unreadable directories readable: an interrupted installation may have left such. */
  readonly makeReadable: boolean;
  /** Skips reading files that match the index; see trusted_files.ts. */
  readonly trustsIndex?: boolean | undefined;
  /** Picks the sample that is read all the same. */
  readonly random?: (() => number) | undefined;
}

/** `root`: descriptor of the target. Changes nothing there, apart from `makeReadable`. */
export async function findExisting(root: number, options: ExistingOptions): Promise<ExistingTree> {
  const { manifest, makeReadable, privileged, isExcluded, index, trustsIndex, live, random } = options;
  const tree = new TreeRoots(root, options.mounts);
  const trustedFiles = trustsIndex && index
    ? new TrustedFiles({ manifest, index, privileged, random })
    : undefined;
  const kept = pathsLeftAlone(tree, options);
  const onEntry = trustedFiles && trustedFiles.see.bind(trustedFiles);
  const survey = await surveyTree(tree, { manifest, kept, isExcluded, makeReadable, onEntry, live });
  const { present, unwanted, unknown, locked } = survey;
  const files = manifest.entries.flatMap((e, i) => e.type === "file" && present[i] === 1 ? [i] : []);
  const { contents, trusted } = await contentsOf(root, { ...options, files, present, trustedFiles });
  const judged = await judgeEntries(tree, { options, kept, present, contents, trusted });
  const { states, wrongAttributes, partial } = judged, remove = [...unwanted, ...judged.remove];
  return { states, wrongAttributes, partial, remove, contents, trusted, present, unknown, locked };
}

function pathsLeftAlone(
  tree: TreeRoots,
  { kept, own }: Pick<ExistingOptions, "kept" | "own">,
): Pick<KeptPaths, "has" | "leadsTo" | "leadsOut"> {
  const all = [...kept?.existingIn(tree) ?? [], ...own?.paths ?? []];
  const paths = new KeptPaths(all, own?.patterns, own?.except);
  return {
    has: (path) => paths.has(path) || (kept?.patterns?.has(path) ?? false) && hasName(tree, path),
    leadsTo: (path) => paths.leadsTo(path),
    leadsOut: (path) => paths.leadsOut(path),
  };
}

/** Decides for every entry whether it is in place, can be completed, or has to be made again. */
async function judgeEntries(
  tree: TreeRoots,
  { options, kept, present, contents, trusted }: Pick<ExistingTree, "present" | "contents" | "trusted"> & {
    options: ExistingOptions;
    kept: Pick<KeptPaths, "has">;
  },
): Promise<Existing> {
  const { manifest, plain, live } = options;
  const states = new Uint8Array(manifest.entries.length);
  const partial = new Map<number, Uint8Array>(), remove: BytePath[] = [];
  const isPlain = ({ path }: ImageEntry) => plain?.has(path) ?? false;
  const wrongAttributes = new Set(
    [...contents.whole].filter((n) => !contents.exact.has(n) && !isPlain(manifest.entries[n] as ImageEntry)),
  );
  const staying = new Set<BytePath>();
  const isInPlace = (entry: ImageEntry, number: number): boolean => {
    if (entry.type === "link") return staying.has(entry.target);
    if (entry.type === "file") return contents.whole.has(number);
    const isRight = trusted.has(number) || isPlain(entry) || attributesMatch(tree, { entry, options });
    if (entry.type === "directory" && !isRight) wrongAttributes.add(number);
    return isRight || entry.type === "directory";
  };
  for (const [number, entry] of manifest.entries.entries()) {
    if (live && number % LIVE_TURN === 0) await live.rest();
    if (kept.has(entry.path)) {
      states[number] = LEFT_ALONE;
      if (hasName(tree, entry.path)) staying.add(entry.path);
      continue;
    }
    if (present[number] !== 1) continue;
    const right = contents.right.get(number);
    if (entry.type === "file" && !contents.whole.has(number) && right && canBeCompleted(entry, right)) {
      partial.set(number, right);
    } else if (isInPlace(entry, number)) states[number] = IN_PLACE;
    else {
      remove.push(entry.path);
      continue;
    }
    staying.add(entry.path);
  }
  return { states, wrongAttributes, partial, remove };
}

/** Reads the files that are not trusted; all files, if the sample shows that the disk has lost data. */
async function contentsOf(
  root: number,
  { trustedFiles, present, ...options }: ScanOptions & {
    present: Uint8Array;
    trustedFiles: TrustedFiles | undefined;
  },
): Promise<Pick<ExistingTree, "contents" | "trusted">> {
  const { files } = options;
  const read = await scanContents(root, { ...options, files: files.filter((n) => !trustedFiles?.has(n)) });
  if (trustedFiles === undefined) return { contents: read, trusted: new Map() };
  if (!trustedFiles.sampleIsRight(files, read)) {
    return { contents: await scanContents(root, options), trusted: new Map() };
  }
  const trusted = trustedFiles.among(present);
  return { contents: withTrusted(read, { files, trusted }), trusted };
}

/** A file within one frame is written whole anyway; keeping a part is worthwhile for larger ones only. */
function canBeCompleted({ extents }: FileEntry, right: Uint8Array): boolean {
  return right.includes(1) && extents.some((e) => e.frame !== extents[0]?.frame);
}

/** Entries of a running system's tree that are judged in one piece. */
const LIVE_TURN = 50;

/** Symlinks, devices and FIFOs that differ in any way are made again; directories get the right attributes. */
function attributesMatch(
  tree: TreeRoots,
  { entry, options: { privileged, live } }: {
    entry: Exclude<ImageEntry, { type: "link" }>;
    options: Pick<ExistingOptions, "privileged" | "live">;
  },
): boolean {
  try {
    const { fd, path } = tree.at(entry.path);
    const status = statAt(fd, path), xattrs = xattrsAt(fd, path);
    const inode = entry.type === "directory" ? inodeOfDirectory(fd, path) : undefined;
    return hasAttributes(entry, { status, xattrs, inode, privileged });
  } catch (error) {
    // extended attributes of devices and FIFOs that the process may not read
    if (codeOf(error) === "EACCES" || codeOf(error) === "EPERM") return false;
    if (live && vanished(error)) return false;
    throw error;
  }
}

function inodeOfDirectory(root: number, path: BytePath): FoundInode {
  const fd = openAt(root, path, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW });
  try {
    return { settings: inodeSettingsOf(fd), holds: holdsOf(fd) };
  } finally {
    close(fd);
  }
}

function hasName(tree: TreeRoots, path: BytePath): boolean {
  const place = tree.at(path);
  try {
    statAt(place.fd, place.path);
    return true;
  } catch {
    return false;
  }
}
