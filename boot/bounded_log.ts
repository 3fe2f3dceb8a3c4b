import type { Logger } from "@logtape/logtape";
import { TokenBucket } from "./token_bucket.ts";

/** Enough to log a whole rack being switched on; slow enough that a flood takes years to fill a disk. */
const LINES = { burst: 500, perSecond: 5 };

/** A rate-limited log for events that strangers can cause. Reports how many lines it suppressed. */
export class BoundedLog {
  readonly #log: Logger;
  readonly #lines = new TokenBucket(LINES);

  constructor(log: Logger) {
    this.#log = log;
  }

  write(level: "info" | "warn", event: string, properties: Record<string, unknown>): void {
    if (!this.#lines.take(performance.now())) return;
    const suppressed = this.#lines.takeRefused();
    this.#log[level](event, suppressed > 0 ? { ...properties, suppressed } : properties);
  }
}
