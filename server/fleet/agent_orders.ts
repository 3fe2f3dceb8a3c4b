/** The orders for an agent on a running machine, by long polling: its request is answered once there is one. */
import type { CaptureOrder, RestartOrder, TemplateView } from "#contract/api.ts";
import type { CheckOrder } from "#contract/api/checks.ts";
import type { Bell } from "./bell.ts";
import type { Checks } from "./checks/checks.ts";
import type { Captures } from "./ports.ts";
import type { Restarts } from "./restarts/restarts.ts";

interface OrderSources {
  readonly captures: Pick<Captures, "orderFor">;
  readonly restarts: Pick<Restarts, "orderFor">;
  readonly checks: Pick<Checks, "orderFor">;
  /** Rung when there may be a new order. */
  readonly bell: Bell;
}

export class AgentOrders {
  readonly #sources: OrderSources;

  constructor(sources: OrderSources) {
    this.#sources = sources;
  }

  /**
   * Waits for an order; undefined once the signal aborts. `isOwn`: the agent is the node's own, and may get the secret
   * that opens the node's image. `takesChecks`: its release knows checks.
   */
  async next(
    { id, name }: Pick<TemplateView, "id" | "name">,
    { isOwn, takesChecks, signal }: { isOwn: boolean; takesChecks: boolean; signal: AbortSignal },
  ): Promise<CaptureOrder | RestartOrder | CheckOrder | undefined> {
    const { captures, restarts, checks, bell } = this.#sources;
    while (!signal.aborted) {
      // first, so that no ring is missed while an order is looked for
      const rung = bell.next(signal);
      const order = captures.orderFor(id) ?? (isOwn ? await restarts.orderFor(name) : undefined) ??
        (takesChecks ? checks.orderFor(name) : undefined);
      if (order) return order;
      await rung;
    }
    return undefined;
  }
}
