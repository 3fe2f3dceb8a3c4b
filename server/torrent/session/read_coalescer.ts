import type { Clock } from "../ports.ts";

/** A short pause shared by many connections: all that start waiting during it resume together at its end. */
export class ReadCoalescer {
  readonly #clock: Clock;
  readonly #lengthMs: () => number;
  readonly #signal: AbortSignal;
  #end: Promise<void> | undefined;

  /** `lengthMs` is evaluated as a pause starts; `signal` cuts every pause short. */
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
