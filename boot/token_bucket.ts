/** Lets a burst pass, then a steady rate, to bound the work that a flood can cause. The caller supplies the time. */
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

  /** Takes one token; false if none is left. */
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

  /** The number of refusals since the last call. */
  takeRefused(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }
}
