/** A token bucket of one second's worth. Pure: the time is told to it. */
export class RateLimit {
  #bytesPerMs: number;
  /** When everything granted so far will have been paid for. */
  #paidUntil = 0;

  /** Infinity: no limit. */
  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Bytes per second. What was granted before is paid for at the former rate. */
  get rate(): number {
    return this.#bytesPerMs * 1000;
  }

  set rate(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Grants `bytes` and says how many milliseconds to wait before they are sent. */
  reserve(bytes: number, now: number): number {
    const start = Math.max(this.#paidUntil, now - 1000);
    this.#paidUntil = start + bytes / this.#bytesPerMs;
    return Math.max(0, start - now);
  }
}
