/** Bounds of a retransmission timeout, in milliseconds. */
interface TimeoutBounds {
  readonly firstMs: number;
  /** The least pause on top of the mean round trip, for scheduling delays on the other machine. */
  readonly slackMs: number;
  readonly maxMs: number;
}

/** Keeps the factor finite; `maxMs` is the bound in time. */
const MAX_BACKOFF = 1 << 20;

/** The retransmission timeout: the estimator of RFC 6298 §2 with back-off (§5.5), but no floor of one second. */
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

  /** Adds the round trip of a packet that was sent only once (Karn's rule, RFC 6298 §3). */
  measured(ms: number): void {
    if (this.#meanMs === undefined) {
      this.#meanMs = ms;
      this.#deviationMs = ms / 2;
    } else {
      this.#deviationMs += (Math.abs(this.#meanMs - ms) - this.#deviationMs) / 4;
      this.#meanMs += (ms - this.#meanMs) / 8;
    }
  }

  /** Ends the back-off, once the client has answered. */
  progressed(): void {
    this.#backoff = 1;
  }

  expired(): void {
    this.#backoff = Math.min(this.#backoff * 2, MAX_BACKOFF);
  }
}
