/** Bytes sent over a link together. */
export interface Run {
  readonly bytes: number;
  /** The link at the other end. */
  readonly to: Link;
  /** It must no longer be sent. */
  readonly isVoid: boolean;
  arrived(): void;
}

/**
 * The link of one node: an uplink that sends one run of each waiting connection in turn, as TCP shares a link, and a
 * downlink that receives at its own rate.
 */
export class Link {
  /** Bytes per millisecond. */
  readonly #up: number;
  readonly #down: number;
  readonly #clock: { readonly now: number; after(ms: number, act: () => void): void };
  readonly #turns: Run[] = [];
  readonly #onSent: () => void;
  #sending: Run | undefined;
  /** When the downlink has received everything sent to it. */
  #downFreeAt = 0;
  sentBytes = 0;
  receivedBytes = 0;

  constructor(
    { up, down }: { up: number; down: number },
    clock: { readonly now: number; after(ms: number, act: () => void): void },
  ) {
    this.#up = up;
    this.#down = down;
    this.#clock = clock;
    // One shared object, since there are a hundred million of these.
    this.#onSent = () => this.#sent();
  }

  send(run: Run): void {
    this.#turns.push(run);
    if (!this.#sending) this.#sendNext();
  }

  #sendNext(): void {
    do this.#sending = this.#turns.shift(); while (this.#sending?.isVoid);
    if (this.#sending) this.#clock.after(this.#sending.bytes / this.#up, this.#onSent);
  }

  #sent(): void {
    const run = this.#sending!;
    this.sentBytes += run.bytes;
    this.#sendNext();
    run.to.#take(run);
  }

  #take(run: Run): void {
    const { now } = this.#clock;
    this.#downFreeAt = Math.max(this.#downFreeAt + run.bytes / this.#down, now);
    const arrive = () => {
      this.receivedBytes += run.bytes;
      run.arrived();
    };
    if (this.#downFreeAt > now) this.#clock.after(this.#downFreeAt - now, arrive);
    else arrive();
  }
}
