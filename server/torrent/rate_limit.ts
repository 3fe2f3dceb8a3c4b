/** A token bucket of one second's worth. Pure: the time is told to it. */
export class RateLimit {
  #bytesPerMs: number;
  /** When everything granted so far will have been paid for. */
  #paidUntil = 0;

  /** Infinity for no limit. */
  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerMs * 1000;
  }

  /** Takes effect with the next grant; what is owed is forgiven, since it was granted at another rate. */
  set bytesPerSecond(value: number) {
    this.#bytesPerMs = value / 1000;
    this.#paidUntil = 0;
  }

  /** Grants `bytes` and says how many milliseconds to wait before they are sent. */
  reserve(bytes: number, now: number): number {
    const start = Math.max(this.#paidUntil, now - 1000);
    this.#paidUntil = start + bytes / this.#bytesPerMs;
    return Math.max(0, start - now);
  }
}
