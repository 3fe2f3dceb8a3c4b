import type { BytePath } from "#contract/format/byte_path.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import type { WorkTimes } from "./extract_messages.ts";
import type { Existing } from "./frame_plan.ts";

/** Locates the packs to install from. */
export interface PackReader {
  /** Path of pack number `pack` of the manifest's header. */
  path(pack: number): string;
}

/** Verified extents of a frame that is not fetched whole, by their number in it. */
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
  /** An empty directory or new file system, with further new ones mounted in it where the image has them. */
  readonly target: string;
  /** What the target already holds; only the rest is made, from the frames that it needs. */
  readonly existing?: Existing | undefined;
  readonly packs: PackReader;
  /** Numbers of the manifest's frames, each as soon as it is complete in its pack, in any order. */
  readonly frames: AsyncIterable<number>;
  /** Frames that are not fetched whole, and those of their extents that are needed. */
  readonly loose?:
    | { readonly frames: ReadonlySet<number>; readonly extents: AsyncIterable<LooseFrame> }
    | undefined;
  /** Default: one per processor, at most four; each needs about 40 MiB. 0: this thread does everything. */
  readonly workers?: number | undefined;
  /** Default: whether the process is root. Without, owners and devices are skipped and noted. */
  readonly privileged?: boolean | undefined;
  readonly onProgress?: ((progress: InstallProgress) => void) | undefined;
  /** Called after every job with what it adds to the checksums of files. */
  readonly onSums?: ((sums: readonly (readonly [BytePath, number])[]) => void) | undefined;
  /** Called for every frame that is written, or of which nothing is needed. */
  readonly onFrame?: ((frame: number) => void) | undefined;
  /** Called after every job. */
  readonly onWorkTimes?: ((times: WorkTimes) => void) | undefined;
  /**
   * Called for a frame that does not match the manifest; nothing of it was written. When it resolves, the frame is
   * read once more. Default: the install fails.
   */
  readonly onBadFrame?: ((frame: number, reason: string) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}
