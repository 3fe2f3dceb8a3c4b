/** Durations as people write them: "90s", "5min" or "5m", "2h", "1d". */

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ...[["s", 1], ["m", 60], ["min", 60], ["h", 3600], ["d", 86_400]] as const,
]);

/**
 * Returns whole seconds. Throws RangeError with the accepted form if the text is malformed or above `maxDays`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseDuration("30min"), 1800);
 * assert.equal(parseDuration("30d", { maxDays: 365 }), 2_592_000);
 * assert.throws(() => parseDuration("soon"), RangeError);
 * ```
 */
export function parseDuration(text: string, { maxDays = 7 }: { maxDays?: number } = {}): number {
  const [, number, unit = ""] = /^(\d{1,7}) ?([a-z]+)$/.exec(text) ?? [];
  const found = Number(number) * (UNIT_SECONDS.get(unit) ?? NaN);
  if (found >= 1 && found <= maxDays * 86_400) return found;
  throw new RangeError(`A duration is 1s to ${maxDays}d: a number with s, min, h or d, for instance 30min.`);
}
