/** The form of a node's settings: its fields, and how their text becomes settings. The schema has the last word. */
import type { z } from "zod";
import { NodeSettings } from "#contract/api/node_settings.ts";
import { formatRate, parseRate } from "#contract/rate_text.ts";
import { formatDataDisk, parseDataDisk } from "../../../../words/disk_text.ts";
import { parseDuration } from "../../../../words/duration.ts";
import { formatInterface, parseInterface } from "../../../../words/interface_text.ts";

export type Key = keyof NodeSettings;

export interface Field {
  readonly key: Key;
  /** "lines": a value in each line. */
  readonly kind: "text" | "lines" | "choice";
  readonly choices?: readonly string[];
  readonly format: (value: never) => string;
  /** Throws Error that shows the right form. */
  readonly parse: (text: string) => unknown;
}

const { shape } = NodeSettings;
const same = (text: string) => text;
const text = (key: Key): Field => ({ key, kind: "text", format: String, parse: same });
const choice = (key: Key, schema: { unwrap(): z.ZodEnum }): Field => ({
  key,
  kind: "choice",
  choices: schema.unwrap().options.map(String),
  format: String,
  parse: same,
});
const lines = <T>(key: Key, format: (one: T) => string, parse: (text: string) => unknown = same): Field => ({
  key,
  kind: "lines",
  format: (all: readonly T[]) => all.map(format).join("\n"),
  parse: (all) => all.split("\n").map((line) => line.trim()).filter((line) => line !== "").map(parse),
});

/** In groups, as they stand on the page. */
export const FIELDS: Readonly<Record<"identity" | "place" | "disks" | "start" | "work", readonly Field[]>> = {
  identity: [
    text("mac"),
    text("hostname"),
    choice("identity", shape.identity),
    text("address"),
    text("gateway"),
    lines("dns", String),
    lines("interfaces", formatInterface, parseInterface),
  ],
  place: [text("group"), text("rack")],
  disks: [
    lines("disks", String),
    lines("dataDisks", formatDataDisk, parseDataDisk),
    lines("leaveDisks", String),
    { key: "mirror", kind: "text", format: String, parse: numberOf },
    choice("unlock", shape.unlock),
  ],
  start: [
    choice("bootProgram", shape.bootProgram),
    choice("finish", shape.finish),
    choice("requireTpm", shape.requireTpm),
  ],
  work: [
    {
      key: "uploadLimit",
      kind: "text",
      format: formatLimit,
      parse: (text) => text === "off" ? text : parseRate(text),
    },
    {
      key: "backupEverySeconds",
      kind: "text",
      format: formatInterval,
      parse: (text) => parseDuration(text, { maxDays: 366 }),
    },
  ],
};

export type Texts = Readonly<Partial<Record<Key, string>>>;

export function textsOf(settings: NodeSettings): Texts {
  return Object.fromEntries(
    Object.values(FIELDS).flat().flatMap(({ key, format }) =>
      settings[key] === undefined ? [] : [[key, format(settings[key] as never)]]
    ),
  );
}

export type Faults = Readonly<Partial<Record<Key, string>>>;

/** An empty field clears its setting. What the form has no field for stays. */
export function settingsOf(
  texts: Texts,
  { before }: { before: NodeSettings },
): { settings: NodeSettings } | { faults: Faults } {
  const given: Partial<Record<Key, unknown>> = { ...before }, faults: Partial<Record<Key, string>> = {};
  for (const { key, parse } of Object.values(FIELDS).flat()) {
    const value = (texts[key] ?? "").trim();
    delete given[key];
    if (value === "") continue;
    try {
      given[key] = parse(value);
    } catch (error) {
      faults[key] = error instanceof Error ? error.message : String(error);
    }
  }
  if (Object.keys(faults).length > 0) return { faults };
  const checked = NodeSettings.safeParse(given);
  if (checked.success) return { settings: checked.data };
  for (const { path, message } of checked.error.issues) {
    const key = path[0] as Key;
    faults[key] = [faults[key], message].filter(Boolean).join("; ");
  }
  return { faults };
}

/** "off", or as `parseRate` takes it, without loss. */
function formatLimit(limit: number | "off"): string {
  if (limit === "off") return limit;
  const shown = formatRate(limit).replace("/s", "").replace(" ", "").toLowerCase();
  return parseRate(shown) === limit ? shown : `${limit}B/s`;
}

function formatInterval(seconds: number): string {
  const [size, unit] = ([[86_400, "d"], [3600, "h"], [60, "min"]] as const)
    .find(([size]) => seconds % size === 0) ?? [1, "s"];
  return `${seconds / size}${unit}`;
}

function numberOf(text: string): number {
  if (!/^\d+$/.test(text)) throw new RangeError("a number");
  return Number(text);
}
