import type { Logger } from "@logtape/logtape";
import { TokenBucket } from "./token_bucket.ts";

/** All of a rack that is switched on, and of a flood no more than a disk takes for years. */
const LINES = { burst: 500, perSecond: 5 };

/** Writes what strangers cause, but no faster than a flood may fill a disk. Says how many lines it left out. */
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
