/** An async iterable of numbers that are pushed one by one; it ends after `count` of them. */
export class FrameQueue implements AsyncIterable<number> {
  readonly #ready: number[] = [];
  #left: number;
  #error: { readonly reason: unknown } | undefined;
  #wake = () => {};

  constructor(count: number) {
    this.#left = count;
  }

  push(number: number): void {
    this.#ready.push(number);
    this.#wake();
  }

  /** Ends the iteration by throwing `reason`, unless everything has been pushed already. */
  fail(reason: unknown): void {
    this.#error ??= { reason };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<number> {
    while (this.#left > 0) {
      const number = this.#ready.shift();
      if (number !== undefined) {
        this.#left--;
        yield number;
      } else if (this.#error) throw this.#error.reason;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}
