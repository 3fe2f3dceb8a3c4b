/** Numbers and times as the reader's language and time zone have them. */
import { language } from "./language.ts";
import { messages } from "./messages.ts";

const t = messages({
  seconds: { en: "{s} s", de: "{s} s", zh: "{s} 秒" },
  minutes: { en: "{m} min {s} s", de: "{m} min {s} s", zh: "{m} 分 {s} 秒" },
  hours: { en: "{h} h {m} min", de: "{h} h {m} min", zh: "{h} 小时 {m} 分" },
  days: { en: "{d} d {h} h", de: "{d} T. {h} h", zh: "{d} 天 {h} 小时" },
  rate: { en: "{bytes}/s", de: "{bytes}/s", zh: "{bytes}/秒" },
});

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const digits = [0, 1, 2].map((maximumFractionDigits) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: maximumFractionDigits, maximumFractionDigits })
);

/** Decimal units, three significant digits: "1.23 GB". */
export function bytesText(bytes: number): string {
  let value = bytes, unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const places = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${digits[places]?.format(value)} ${UNITS[unit]}`;
}

export function rateText(bytesPerSecond: number): string {
  return t("rate", { bytes: bytesText(bytesPerSecond) });
}

export function durationText(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(Math.floor(n)).padStart(2, "0");
  if (s < 60) return t("seconds", { s });
  if (s < 3600) return t("minutes", { m: Math.floor(s / 60), s: two(s % 60) });
  if (s < 86_400) return t("hours", { h: Math.floor(s / 3600), m: two((s % 3600) / 60) });
  return t("days", { d: Math.floor(s / 86_400), h: Math.floor((s % 86_400) / 3600) });
}

const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

/** Date and time to the second, in the reader's zone. */
export function exactTime(iso: string): string {
  return exact.format(new Date(iso));
}

export function shortTime(iso: string): string {
  return short.format(new Date(iso));
}

const STEPS: readonly [seconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** "3 minutes ago"; with the clock of the server, if it is another. */
export function agoText(iso: string, nowMs: number): string {
  const seconds = (Date.parse(iso) - nowMs) / 1000;
  const [size, unit] = STEPS.find(([size]) => Math.abs(seconds) >= size) ?? [1, "second"];
  return relative.format(Math.trunc(seconds / size), unit);
}

export function countText(count: number): string {
  return count.toLocaleString(language);
}
