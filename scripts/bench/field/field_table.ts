/** A table of the field: published figures beside ours, with what was converted and which goals are kept. Pure. */
import type { Bar } from "../swarm/bars.ts";

export interface FieldTable {
  readonly title: string;
  /** Where the published figures stand: title, place, year. */
  readonly source: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How our test differs from the published one, a sentence each. */
  readonly conversions: readonly string[];
  readonly goals: readonly Bar[];
  /** An SVG, if the table has a plot. */
  readonly plot?: string;
}

/** One table's bench: takes what follows `--table NAME` on the command line, and measures. */
export type FieldBench = (args: string[]) => Promise<FieldTable>;

export function goal(name: string, value: number, bar: number): Bar {
  return { name, value, bar, kept: value <= bar };
}

/** The table as Markdown, readable in a terminal too. */
export function tableText({ title, source, columns, rows, conversions, goals }: FieldTable): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? "").length)));
  const row = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (cells[i] ?? "").padEnd(width)).join(" | ")} |`;
  return [
    title,
    "",
    row(columns),
    row(widths.map((width) => "-".repeat(width))),
    ...rows.map(row),
    "",
    `Published: ${source}.`,
    ...conversions.map((text) => `- ${text}`),
    ...goals.map(({ name, value, bar, kept }) =>
      `${name} = ${value.toFixed(2)} (goal ${bar}): ${kept ? "kept" : "MISSED"}`
    ),
  ].join("\n");
}
