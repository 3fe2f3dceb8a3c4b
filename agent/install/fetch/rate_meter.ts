/** Measures a transfer rate from a growing byte count. */
export class RateMeter {
  #last = { at: performance.now(), bytes: 0, perSecond: 0 };

  /** Bytes a second since the last measurement; one is taken at most every 500 ms. */
  perSecond(totalBytes: number): number {
    const now = performance.now(), { at, bytes } = this.#last;
    if (now - at >= 500) {
      const perSecond = Math.round((totalBytes - bytes) * 1000 / (now - at));
      this.#last = { at: now, bytes: totalBytes, perSecond };
    }
    return this.#last.perSecond;
  }
}
