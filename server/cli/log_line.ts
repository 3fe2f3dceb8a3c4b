/** One event of the log as one line. */
import { getTextFormatter, type LogRecord, type TextFormatter } from "@logtape/logtape";
import { visibleLine } from "./visible_text.ts";

/** Lines like `2026-11-29T10:00:00.000Z WRN rackseed·web request-failed call="GET /"`. */
export function textFormatter(): TextFormatter {
  return getTextFormatter({
    timestamp: "rfc3339",
    format: ({ timestamp, level, category, record }) =>
      visibleLine(`${timestamp} ${level} ${category} ${eventText(record)}`),
  });
}

/** The event with its properties, without control characters. */
export function eventText(record: LogRecord): string {
  const pairs = presentOf(record).map(([key, value]) => ` ${key}=${JSON.stringify(plain(value))}`);
  return visibleLine(`${messageOf(record)}${pairs.join("")}`);
}

/** A line with an object with time, level, source and event; the event's properties stand beside them. */
export function jsonLine(record: LogRecord): string {
  const { timestamp, level } = record;
  const fields = {
    time: new Date(timestamp).toISOString(),
    level,
    source: sourceOf(record),
    event: messageOf(record),
  };
  const properties = presentOf(record).map(([key, value]) => [key in fields ? `${key}_` : key, plain(value)]);
  return `${JSON.stringify({ ...fields, ...Object.fromEntries(properties) })}\n`;
}

/** "web" for ["rackseed", "web"]; the log library's own events keep all words. */
export function sourceOf({ category }: LogRecord): string {
  return (category[0] === "rackseed" ? category.slice(1) : category).join(".");
}

export function messageOf({ message }: LogRecord): string {
  return message.map((part) => typeof part === "string" ? part : JSON.stringify(plain(part))).join("");
}

/** The properties that have a value. */
export function presentOf({ properties }: LogRecord): [key: string, value: unknown][] {
  return Object.entries(properties).filter(([, value]) => value !== undefined);
}

/** As JSON can hold it. */
export function plain(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  if (typeof value === "bigint") return String(value);
  return value;
}
