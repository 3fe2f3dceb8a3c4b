/** Bounds of a retransmission timeout, in milliseconds. */
interface TimeoutBounds {
  readonly firstMs: number;
  /** Least pause above the mean round trip: what the other machine's scheduling may take. */
  readonly slackMs: number;
  readonly maxMs: number;
}

/** Keeps the factor finite; the bound in time is `maxMs`. */
const MAX_BACKOFF = 1 << 20;

/** When to send again: the estimator of RFC 6298 §2, with back-off (§5.5) and without a floor of a second. */
export class RoundTrip {
  readonly #bounds: TimeoutBounds;
  #meanMs: number | undefined;
  #deviationMs = 0;
  #backoff = 1;

  constructor(bounds: TimeoutBounds) {
    this.#bounds = bounds;
  }

  get timeoutMs(): number {
    const { firstMs, slackMs, maxMs } = this.#bounds;
    const base = this.#meanMs === undefined
      ? firstMs
      : this.#meanMs + Math.max(slackMs, 4 * this.#deviationMs);
    return Math.min(base * this.#backoff, maxMs);
  }

  /** Takes a round trip of something that was sent once only (Karn's rule, RFC 6298 §3). */
  measured(ms: number): void {
    if (this.#meanMs === undefined) {
      this.#meanMs = ms;
      this.#deviationMs = ms / 2;
    } else {
      this.#deviationMs += (Math.abs(this.#meanMs - ms) - this.#deviationMs) / 4;
      this.#meanMs += (ms - this.#meanMs) / 8;
    }
  }

  /** Something was answered: the next timeout is not backed off. */
  progressed(): void {
    this.#backoff = 1;
  }

  expired(): void {
    this.#backoff = Math.min(this.#backoff * 2, MAX_BACKOFF);
  }
}
