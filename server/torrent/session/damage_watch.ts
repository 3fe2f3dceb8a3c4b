import type { RackseedError } from "#contract/errors.ts";

/** A swarm gives up after this many seconds without a byte since the server reported damage. */
const PATIENCE_TICKS = 10;

/**
 * Decides when to give up a download because the server's own copy is damaged. While pieces arrive, or a peer has what
 * the server lacks, the download goes on; when no source is left, it fails with the server's error. Pure.
 */
export class DamageWatch {
  #error: RackseedError | undefined;
  #received = 0;
  #quietTicks = 0;

  /** The server said that its copy of something we requested is damaged. The first report is kept. */
  report(error: RackseedError): void {
    this.#error ??= error;
  }

  /**
   * Once a second. `received`: bytes from all sources so far; `hasSource`: whether a peer has a piece that we lack.
   * Returns the error that ends the download, if it is time.
   */
  tick(
    { received, isComplete, hasSource }: {
      received: number;
      isComplete: boolean;
      hasSource: () => boolean;
    },
  ): RackseedError | undefined {
    const moved = received !== this.#received;
    this.#received = received;
    if (this.#error === undefined || isComplete) return undefined;
    this.#quietTicks = moved || hasSource() ? 0 : this.#quietTicks + 1;
    return this.#quietTicks >= PATIENCE_TICKS ? this.#error : undefined;
  }
}
