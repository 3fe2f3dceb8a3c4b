/** A constant delay. A plain queue suffices, where an event queue would have to sort. */
export class DelayLine<T> {
  readonly #ms: number;
  #items: T[] = [];
  #times: number[] = [];
  #head = 0;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** When the first item comes out; Infinity if it is empty. */
  get nextAt(): number {
    return this.#times[this.#head] ?? Infinity;
  }

  push(item: T, now: number): void {
    this.#items.push(item);
    this.#times.push(now + this.#ms);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head++];
    if (this.#head > 1000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#times = this.#times.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
