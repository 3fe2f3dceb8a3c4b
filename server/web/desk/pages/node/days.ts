/** Days and times of day, in the reader's zone. */
import { language } from "../../messages/language.ts";

const day = new Intl.DateTimeFormat(language, {
  weekday: "short",
  year: "numeric",
  month: "long",
  day: "numeric",
});
const hour = new Intl.DateTimeFormat(language, { timeStyle: "short" });

export function dayText(iso: string): string {
  return day.format(new Date(iso));
}

export function hourText(iso: string): string {
  return hour.format(new Date(iso));
}
