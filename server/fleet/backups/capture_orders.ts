/** Orders for the agents on templates and nodes. By long polling: an agent's request is answered once there is an order. */
import type { z } from "zod";
import type { CaptureOrder, CaptureRequest, CaptureView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { CaptureFrom } from "../../capture/capture_service.ts";
import type { Captures } from "../ports.ts";

export class CaptureOrders {
  readonly #captures: Captures;
  readonly #waiters = new Set<() => void>();

  constructor(captures: Captures) {
    this.#captures = captures;
  }

  /** Orders a capture of the template. Throws RackseedError (409) if a capture of it, or of the image, is under way. */
  order(
    request: z.output<typeof CaptureRequest>,
    from: CaptureFrom & { template: { id: string; name: string } },
  ): CaptureView {
    const { name } = from.template;
    const running = this.#captures.list().find((other) =>
      other.template === name && ["waiting", "receiving"].includes(other.state)
    );
    if (running) {
      throw new RackseedError(`cannot capture ${name}`, {
        reason: `its capture ${running.id} for ${running.image} has not ended.`,
        remedy: "wait for it, or cancel it on the server's page.",
        status: 409,
      });
    }
    const capture = this.#captures.begin(request, from);
    this.wake();
    return capture;
  }

  /** Every waiting request looks again. */
  wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /**
   * Waits for the template's order: a capture, or what `other` finds if there is none. Undefined once the signal aborts.
   */
  async next<T>(
    template: string,
    { other, signal }: { other: () => T | undefined; signal: AbortSignal },
  ): Promise<CaptureOrder | T | undefined> {
    while (!signal.aborted) {
      const order = this.#captures.orderFor(template) ?? other();
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
