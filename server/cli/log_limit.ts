/** Keeps one event from filling the journal, from any source and at any rate. */
import type { LogRecord } from "@logtape/logtape";

/** Lines of one event a minute; what is above is counted, and said in one line with the next that passes. */
const MOST = 60;
const WINDOW_MS = 60_000;

interface Window {
  beganMs: number;
  lines: number;
  dropped: number;
}

export class LogLimit {
  /** By category and event: as many as there are in the source. */
  readonly #windows = new Map<string, Window>();

  /** How many lines of this event were dropped before it; undefined if it is to be dropped itself. */
  pass({ category, rawMessage, timestamp }: LogRecord): number | undefined {
    const key = `${category.join("·")} ${rawMessage}`;
    let window = this.#windows.get(key);
    if (!window) this.#windows.set(key, window = { beganMs: timestamp, lines: 0, dropped: 0 });
    if (timestamp - window.beganMs >= WINDOW_MS) {
      window.beganMs = timestamp;
      window.lines = 0;
    }
    if (window.lines >= MOST) {
      window.dropped++;
      return undefined;
    }
    window.lines++;
    const { dropped } = window;
    window.dropped = 0;
    return dropped;
  }
}
