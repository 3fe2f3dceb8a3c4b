/** Captures: those under way, and how they ended. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { CaptureView } from "#contract/api.ts";

const OUTCOMES = ["published", "failed", "cancelled"] as const;
const ACTIVE = ["waiting", "receiving", "publishing"] as const;
type Outcome = typeof OUTCOMES[number];
type Active = typeof ACTIVE[number];

export class CaptureMetrics {
  /** Those under way, by id. */
  readonly #active = new Map<string, Active>();
  readonly #ended: Counter<"outcome">;
  readonly #received: Counter;

  constructor(registry: Registry) {
    const active = this.#active;
    this.#ended = new Counter({
      name: "rackseed_captures_total",
      help: "Captures that ended since the server started, nodes' backups among them, by outcome.",
      labelNames: ["outcome"],
      registers: [registry],
    });
    for (const outcome of OUTCOMES) this.#ended.inc({ outcome }, 0);
    this.#received = new Counter({
      name: "rackseed_capture_received_bytes_total",
      help: "Bytes of contents that captures sent to the server, counted when they end.",
      registers: [registry],
    });
    new Gauge({
      name: "rackseed_captures_active",
      help: "Captures under way, by state.",
      labelNames: ["state"],
      registers: [registry],
      collect() {
        for (const state of ACTIVE) this.set({ state }, 0);
        for (const state of active.values()) this.inc({ state });
      },
    });
  }

  begin({ id, state }: CaptureView): void {
    if (isActive(state)) this.#active.set(id, state);
  }

  observe({ id, state, progress }: CaptureView): void {
    if (isActive(state)) {
      this.#active.set(id, state);
      return;
    }
    // views of an ended capture may be published again
    if (!this.#active.delete(id)) return;
    this.#ended.inc({ outcome: state });
    this.#received.inc(progress?.bytesSent ?? 0);
  }
}

function isActive(state: Outcome | Active): state is Active {
  return (ACTIVE as readonly string[]).includes(state);
}
