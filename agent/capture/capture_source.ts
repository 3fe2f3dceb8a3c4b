/** The port between the source of a capture (a live tree, a tar) and the sender. */
import type { Amount } from "./cache/amount.ts";
import type { CachedEntry } from "./cache/past_capture.ts";

export interface CaptureSource {
  /** Counts what will be read, so that progress has a total. Cheap compared to reading, and may run concurrently. */
  measure(options: { signal: AbortSignal; onProgress: (sofar: Amount) => void }): Promise<Amount>;
  /**
   * Yields all entries in manifest order, each with its line. A file's contents go to `sink` before its entry is
   * yielded, except those of an entry cached from the last capture, which were sent then. Call once.
   */
  entries(
    sink: ExtentSink,
    options: { signal: AbortSignal; onProgress: (done: Amount) => void },
  ): AsyncIterable<CachedEntry>;
  /** What could not be captured faithfully; complete once `entries` has ended. */
  readonly notes: readonly string[];
}

/** Receives the contents of extents. */
export interface ExtentSink {
  /** Memory to read the next extent into, of 1 byte to MAX_EXTENT_BYTES; valid until the next call of `take`. */
  room(sizeBytes: number): Uint8Array;
  /**
   * Keeps `content` if it is new: in place if it is the start of the last `room`, otherwise as a copy. Returns its
   * SHA-256 in base64url.
   */
  take(content: Uint8Array): string;
  /** Whether the send queue is full: the source should then await `drained`. */
  readonly full: boolean;
  /** Resolves when the queue has room again. Throws if sending has failed. */
  drained(): Promise<void>;
}
