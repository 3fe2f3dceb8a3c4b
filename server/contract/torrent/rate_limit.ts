/** A token bucket of one second's worth. Pure: the time is told to it. */
export class RateLimit {
  readonly #bytesPerMs: number;
  /** When everything granted so far will have been paid for. */
  #paidUntil = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Grants `bytes` and says how many milliseconds to wait before they are sent. */
  reserve(bytes: number, now: number): number {
    const start = Math.max(this.#paidUntil, now - 1000);
    this.#paidUntil = start + bytes / this.#bytesPerMs;
    return Math.max(0, start - now);
  }
}
