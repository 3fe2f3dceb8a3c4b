/**
 * Comma-separated values, RFC 4180: a cell with a comma, a quote or a line end is quoted, and quotes inside are doubled.
 * Written with CRLF; read with either line end, and with the mark that spreadsheets put before UTF-8.
 */
import { UsageError } from "./usage.ts";

export interface CsvRow {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r]/;
/** What `formatCsv` puts before such a cell. */
const GUARDED = /^'(?='*[=+\-@\t\r])/;

export function formatCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(formatCell).join(",")}\r\n`).join("");
}

function formatCell(text: string): string {
  const guarded = FORMULA.test(text) || GUARDED.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/**
 * Lines without anything in them are left out. Throws UsageError that names the line.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseCsv('name,"a ""note"""\nn1,"two\nlines"\n'), [
 *   { line: 1, cells: ["name", 'a "note"'] },
 *   { line: 2, cells: ["n1", "two\nlines"] },
 * ]);
 * ```
 */
export function parseCsv(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let cells: string[] = [], line = 1, rowLine = 1;
  // a cell, quoted or not, and what ends it; every cell has an end, so that the whole text is covered
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\r|\n|$)/gy;
  cell.lastIndex = text.startsWith("\ufeff") ? 1 : 0;
  while (cell.lastIndex < text.length || cells.length > 0) {
    const match = cell.exec(text);
    if (match === null) {
      throw new UsageError(
        `line ${line}: a quote stands inside a cell that is not quoted, or is never closed.`,
      );
    }
    const [whole, quoted, plain = "", end] = match;
    cells.push((quoted?.replaceAll('""', '"') ?? plain).replace(GUARDED, ""));
    line += whole.match(/\r\n|\r|\n/g)?.length ?? 0;
    if (end === ",") continue;
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: rowLine, cells });
    cells = [];
    rowLine = line;
  }
  return rows;
}
