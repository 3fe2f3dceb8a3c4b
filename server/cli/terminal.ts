/**
 * Output of commands: results go to standard output, progress and remarks to standard error. Control characters are
 * escaped, never sent to the terminal.
 */
import { visible, visibleLine } from "./visible_text.ts";

const encoder = new TextEncoder();

export function print(line: string): void {
  writeAll(Deno.stdout, `${visible(line)}\n`);
}

export function remark(line: string): void {
  writeAll(Deno.stderr, `${visible(line)}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** Aligns the columns; the last one is not padded. */
export function printTable(titles: readonly string[], cells: readonly (readonly string[])[]): void {
  const rows = cells.map((row) => row.map(visibleLine));
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  for (const row of [titles.map((title) => title.toUpperCase()), ...rows]) {
    print(row.map((cell, i) => i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)).join("  "));
  }
}

/** Prints "Key:   value" lines, without those whose value is undefined. */
export function printFields(fields: Record<string, string | undefined>): void {
  const width = Math.max(...Object.keys(fields).map((key) => key.length)) + 2;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) print(`${key}:`.padEnd(width) + visibleLine(value));
  }
}

/** One line on standard error: overwritten in a terminal, elsewhere a new line every five seconds at most. */
export class ProgressLine implements Disposable {
  readonly #terminal = Deno.stderr.isTerminal();
  #shown = "";
  #nextMs = 0;

  show(text: string): void {
    if (text === this.#shown) return;
    if (this.#terminal) writeAll(Deno.stderr, `\r${visibleLine(text).slice(0, columns() - 1)}\x1b[K`);
    else if (performance.now() >= this.#nextMs) {
      this.#nextMs = performance.now() + 5000;
      remark(text);
    } else return;
    this.#shown = text;
  }

  /** Prints a line that stays. */
  note(line: string): void {
    this.clear();
    remark(line);
  }

  clear(): void {
    if (this.#terminal && this.#shown) writeAll(Deno.stderr, "\r\x1b[K");
    this.#shown = "";
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}

function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

/** If the reader is gone (`| head`), output is dropped and the command continues. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
