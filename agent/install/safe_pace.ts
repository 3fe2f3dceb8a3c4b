/**
 * Bounds what a power cut costs a node whose packs lie in memory: what has come is safe when its frame is written
 * and a sync after that has returned. Syncs follow one another closely enough, and where the disk is slower than
 * the link nothing more is asked for meanwhile: it would only wait in memory. Pure but for what it is given.
 */

/**
 * Of the image; of a small one so much that all workers have something to do while a sync is under way, but no
 * large part of it either.
 */
const RISK = { part: 0.01, minBytes: 12 << 20, most: 0.04 };
/** Syncs are begun when this part of what may be at risk is written. */
const SYNC_PART = 1 / 3;

export interface SafePaceOptions {
  /** Of all frames of the image, whether they are fetched or not. */
  readonly totalBytes: number;
  /** Resolves when all that is written now is on the disk. */
  readonly sync: () => Promise<void>;
  /** Nothing more is to be asked for, or again. */
  readonly hold: (isHeld: boolean) => void;
}

export class SafePace {
  readonly #options: SafePaceOptions;
  readonly #limit: number;
  /** Bytes of frames that came whole and are not safe, and those of them that are written and in no sync yet. */
  #atRisk = 0;
  #written = 0;
  #isHeld = false;
  #ended = false;
  #syncing: Promise<void> | undefined;

  constructor(options: SafePaceOptions) {
    this.#options = options;
    const { totalBytes } = options;
    this.#limit = Math.max(totalBytes * RISK.part, Math.min(RISK.minBytes, totalBytes * RISK.most));
  }

  /** A frame has come whole. */
  came(bytes: number): void {
    this.#atRisk += bytes;
    this.#decide();
  }

  /** It is written, or nothing of it had to be. */
  written(bytes: number): void {
    this.#written += bytes;
    this.#decide();
  }

  /** Resolves when no sync is under way; nothing is held any more. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#decide();
    await this.#syncing;
  }

  #decide(): void {
    const isHeld = !this.#ended && this.#atRisk > this.#limit;
    if (isHeld !== this.#isHeld) this.#options.hold(this.#isHeld = isHeld);
    const due = isHeld ? this.#written > 0 : this.#written >= this.#limit * SYNC_PART;
    if (due && !this.#ended) this.#syncing ??= this.#sync();
  }

  async #sync(): Promise<void> {
    const bytes = this.#written;
    this.#written = 0;
    await this.#options.sync();
    this.#syncing = undefined;
    this.#atRisk -= bytes;
    this.#decide();
  }
}
