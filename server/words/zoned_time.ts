/**
 * A moment on the clocks of a time zone.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { formatZoned } from "./zoned_time.ts";
 *
 * assert.equal(formatZoned("2026-12-07T02:00:00.000Z", "Europe/Vienna"), "Mon 2026-12-07 03:00 Europe/Vienna");
 * ```
 */
export function formatZoned(iso: string, zone: string): string {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    weekday: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  const parts = new Map(format.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? "";
  return `${part("weekday")} ${part("year")}-${part("month")}-${part("day")} ` +
    `${part("hour")}:${part("minute")} ${zone}`;
}
