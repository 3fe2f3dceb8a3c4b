/** A token bucket that holds one second's worth. Pure: the caller passes the time. */
export class RateLimit {
  #bytesPerMs: number;
  /** When the bytes granted so far will be paid off. */
  #paidUntil = 0;

  /** Infinity means no limit. */
  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerMs * 1000;
  }

  /** Takes effect with the next grant. Debt is forgiven, since it was granted at another rate. */
  set bytesPerSecond(value: number) {
    this.#bytesPerMs = value / 1000;
    this.#paidUntil = 0;
  }

  /** Grants `bytes` and returns how many milliseconds to wait before sending them. */
  reserve(bytes: number, now: number): number {
    const start = Math.max(this.#paidUntil, now - 1000);
    this.#paidUntil = start + bytes / this.#bytesPerMs;
    return Math.max(0, start - now);
  }
}
