/** Warnings and errors of the log, by event: every one of them has a stable name in the source code. */
import { Counter, type Registry } from "prom-client";

/** More names than the source code has, so that a mistake there cannot make the number of series grow for ever. */
const MAX_EVENTS = 400;

interface LoggedEvent {
  readonly level: string;
  /** "images", "web". */
  readonly source: string;
  /** "not-served". */
  readonly event: string;
}

export class LogMetrics {
  readonly #counter: Counter<"level" | "source" | "event">;
  readonly #known = new Set<string>();

  constructor(registry: Registry) {
    this.#counter = new Counter({
      name: "rackseed_log_events_total",
      help:
        "Warnings and errors that were logged, by level, source and event, also those left out of the log.",
      labelNames: ["level", "source", "event"],
      registers: [registry],
    });
  }

  count({ level, source, event }: LoggedEvent): void {
    const key = `${level} ${source} ${event}`;
    if (!this.#known.has(key) && this.#known.size >= MAX_EVENTS) event = source = "other";
    else this.#known.add(key);
    this.#counter.inc({ level, source, event });
  }
}
