/** Rates as people write them: "800mbit", "100MB/s". The code uses bytes per second. */

/** A lower limit would stop every deployment; a higher one would limit nothing. */
export const MIN_RATE = 1000, MAX_RATE = 1e12;

/** Bits are spelled out ("mbit") and bytes have a capital B ("MB"): "mb" and "mbps" are ambiguous. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ["bit", 1 / 8],
  ["kbit", 1e3 / 8],
  ["mbit", 1e6 / 8],
  ["gbit", 1e9 / 8],
  ["B", 1],
  ["kB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
]);

/** Whole bytes per second. Throws RangeError that shows the right form. */
export function parseRate(text: string): number {
  const [, number, unit = ""] = /^(\d{1,12}(?:\.\d{1,6})?) ?([a-zA-Z]*?)(?:\/s)?$/.exec(text.trim()) ?? [];
  const factor = UNITS.get(unit) ?? UNITS.get(unit === "KB" ? "kB" : unit.toLowerCase());
  if (number === undefined || factor === undefined) {
    throw new RangeError(
      "A rate is a number with bits or bytes per second, for instance 800mbit or 100MB/s.",
    );
  }
  const rate = Math.round(Number(number) * factor);
  if (rate >= MIN_RATE && rate <= MAX_RATE) return rate;
  throw new RangeError("A rate must be between 8kbit (1kB/s) and 8000gbit (1000GB/s).");
}

/** In the unit of links: "800 Mbit/s". */
export function formatRate(bytesPerSecond: number): string {
  const bits = bytesPerSecond * 8;
  const [unit, size] = bits >= 1e9 ? ["Gbit/s", 1e9] : bits >= 1e6 ? ["Mbit/s", 1e6] : ["kbit/s", 1e3];
  return `${Number((bits / (size as number)).toPrecision(3))} ${unit}`;
}
