/** So many at once, then so many a second: bounds what a flood can make us do. Knows no clock. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #filledMs = -Infinity;
  #refused = 0;

  constructor({ burst, perSecond }: { burst: number; perSecond: number }) {
    this.#burst = this.#left = burst;
    this.#perSecond = perSecond;
  }

  /** Whether one more may pass now. */
  take(nowMs: number): boolean {
    const seconds = Math.max(0, nowMs - this.#filledMs) / 1000;
    this.#left = Math.min(this.#burst, this.#left + seconds * this.#perSecond);
    this.#filledMs = nowMs;
    if (this.#left < 1) {
      this.#refused++;
      return false;
    }
    this.#left--;
    return true;
  }

  /** How many were refused since this was last asked. */
  takeRefused(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }
}
