/**
 * Bounds what a power cut costs a node whose packs are in memory. A frame is safe once it is written and a sync that
 * began afterwards has returned. Syncs are frequent enough to keep the loss small; if the disk is slower than the
 * link, no further pieces are started, since they would only wait in memory. Pieces of incomplete frames alone never
 * hold up the download: among many nodes, pieces arrive from all over the image. Pure, apart from the functions
 * passed in.
 */

/** Share of the image; of a small one enough that all workers have something to do during a sync. */
const RISK = { part: 0.01, minBytes: 20 << 20, most: 0.07, leastBytes: 4 << 20 };
/** A sync starts when this part of the bytes at risk has been written. */
const SYNC_PART = 1 / 6;
/** While complete but unsafe frames take up at most this part of the bytes at risk, any piece may be started. */
const FREE_PART = 1 / 3;

/** How many bytes of an image a power cut may cost. */
export function bytesAtRisk(imageBytes: number): number {
  const { part, minBytes, most, leastBytes } = RISK;
  return Math.round(Math.max(leastBytes, imageBytes * part, Math.min(minBytes, imageBytes * most)));
}

interface SafePaceOptions {
  /** Size of all frames of the image, whether they are fetched or not. */
  readonly totalBytes: number;
  readonly bytesOf: (frame: number) => number;
  /** Resolves when everything written so far is on the disk. */
  readonly sync: () => Promise<void>;
  /** Receives how many unsafe bytes may be started: Infinity, or the bytes at risk. */
  readonly onLimit: (bytes: number) => void;
  readonly onSafe: (frames: readonly number[]) => void;
  /** Whether the limit currently keeps the download from starting pieces. */
  readonly isHeld: () => boolean;
}

export class SafePace {
  readonly #options: SafePaceOptions;
  readonly #bytesAtRisk: number;
  #limit = Infinity;
  /** Bytes of complete frames that are not safe; then those of them that are written but in no sync yet. */
  #unsafeBytes = 0;
  #written: number[] = [];
  #writtenBytes = 0;
  #ended = false;
  #syncing: Promise<void> | undefined;

  constructor(options: SafePaceOptions) {
    this.#options = options;
    this.#bytesAtRisk = bytesAtRisk(options.totalBytes);
  }

  /** A frame is complete. */
  came(frame: number): void {
    this.#unsafeBytes += this.#options.bytesOf(frame);
    this.decide();
  }

  /** A frame is written, or nothing of it was needed. */
  written(frame: number): void {
    this.#written.push(frame);
    this.#writtenBytes += this.#options.bytesOf(frame);
    this.decide();
  }

  /** Sets the limit and starts a sync if one is due. Call it when a piece arrives, and periodically. */
  decide(): void {
    if (this.#ended) return;
    const isFree = this.#unsafeBytes <= this.#bytesAtRisk * FREE_PART;
    this.#setLimit(isFree ? Infinity : this.#bytesAtRisk);
    const due = this.#options.isHeld()
      ? this.#written.length > 0
      : this.#writtenBytes >= this.#bytesAtRisk * SYNC_PART;
    if (due) this.#syncing ??= this.#sync();
  }

  /** Lifts the limit, and resolves when no sync is under way. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#setLimit(Infinity);
    await this.#syncing;
  }

  #setLimit(bytes: number): void {
    if (bytes !== this.#limit) this.#options.onLimit(this.#limit = bytes);
  }

  async #sync(): Promise<void> {
    const frames = this.#written, bytes = this.#writtenBytes;
    this.#written = [];
    this.#writtenBytes = 0;
    await this.#options.sync();
    this.#syncing = undefined;
    this.#unsafeBytes -= bytes;
    this.#options.onSafe(frames);
    this.decide();
  }
}
