import type { BytePath } from "#contract/format/byte_path.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import type { WorkTimes } from "./extract_messages.ts";
import type { Existing } from "./frame_plan.ts";

/** Where the packs lie while they are installed from. */
export interface PackReader {
  /** Path of pack number `pack` of the manifest's header. */
  path(pack: number): string;
}

/** Extents of a frame that came without it, by their number in it; proved. */
export interface LooseFrame {
  readonly frame: number;
  readonly contents: ReadonlyMap<number, Uint8Array>;
}

interface InstallProgress {
  readonly framesDone: number;
  readonly framesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface InstallOptions {
  readonly manifest: Manifest;
  /** The lineage's key. */
  readonly key: Uint8Array;
  /** An empty directory or a fresh file system, further fresh ones mounted in it where the image has them. */
  readonly target: string;
  /** What the target already holds; only the rest is made, from the frames that it needs. */
  readonly existing?: Existing | undefined;
  readonly packs: PackReader;
  /** Numbers of the manifest's frames as their bytes become complete in their packs, in any order. */
  readonly frames: AsyncIterable<number>;
  /** Frames that do not come whole: which ones, and those of their extents that are needed. */
  readonly loose?:
    | { readonly frames: ReadonlySet<number>; readonly extents: AsyncIterable<LooseFrame> }
    | undefined;
  /** Default: one a processor, four at most; each needs about 40 MiB. 0: this thread does all. */
  readonly workers?: number | undefined;
  /** Default: whether the process is root. Without, owners and devices are left out and noted. */
  readonly privileged?: boolean | undefined;
  readonly onProgress?: ((progress: InstallProgress) => void) | undefined;
  /** Told after every job what it adds to the checksums of files. */
  readonly onSums?: ((sums: readonly (readonly [BytePath, number])[]) => void) | undefined;
  /** Told of every frame that came: it is written, or nothing of it had to be. */
  readonly onFrame?: ((frame: number) => void) | undefined;
  /** Told after every job how its worker spent its time on it. */
  readonly onWorkTimes?: ((times: WorkTimes) => void) | undefined;
  /**
   * Told of a frame whose bytes are not what the manifest says; nothing of it was written. When it resolves the
   * frame is read once more. Default: the install fails.
   */
  readonly onBadFrame?: ((frame: number, reason: string) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}
