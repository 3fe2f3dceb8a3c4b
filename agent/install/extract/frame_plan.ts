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

export const MADE = 1;
/** Lies where the operator wants nothing looked at or changed. */
export const LEFT_ALONE = 2;

/** What of an image stands on the target already, and what is in the way; see ../compare/standing.ts. */
export interface Standing {
  /** By entry number: MADE where nothing has to be made, its content being proved; LEFT_ALONE; else 0. */
  readonly kept: Uint8Array;
  /** Kept files and directories whose attributes are to be set. */
  readonly undressed: ReadonlySet<number>;
  /** Files that are completed in place, by entry number: for each extent 1 where it is right already. */
  readonly begun: ReadonlyMap<number, Uint8Array>;
  /** Goes before anything is made. */
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
  /** Those of them that stand there already, in part. */
  readonly begun: ReadonlySet<FileEntry>;
  /** Files that stand there, but for their attributes. */
  readonly undressed: readonly Attributes[];
  readonly links: readonly LinkEntry[];
  /** What is written. */
  readonly files: number;
  readonly bytes: number;
}

export function planTree(manifest: Manifest, standing?: Standing): TreePlan {
  const frames: (FrameWork | undefined)[] = manifest.frames.map(() => undefined);
  const workOf = (frame: number): FrameWork => {
    const { pack, offset, sealedBytes, extents } = manifest.frames[frame] as Manifest["frames"][number];
    return frames[frame] ??= { frame, pack, offset, sealedBytes, extents, whole: [], parts: [], bytes: 0 };
  };
  const directories: DirectoryEntry[] = [], nodes: NodeEntry[] = [];
  const spread: FileEntry[] = [], links: LinkEntry[] = [];
  const begun = new Set<FileEntry>(), undressed: Attributes[] = [];
  let files = 0;
  for (const [number, entry] of manifest.entries.entries()) {
    const kept = standing?.kept[number];
    if (kept === LEFT_ALONE) continue;
    if (entry.type === "directory") directories.push(entry);
    else if (kept === MADE) {
      if (entry.type === "file" && standing?.undressed.has(number)) undressed.push(entry);
    } else if (entry.type === "link") links.push(entry);
    else if (entry.type !== "file") nodes.push(entry);
    else {
      files++;
      const { extents, ...rest } = entry;
      const right = standing?.begun.get(number);
      const [first] = extents;
      if (first === undefined) nodes.push(entry);
      else if (right === undefined && extents.every((e) => e.frame === first.frame)) {
        const work = workOf(first.frame);
        work.whole.push({ entry: rest, pieces: extents.map(pieceOf) });
        countBytes(work, extents);
      } else {
        spread.push(entry);
        if (right) begun.add(entry);
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
  return { frames, directories, nodes, spread, begun, undressed, links, files, bytes };
}

function pieceOf({ offset, index }: FrameExtent): Piece {
  return { offset, index };
}

function countBytes(work: FrameWork, extents: readonly FrameExtent[]): void {
  for (const { index } of extents) work.bytes += work.extents[index]?.sizeBytes ?? 0;
}
