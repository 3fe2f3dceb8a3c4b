/**
 * What is to be done when which frame is there. Frames come in any order, so that every file is written by the
 * frames that hold its extents; nearly all files lie in one frame whole and are made, written and finished at
 * once. What stands on the target already is left out.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes, Entry, FrameExtent } from "#contract/format/entry.ts";
import type { FrameSlice, Manifest } from "#contract/format/manifest.ts";

export type ImageEntry = Entry<FrameExtent>;
export type DirectoryEntry = Extract<ImageEntry, { type: "directory" }>;
export type FileEntry = Extract<ImageEntry, { type: "file" }>;
export type LinkEntry = Extract<ImageEntry, { type: "link" }>;
/** What is made without any frame: symlinks, devices, FIFOs, and files that are empty or one hole. */
export type NodeEntry = Exclude<ImageEntry, DirectoryEntry | LinkEntry>;

/** Where extent `index` of the frame goes in a file. */
export interface Piece {
  readonly offset: number;
  readonly index: number;
}
/** A file that lies in one frame whole. */
export interface WholeFile {
  readonly entry: Omit<FileEntry, "extents">;
  readonly pieces: readonly Piece[];
}
/** What one frame holds of a file that lies in several; the file exists already. */
export interface FilePart {
  readonly path: BytePath;
  readonly pieces: readonly Piece[];
}

export interface FrameWork {
  readonly frame: number;
  readonly pack: number;
  readonly offset: number;
  readonly sealedBytes: number;
  readonly extents: readonly FrameSlice[];
  readonly whole: WholeFile[];
  readonly parts: FilePart[];
  /** Bytes that it writes, an extent of several files as often. */
  bytes: number;
}

/** The entry exists with proved content; its attributes may still be wrong. */
export const IN_PLACE = 1;
/** The entry lies under a path that must be neither read nor changed. */
export const LEFT_ALONE = 2;

/** What the target already holds of an image, and what is in the way; see ../compare/existing.ts. */
export interface Existing {
  /** By entry number: IN_PLACE, LEFT_ALONE, or 0 if the entry has to be made or completed. */
  readonly states: Uint8Array;
  /** Files and directories in place whose attributes must be corrected. */
  readonly wrongAttributes: ReadonlySet<number>;
  /** Files to complete in place, by entry number: for each extent 1 if it is already right. */
  readonly partial: ReadonlyMap<number, Uint8Array>;
  /** Removed before anything is made. */
  readonly remove: readonly BytePath[];
}

export interface TreePlan {
  /** By frame number; undefined where nothing of the frame is used. */
  readonly frames: readonly (FrameWork | undefined)[];
  /** Parents first. */
  readonly directories: readonly DirectoryEntry[];
  readonly nodes: readonly NodeEntry[];
  /** Files that lie in several frames. */
  readonly spread: readonly FileEntry[];
  /** Those of them that already exist in part. */
  readonly partial: ReadonlySet<FileEntry>;
  /** Files that are in place but need their attributes corrected. */
  readonly wrongAttributes: readonly Attributes[];
  readonly links: readonly LinkEntry[];
  /** What is written. */
  readonly files: number;
  readonly bytes: number;
}

export function planTree(manifest: Manifest, existing?: Existing): TreePlan {
  const frames: (FrameWork | undefined)[] = manifest.frames.map(() => undefined);
  const workOf = (frame: number): FrameWork => {
    const { pack, offset, sealedBytes, extents } = manifest.frames[frame] as Manifest["frames"][number];
    return frames[frame] ??= { frame, pack, offset, sealedBytes, extents, whole: [], parts: [], bytes: 0 };
  };
  const directories: DirectoryEntry[] = [], nodes: NodeEntry[] = [];
  const spread: FileEntry[] = [], links: LinkEntry[] = [];
  const partial = new Set<FileEntry>(), wrongAttributes: Attributes[] = [];
  let files = 0;
  for (const [number, entry] of manifest.entries.entries()) {
    const state = existing?.states[number];
    if (state === LEFT_ALONE) continue;
    if (entry.type === "directory") directories.push(entry);
    else if (state === IN_PLACE) {
      if (entry.type === "file" && existing?.wrongAttributes.has(number)) wrongAttributes.push(entry);
    } else if (entry.type === "link") links.push(entry);
    else if (entry.type !== "file") nodes.push(entry);
    else {
      files++;
      const { extents, ...rest } = entry;
      const right = existing?.partial.get(number);
      const [first] = extents;
      if (first === undefined) nodes.push(entry);
      else if (right === undefined && extents.every((e) => e.frame === first.frame)) {
        const work = workOf(first.frame);
        work.whole.push({ entry: rest, pieces: extents.map(pieceOf) });
        countBytes(work, extents);
      } else {
        spread.push(entry);
        if (right) partial.add(entry);
        const missing = right ? extents.filter((_, i) => right[i] !== 1) : extents;
        for (const [frame, own] of Map.groupBy(missing, (e) => e.frame)) {
          const work = workOf(frame);
          work.parts.push({ path: entry.path, pieces: own.map(pieceOf) });
          countBytes(work, own);
        }
      }
    }
  }
  const bytes = frames.reduce((sum, work) => sum + (work?.bytes ?? 0), 0);
  return { frames, directories, nodes, spread, partial, wrongAttributes, links, files, bytes };
}

function pieceOf({ offset, index }: FrameExtent): Piece {
  return { offset, index };
}

function countBytes(work: FrameWork, extents: readonly FrameExtent[]): void {
  for (const { index } of extents) work.bytes += work.extents[index]?.sizeBytes ?? 0;
}
