/** The port between what is captured (a live tree, a tar) and what sends it. */
import type { Amount } from "./cache/amount.ts";
import type { CachedEntry } from "./cache/past_capture.ts";

export interface CaptureSource {
  /**
   * Counts what will be read, so that progress has an end; cheap beside the reading itself, and may go on at the
   * same time.
   */
  measure(options: { signal: AbortSignal; onProgress: (sofar: Amount) => void }): Promise<Amount>;
  /**
   * All entries in the order of a manifest, each as its line. A file's contents have gone to `sink` before its entry
   * comes; those of one that is remembered from the last capture went then. To be called once.
   */
  entries(
    sink: ExtentSink,
    options: { signal: AbortSignal; onProgress: (done: Amount) => void },
  ): AsyncIterable<CachedEntry>;
  /** What could not be kept; complete once `entries` has ended. */
  readonly notes: readonly string[];
}

/** Takes the contents of extents. */
export interface ExtentSink {
  /** Memory to read the next extent into, of 1 byte to MAX_EXTENT_BYTES; valid until the next call of `take`. */
  room(sizeBytes: number): Uint8Array;
  /**
   * Keeps `content` where it is new: as it is where it is the beginning of what `room` gave last, else a copy.
   * Returns its SHA-256 in base64url.
   */
  take(content: Uint8Array): string;
  /** Whether more waits to be sent than should: then the source waits for `drained`. */
  readonly full: boolean;
  /** Throws where sending has failed. */
  drained(): Promise<void>;
}
