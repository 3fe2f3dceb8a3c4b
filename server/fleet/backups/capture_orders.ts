/**
 * Captures by the agents of templates. Long polling: an agent asks for its order and is answered once there is
 * one.
 */
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

  /** Orders a capture of the template. Throws RackseedError: 409 where one of it, or of the image, goes on. */
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
        reason: `its capture ${running.id} for ${running.image} is not done yet.`,
        remedy: "wait for it, or cancel it on the server's page.",
        status: 409,
      });
    }
    const capture = this.#captures.begin(request, from);
    // whoever waits looks again
    for (const waiter of [...this.#waiters]) waiter();
    return capture;
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
