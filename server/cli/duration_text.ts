/** Durations as people write them. */

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([["s", 1], ["min", 60], ["h", 3600], [
  "d",
  86_400,
]]);

/** Seconds of "30min", "7d", up to `maxDays`. Throws RangeError with what is right. */
export function parseDuration(text: string, { maxDays }: { maxDays: number }): number {
  const [, number, unit = ""] = /^(\d{1,7}) ?([a-z]+)$/.exec(text) ?? [];
  const found = Number(number) * (UNIT_SECONDS.get(unit) ?? NaN);
  if (found >= 1 && found <= maxDays * 86_400) return found;
  throw new RangeError(
    `A duration is 1s to ${maxDays}d: a number with s, min, h or d, for instance 30min.`,
  );
}
