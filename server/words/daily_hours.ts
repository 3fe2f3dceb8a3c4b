/** Hours of each day in which something may be done, by the machine's local time: "22:00-06:00". */

export interface DailyHours {
  /** Minutes since midnight. The end is not part of it; before the beginning, it is on the next day. */
  readonly from: number;
  readonly to: number;
}

const FORM = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

/** Throws RangeError. */
export function parseDailyHours(text: string): DailyHours {
  const [, ...parts] = FORM.exec(text) ?? [];
  const [fromHour, fromMinute, toHour, toMinute] = parts.map(Number);
  const from = (fromHour ?? NaN) * 60 + (fromMinute ?? NaN), to = (toHour ?? NaN) * 60 + (toMinute ?? NaN);
  if (Number.isNaN(from) || from === to) throw new RangeError("Expected hours, for instance 22:00-06:00.");
  return { from, to };
}

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const night = parseDailyHours("22:00-06:00");
 * assert.ok(isWithin(night, new Date(2026, 0, 1, 23, 30)));
 * assert.ok(isWithin(night, new Date(2026, 0, 1, 5, 59)));
 * assert.ok(!isWithin(night, new Date(2026, 0, 1, 6, 0)));
 * ```
 */
export function isWithin({ from, to }: DailyHours, time: Date): boolean {
  const minute = time.getHours() * 60 + time.getMinutes();
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}
