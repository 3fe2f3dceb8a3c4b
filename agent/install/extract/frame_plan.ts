/**
 * Plans what to do with each frame. Frames arrive in any order, so every file is written by the frames that hold its
 * extents. Nearly all files lie within one frame and are made, written and finished at once. Entries that the target
 * already has are left out.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes, Entry, FrameExtent } from "#contract/format/entry.ts";
import type { FrameSlice, Manifest } from "#contract/format/manifest.ts";

export type ImageEntry = Entry<FrameExtent>;
export type DirectoryEntry = Extract<ImageEntry, { type: "directory" }>;
export type FileEntry = Extract<ImageEntry, { type: "file" }>;
export type LinkEntry = Extract<ImageEntry, { type: "link" }>;
/** Entries made without any frame: symlinks, devices, FIFOs, and files that are empty or one hole. */
export type NodeEntry = Exclude<ImageEntry, DirectoryEntry | LinkEntry>;

/** Where extent `index` of the frame goes in a file. */
export interface Piece {
  readonly offset: number;
  readonly index: number;
}
/** A file within one frame. */
export interface WholeFile {
  readonly entry: Omit<FileEntry, "extents">;
  readonly pieces: readonly Piece[];
}
/** The part of a multi-frame file that one frame holds. The file itself has been made before. */
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
  /** Bytes that it writes; an extent counts once for each file that has it. */
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
  /** By frame number; undefined if nothing of the frame is used. */
  readonly frames: readonly (FrameWork | undefined)[];
  /** Parents first. */
  readonly directories: readonly DirectoryEntry[];
  readonly nodes: readonly NodeEntry[];
  /** Files with extents in several frames. */
  readonly multiFrame: readonly FileEntry[];
  /** Those of them that already exist in part. */
  readonly partial: ReadonlySet<FileEntry>;
  /** Files that are in place but need their attributes corrected. */
  readonly wrongAttributes: readonly Attributes[];
  readonly links: readonly LinkEntry[];
  /** Files and bytes to write. */
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
  const multiFrame: FileEntry[] = [], links: LinkEntry[] = [];
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
        multiFrame.push(entry);
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
  return { frames, directories, nodes, multiFrame, partial, wrongAttributes, links, files, bytes };
}

function pieceOf({ offset, index }: FrameExtent): Piece {
  return { offset, index };
}

function countBytes(work: FrameWork, extents: readonly FrameExtent[]): void {
  for (const { index } of extents) work.bytes += work.extents[index]?.sizeBytes ?? 0;
}
