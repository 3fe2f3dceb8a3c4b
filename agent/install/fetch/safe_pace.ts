/**
 * Bounds what a power cut costs a node whose packs lie in memory. What was begun is safe when its frame is written
 * and a sync after that has returned. Syncs follow one another closely enough, and where the disk is slower than
 * the link no more is begun meanwhile: it would only wait in memory. What is part of no whole frame yet holds up
 * nothing alone: among many nodes pieces come from all over the image. Pure but for what it is given.
 */

/** Of the image; of a small one so much that all workers have something to do while a sync is under way. */
const RISK = { part: 0.01, minBytes: 20 << 20, most: 0.07, leastBytes: 4 << 20 };
/** Syncs are begun when this part of what may be at risk is written. */
const SYNC_PART = 1 / 6;
/** While whole frames that are not safe are no more than this part of it, anything may be begun. */
const FREE_PART = 1 / 3;

/** How many bytes of an image a power cut may cost. */
export function bytesAtRisk(imageBytes: number): number {
  const { part, minBytes, most, leastBytes } = RISK;
  return Math.round(Math.max(leastBytes, imageBytes * part, Math.min(minBytes, imageBytes * most)));
}

interface SafePaceOptions {
  /** Of all frames of the image, whether they are fetched or not. */
  readonly totalBytes: number;
  readonly bytesOf: (frame: number) => number;
  /** Resolves when all that is written now is on the disk. */
  readonly sync: () => Promise<void>;
  /** How many bytes may be begun that are not safe: Infinity, or what may be at risk. */
  readonly onLimit: (bytes: number) => void;
  readonly onSafe: (frames: readonly number[]) => void;
  /** Whether nothing is begun because of the limit. */
  readonly isHeld: () => boolean;
}

export class SafePace {
  readonly #options: SafePaceOptions;
  readonly #bytesAtRisk: number;
  #limit = Infinity;
  /** Bytes of frames that came whole and are not safe, and those of them that are written and in no sync yet. */
  #unsafeBytes = 0;
  #written: number[] = [];
  #writtenBytes = 0;
  #ended = false;
  #syncing: Promise<void> | undefined;

  constructor(options: SafePaceOptions) {
    this.#options = options;
    this.#bytesAtRisk = bytesAtRisk(options.totalBytes);
  }

  /** A frame has come whole. */
  came(frame: number): void {
    this.#unsafeBytes += this.#options.bytesOf(frame);
    this.decide();
  }

  /** It is written, or nothing of it had to be. */
  written(frame: number): void {
    this.#written.push(frame);
    this.#writtenBytes += this.#options.bytesOf(frame);
    this.decide();
  }

  /** To be called when something has come, and now and then: nothing more may be begun now, so that a sync is due. */
  decide(): void {
    if (this.#ended) return;
    const isFree = this.#unsafeBytes <= this.#bytesAtRisk * FREE_PART;
    this.#setLimit(isFree ? Infinity : this.#bytesAtRisk);
    const due = this.#options.isHeld()
      ? this.#written.length > 0
      : this.#writtenBytes >= this.#bytesAtRisk * SYNC_PART;
    if (due) this.#syncing ??= this.#sync();
  }

  /** Resolves when no sync is under way; nothing is held any more. */
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
