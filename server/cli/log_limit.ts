/** Keeps any one event from flooding the journal. */
import type { LogRecord } from "@logtape/logtape";

/** Lines per event and minute. Further ones are counted, and the count is logged with the next line that passes. */
const MAX_LINES = 60;
const WINDOW_MS = 60_000;

interface Window {
  beganMs: number;
  lines: number;
  dropped: number;
}

export class LogLimit {
  /** By category and event name, which the source code limits in number. */
  readonly #windows = new Map<string, Window>();

  /** Returns how many lines of this event were dropped before this one; undefined to drop this one too. */
  pass({ category, rawMessage, timestamp }: LogRecord): number | undefined {
    const key = `${category.join("·")} ${rawMessage}`;
    let window = this.#windows.get(key);
    if (!window) this.#windows.set(key, window = { beganMs: timestamp, lines: 0, dropped: 0 });
    if (timestamp - window.beganMs >= WINDOW_MS) {
      window.beganMs = timestamp;
      window.lines = 0;
    }
    if (window.lines >= MAX_LINES) {
      window.dropped++;
      return undefined;
    }
    window.lines++;
    const { dropped } = window;
    window.dropped = 0;
    return dropped;
  }
}
