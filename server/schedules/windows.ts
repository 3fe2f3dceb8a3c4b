/** Maintenance windows: when orders may begin, on the clocks of a time zone. Pure. */
import { RackseedError } from "#contract/errors.ts";
import { fullMinute, ZoneClock } from "./zone.ts";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const DAY_MINUTES = 1440, WEEK_MINUTES = 7 * DAY_MINUTES;
const MINUTE_MS = 60_000;
/** Every window opens once a week, but for a short one that falls into the hour that summer time skips. */
const LOOK_MINUTES = 2 * WEEK_MINUTES;

/** Minutes since the week began on Sunday; `to` may lie in the next week. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * A window is "22:00-05:00" for every day, or "Mon-Fri 22:00-05:00", "Sat,Sun 00:00-24:00": the days on which it opens.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const nights = new Windows(["Mon-Fri 22:00-05:00"], { zone: "Europe/Vienna" });
 * assert.equal(nights.isOpen(Date.parse("2026-12-05T03:00:00Z")), true); // 04:00 on Saturday
 * assert.equal(nights.isOpen(Date.parse("2026-12-06T03:00:00Z")), false); // Sunday
 * ```
 */
export class Windows {
  readonly #clock: ZoneClock;
  /** Undefined: always open. */
  readonly #spans: readonly Span[] | undefined;

  /** Throws RackseedError (400) if a window cannot be read, or never opens. `texts`: undefined for always open. */
  constructor(texts: readonly string[] | undefined, { zone }: { zone: string }) {
    this.#clock = new ZoneClock(zone);
    this.#spans = texts?.flatMap(spansOf);
  }

  /** `atMs`: milliseconds since 1970. */
  isOpen(atMs: number): boolean {
    return this.#untilOpen(atMs) === 0;
  }

  /** The first moment from `atMs` on at which a window is open. */
  opens(atMs: number): number {
    let at = this.isOpen(atMs) ? atMs : fullMinute(atMs);
    for (const endMs = atMs + LOOK_MINUTES * MINUTE_MS; at < endMs;) {
      const wait = this.#untilOpen(at);
      if (wait === 0) return at;
      const step = Math.min(wait, 60);
      // an hour in which clocks are set is walked minute by minute
      at += (this.#shows(at + step * MINUTE_MS) === this.#shows(at) + step ? step : 1) * MINUTE_MS;
    }
    throw new RangeError("a window that never opens was accepted");
  }

  /** Minutes on the clock until a window is open, 0 if one is. */
  #untilOpen(atMs: number): number {
    if (this.#spans === undefined) return 0;
    const now = this.#clock.weekMinute(atMs);
    return Math.min(
      ...this.#spans.map(({ from, to }) =>
        (now >= from && now < to) || now + WEEK_MINUTES < to ? 0 : (from - now + WEEK_MINUTES) % WEEK_MINUTES
      ),
    );
  }

  /** What the clock shows, not starting again after a week. */
  #shows(atMs: number): number {
    const shown = this.#clock.weekMinute(atMs), utc = Math.floor(atMs / MINUTE_MS);
    // minutes since 1970 that agree with the clock: within a day of UTC
    const ahead = ((shown - utc) % WEEK_MINUTES + WEEK_MINUTES) % WEEK_MINUTES;
    return utc + ahead;
  }
}

function spansOf(text: string): Span[] {
  const [, days, ...times] =
    /^(?:([A-Za-z,-]+) +)?(\d{1,2}):(\d\d) *- *(\d{1,2}):(\d\d)$/.exec(text.trim()) ??
      [];
  const [fromHour = NaN, fromMinute = NaN, toHour = NaN, toMinute = NaN] = times.map(Number);
  const from = fromHour * 60 + fromMinute, to = toHour * 60 + toMinute;
  const isTime = fromMinute < 60 && toMinute < 60 && from < DAY_MINUTES && to <= DAY_MINUTES;
  if (!isTime) throw badWindow(text, "it does not have the form Mon-Fri 22:00-05:00 or 22:00-05:00.");
  if (from === to) throw badWindow(text, "it ends when it begins, so it is never open.");
  const length = (to - from + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  return daysOf(days, text).map((day) => ({
    from: day * DAY_MINUTES + from,
    to: day * DAY_MINUTES + from + length,
  }));
}

/** "Mon-Fri", "Sat,Sun", "Fri-Mon"; undefined for every day. */
function daysOf(text: string | undefined, window: string): number[] {
  if (text === undefined) return DAYS.map((_, day) => day);
  const days = text.toLowerCase().split(",").flatMap((part) => {
    const [first = -1, last = first, ...more] = part.split("-").map((name) =>
      DAYS.indexOf(name as typeof DAYS[number])
    );
    if (first < 0 || last < 0 || more.length > 0) {
      throw badWindow(window, `"${part}" is no day: days are ${DAYS.map((day) => title(day)).join(", ")}.`);
    }
    return Array.from({ length: (last - first + 7) % 7 + 1 }, (_, i) => (first + i) % 7);
  });
  return [...new Set(days)];
}

function title(day: string): string {
  return day.slice(0, 1).toUpperCase() + day.slice(1);
}

function badWindow(text: string, reason: string): RackseedError {
  return new RackseedError(`cannot use the window "${text}"`, {
    reason,
    remedy: 'correct it; an example: "Mon-Fri 22:00-05:00"',
    status: 400,
  });
}
