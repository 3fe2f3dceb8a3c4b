/** Capture orders for the agents on templates; see agent_orders.ts for how they get there. */
import type { z } from "zod";
import type { CaptureRequest, CaptureView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { CaptureFrom } from "../../capture/capture_service.ts";
import type { Bell } from "../bell.ts";
import type { Captures } from "../ports.ts";

export class CaptureOrders {
  readonly #captures: Captures;
  readonly #bell: Bell;

  /** `bell`: rung when there is an order. */
  constructor(captures: Captures, bell: Bell) {
    this.#captures = captures;
    this.#bell = bell;
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
    this.#bell.ring();
    return capture;
  }
}
