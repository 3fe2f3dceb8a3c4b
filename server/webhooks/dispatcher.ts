/** Delivers what is queued: each receiver by itself, oldest first, again and again with growing pauses. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import type { Delivery } from "../store/webhooks.ts";
import type { Outcome } from "./deliver.ts";

const log = getLogger(["rackseed", "webhooks"]);

/** Pauses before further attempts, in seconds; then the message has failed. In all about a day. */
const PAUSES = [5, 60, 300, 1800, 2 * 3600, 6 * 3600, 14 * 3600];
/** Each pause is up to this share longer, so that receivers that come back are not overrun. */
const JITTER = 0.2;

interface DispatcherPorts {
  readonly names: () => readonly string[];
  readonly due: (name: string, nowMs: number) => Delivery | undefined;
  readonly delivered: (name: string, delivery: Delivery) => void;
  readonly failed: (
    name: string,
    delivery: Delivery,
    end: { reason: string; nextMs?: number | undefined },
  ) => void;
  readonly attempt: (name: string, delivery: Delivery) => Promise<Outcome>;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

export class Dispatcher {
  readonly #ports: DispatcherPorts;
  readonly #signal: AbortSignal;
  /** Receivers that are being served. */
  readonly #busy = new Set<string>();

  constructor(ports: DispatcherPorts, { signal }: { signal: AbortSignal }) {
    this.#ports = ports;
    this.#signal = signal;
  }

  /** Begins whatever is due, and returns at once. */
  wake(): void {
    for (const name of this.#ports.names()) void this.#serve(name);
  }

  /** Delivers to one receiver until nothing is due. Never rejects. */
  async #serve(name: string): Promise<void> {
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    try {
      for (;;) {
        const delivery = this.#ports.due(name, this.#ports.now());
        if (delivery === undefined || this.#signal.aborted) return;
        const outcome = await this.#ports.attempt(name, delivery);
        // an attempt that the server's own end cut off counts for nothing
        if (this.#signal.aborted) return;
        this.#settle(name, { delivery, outcome });
      }
    } catch (error) {
      log.error("not-dispatched", { webhook: name, error: messageOf(error) });
    } finally {
      this.#busy.delete(name);
    }
  }

  #settle(name: string, { delivery, outcome }: { delivery: Delivery; outcome: Outcome }): void {
    if (outcome.kind === "delivered") return this.#ports.delivered(name, delivery);
    const pause = outcome.kind === "gone" ? undefined : PAUSES[delivery.attempts];
    const { reason } = outcome;
    if (pause === undefined) {
      log.error("given-up", { webhook: name, id: delivery.id, reason });
      return this.#ports.failed(name, delivery, { reason });
    }
    log.warn("not-delivered", { webhook: name, id: delivery.id, attempt: delivery.attempts + 1, reason });
    const nextMs = Math.ceil(this.#ports.now() + pause * 1000 * (1 + JITTER * this.#ports.random()));
    this.#ports.failed(name, delivery, { reason, nextMs });
  }
}
