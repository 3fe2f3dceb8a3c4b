/** Speed over the last seconds, and the time left. Pure: the caller has the clock. */
const WINDOW_MS = 8000;

export class Rate {
  #samples: { atMs: number; value: number }[] = [];

  /** `value`: the total done so far. */
  add(value: number, atMs: number): void {
    const last = this.#samples.at(-1);
    if (last && value < last.value) this.#samples = [];
    this.#samples.push({ atMs, value });
    while ((this.#samples[1]?.atMs ?? Infinity) <= atMs - WINDOW_MS) this.#samples.shift();
  }

  /** Undefined until half a second has been observed. */
  get perSecond(): number | undefined {
    const first = this.#samples[0], last = this.#samples.at(-1);
    if (!first || !last || last.atMs - first.atMs < 500) return undefined;
    return (last.value - first.value) / (last.atMs - first.atMs) * 1000;
  }

  secondsLeft(total: number): number | undefined {
    const rate = this.perSecond, last = this.#samples.at(-1);
    return rate && last ? (total - last.value) / rate : undefined;
  }
}
