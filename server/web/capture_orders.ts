/** Long polling: a template's agent asks for its order and is answered once there is one. */
import type { CaptureOrder } from "#contract/api.ts";
import type { Captures } from "./ports.ts";

export class CaptureOrders {
  readonly #captures: Captures;
  readonly #waiters = new Set<() => void>();

  constructor(captures: Captures) {
    this.#captures = captures;
  }

  /** A capture was ordered: whoever waits looks again. */
  wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** The template's order; undefined where the signal ends the wait. */
  async next(template: string, { signal }: { signal: AbortSignal }): Promise<CaptureOrder | undefined> {
    while (!signal.aborted) {
      const order = this.#captures.orderFor(template);
      if (order) return order;
      await this.#woken(signal);
    }
    return undefined;
  }

  #woken(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => {
      this.#waiters.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    this.#waiters.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    return promise;
  }
}
