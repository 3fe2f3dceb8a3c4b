/** The table of ways to boot in a Markdown text, which is found by its head. Pure. */

export interface TableRow {
  readonly firmware: string;
  readonly way: string;
  readonly addresses: string;
  readonly ends: string;
  readonly result: string;
  /** When it was run. */
  readonly run: string;
}

const HEAD: readonly string[] = ["firmware", "way", "addresses by", "from power-on to", "took", "run"];
/** These tell one row from another. */
const KEY_CELLS = 4;

/** Replaces the way's row, or adds it at the end of the table; a text without the table gets one. */
export function updateTable(text: string, row: TableRow): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => cellsOf(line).join("|") === HEAD.join("|"));
  if (start < 0) return `${text && `${text.trimEnd()}\n\n`}${drawTable([cellsIn(row)]).join("\n")}\n`;
  let end = start;
  while (lines[end]?.startsWith("|")) end++;
  const rows = lines.slice(start + 2, end).map(cellsOf), cells = cellsIn(row);
  const same = rows.findIndex((other) => cells.slice(0, KEY_CELLS).every((cell, i) => cell === other[i]));
  rows[same < 0 ? rows.length : same] = cells;
  return [...lines.slice(0, start), ...drawTable(rows), ...lines.slice(end)].join("\n");
}

function cellsIn({ firmware, way, addresses, ends, result, run }: TableRow): string[] {
  return [firmware, way, addresses, ends, result, run];
}

function cellsOf(line: string): string[] {
  return line.startsWith("|") ? line.split("|").slice(1, -1).map((cell) => cell.trim()) : [];
}

/** Aligned as `deno fmt` does. */
function drawTable(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((title, i) =>
    Math.max(3, ...[HEAD, ...rows].map((row) => (row[i] ?? title).length))
  );
  const draw = (row: readonly string[]) =>
    `| ${widths.map((w, i) => (row[i] ?? "").padEnd(w)).join(" | ")} |`;
  return [draw(HEAD), draw(widths.map((width) => "-".repeat(width))), ...rows.map(draw)];
}
