/** Formats numbers for people, the same way on the page and in a terminal. */

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/**
 * Decimal units, three significant digits: "1.23 GB".
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(formatBytes(12_345_678), "12.3 MB");
 * assert.equal(formatSeconds(65), "1 min 05 s");
 * assert.equal(percent(999, 1000), 99);
 * ```
 */
export function formatBytes(bytes: number): string {
  let value = bytes, unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** "7 s", "3 min 05 s", "2 h 07 min". */
export function formatSeconds(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const two = (n: number) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${two(Math.floor(s % 3600 / 60))} min`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en").replaceAll(",", " ");
}

/** Whole percent, rounded down: 100 only when all is done, 0 if there is nothing to do. */
export function percent(done: number, total: number): number {
  return total <= 0 ? 0 : Math.min(done >= total ? 100 : 99, Math.floor(done / total * 100));
}

/** Formats an ISO time as "2026-01-31 12:00 UTC". */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}
