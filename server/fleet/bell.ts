/** Wakes everyone who waits for something to happen; each then looks whether it is for them. */
export class Bell {
  readonly #waiters = new Set<() => void>();

  ring(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** Resolves at the next ring, or once the signal aborts. */
  next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => {
      this.#waiters.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    this.#waiters.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    if (signal.aborted) wake();
    return promise;
  }
}
