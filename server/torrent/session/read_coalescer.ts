import type { Clock } from "../ports.ts";

/** A short pause that many share: whoever waits within it goes on at its end, all at once. */
export class ReadCoalescer {
  readonly #clock: Clock;
  readonly #lengthMs: () => number;
  readonly #signal: AbortSignal;
  #end: Promise<void> | undefined;

  /** `signal` ends every pause. */
  constructor(clock: Clock, { lengthMs, signal }: { lengthMs: () => number; signal: AbortSignal }) {
    this.#clock = clock;
    this.#lengthMs = lengthMs;
    this.#signal = signal;
  }

  pause(): Promise<void> {
    this.#end ??= this.#clock.sleep(this.#lengthMs(), this.#signal).then(() => this.#end = undefined);
    return this.#end;
  }
}
