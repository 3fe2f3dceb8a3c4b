/** What of an image stands below a target already: names and kinds first, then contents, read or trusted. */
import type { BytePath } from "#contract/format/byte_path.ts";
import { codeOf } from "../../sys/errno.ts";
import { statAt } from "../../sys/file_status.ts";
import { holdsOf, inodeSettingsOf } from "../../sys/inode_flags.ts";
import { close, O, openAt } from "../../sys/libc.ts";
import { xattrsAt } from "../../sys/xattr.ts";
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
import { type IsExcluded, surveyTree } from "./survey.ts";

export interface ExistingTree extends Existing {
  readonly contents: Contents;
  /** What was not looked at more closely: files were not read. */
  readonly trusted: ReadonlyMap<number, IndexEntry>;
  /** By entry number: 1 where something of its kind is, whatever it holds. */
  readonly present: Uint8Array;
  /** How many of what is to go belong to no entry. */
  readonly unknown: number;
  /** What is immutable or append-only, and should not be. */
  readonly locked?: ReadonlySet<BytePath>;
}

interface ExistingOptions extends Omit<ScanOptions, "files"> {
  /** Left alone where they are there; where they are not the image's own are made. */
  readonly kept?: KeptPaths | undefined;
  /** Not the image's at all, whether they are there or not: nothing is made, changed or removed there. */
  readonly own?: KeptPaths | undefined;
  readonly isExcluded?: IsExcluded | undefined;
  /** On file systems that cannot hold attributes: none of them are compared there. */
  readonly plain?: KeptPaths | undefined;
  /** For what an install of our own left behind: directories that it may not read any more are made readable. */
  readonly makeReadable: boolean;
  /** Whether files that are as the index has them need not be read; see trusted_files.ts. */
  readonly trustsIndex?: boolean | undefined;
  /** Draws the sample that is read all the same. */
  readonly random?: (() => number) | undefined;
}

/** `root`: descriptor of the target. Changes nothing there but what `makeReadable` says. */
export async function findExisting(root: number, options: ExistingOptions): Promise<ExistingTree> {
  const { manifest, makeReadable, privileged, isExcluded, index, trustsIndex, random } = options;
  const trustedFiles = trustsIndex && index
    ? new TrustedFiles({ manifest, index, privileged, random })
    : undefined;
  const { kept: named, own } = options;
  const left = new KeptPaths([...named?.existingIn(root) ?? [], ...own?.paths ?? []], own?.patterns);
  const isKept = (path: BytePath) =>
    left.has(path) || (named?.patterns?.has(path) ?? false) && hasName(root, path);
  const alone = { has: isKept, leadsTo: (path: BytePath) => left.leadsTo(path) };
  const onEntry = trustedFiles && trustedFiles.see.bind(trustedFiles);
  const survey = surveyTree(root, { manifest, kept: alone, isExcluded, makeReadable, onEntry });
  const { present, unwanted, unknown, locked } = survey;
  const files = manifest.entries.flatMap((e, i) => e.type === "file" && present[i] === 1 ? [i] : []);
  const { contents, trusted } = await contentsOf(root, { ...options, files, present, trustedFiles });
  const states = new Uint8Array(manifest.entries.length);
  const partial = new Map<number, Uint8Array>(), remove = [...unwanted];
  const isPlain = ({ path }: ImageEntry) => options.plain?.has(path) ?? false;
  const wrongAttributes = new Set(
    [...contents.whole].filter((n) => !contents.exact.has(n) && !isPlain(manifest.entries[n] as ImageEntry)),
  );
  const staying = new Set<BytePath>();
  const stands = (entry: ImageEntry, number: number): boolean => {
    if (entry.type === "link") return staying.has(entry.target);
    if (entry.type === "file") return contents.whole.has(number);
    const attributesRight = trusted.has(number) || isPlain(entry) || isRight(root, { entry, privileged });
    if (entry.type === "directory" && !attributesRight) wrongAttributes.add(number);
    return attributesRight || entry.type === "directory";
  };
  for (const [number, entry] of manifest.entries.entries()) {
    if (isKept(entry.path)) {
      states[number] = LEFT_ALONE;
      if (hasName(root, entry.path)) staying.add(entry.path);
      continue;
    }
    if (present[number] !== 1) continue;
    const right = contents.right.get(number);
    if (entry.type === "file" && !contents.whole.has(number) && right && canBeCompleted(entry, right)) {
      partial.set(number, right);
    } else if (stands(entry, number)) states[number] = IN_PLACE;
    else {
      remove.push(entry.path);
      continue;
    }
    staying.add(entry.path);
  }
  return { states, wrongAttributes, partial, remove, contents, trusted, present, unknown, locked };
}

/** Reads what is not trusted; all, where the sample shows that more than time has worked on the disk. */
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

/** A file that one frame holds is written whole by it; only of larger ones it is worth to keep a part. */
function canBeCompleted({ extents }: FileEntry, right: Uint8Array): boolean {
  return right.includes(1) && extents.some((e) => e.frame !== extents[0]?.frame);
}

/** Symlinks, devices and FIFOs are made anew where anything of them is wrong, directories get what they lack. */
function isRight(
  root: number,
  { entry, privileged }: { entry: Exclude<ImageEntry, { type: "link" }>; privileged: boolean },
): boolean {
  try {
    const path = entry.path || "." as BytePath;
    const status = statAt(root, path), xattrs = xattrsAt(root, path);
    const inode = entry.type === "directory" ? inodeOfDirectory(root, path) : undefined;
    return hasAttributes(entry, { status, xattrs, inode, privileged });
  } catch (error) {
    // attributes of devices and FIFOs that the process may not read
    if (codeOf(error) === "EACCES" || codeOf(error) === "EPERM") return false;
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

function hasName(root: number, path: BytePath): boolean {
  try {
    statAt(root, path);
    return true;
  } catch {
    return false;
  }
}
