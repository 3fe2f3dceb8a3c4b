/**
 * What a node's screen shows, as rows of text with colours: name, percentage and state large enough for two metres, then
 * what is wrong and what to do, and a QR code to the node's page. Pure.
 */
import type { ConsoleFacts } from "../../sys/console.ts";
import { STEPS } from "#contract/api/steps.ts";
import { bigText, bigWidth, halfBlocks, scaled } from "./big_text.ts";
import { qrCode } from "./qr_code.ts";

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The least there is: VGA text. Larger screens are drawn in multiples of it. */
const COLUMNS = 80, ROWS = 25;
const NAME_ROW = 2, BODY_ROW = 7;
/** SGR (ECMA-48 §8.3.117): the bar's ground and ink, and the large characters. */
const COLOURS = {
  working: { bar: "44;1;37", large: "1;36" },
  waiting: { bar: "43;30", large: "1;33" },
  failed: { bar: "41;1;37", large: "1;31" },
  done: { bar: "42;1;37", large: "1;32" },
} as const;
/** A word and a sign, since not everybody sees the colours. */
const STATES: Readonly<Record<ScreenState, string>> = {
  working: "> WORKING",
  waiting: "? WAITING FOR YOU",
  failed: "X FAILED",
  done: "= DONE",
};
export type ScreenState = keyof typeof COLOURS;
/** Beside the name, if there is room. */
const LARGE_STATES: Partial<Record<ScreenState, string>> = { failed: "failed", done: "done" };

interface Shown extends ConsoleFacts {
  readonly state: ScreenState;
  /** Since the machine's agent started. */
  readonly elapsedMs: number;
  /** The latest lines, oldest first. */
  readonly lines: readonly string[];
  /** Of the page's address: see `codeRows`. */
  readonly code?: readonly string[] | undefined;
}

/** One string a row; each is as wide as the screen and ends with its colours reset. */
export function screenRows(shown: Shown, { columns, rows }: ScreenSize): string[] {
  const scale = scaleOf({ columns, rows }), { code } = shown;
  const page = new Canvas({ columns, rows });
  const colours = COLOURS[shown.state];
  page.put(0, 0, barText(shown, columns), colours.bar);
  const word = LARGE_STATES[shown.state], text = shown.node ?? word ?? "RACKSEED";
  const name = largeName(text, columns / scale);
  const ink = shown.node === undefined && word !== undefined ? colours.large : "1;37";
  if (name === undefined) page.put(NAME_ROW, 1, [...text].join(" "), ink);
  else page.large(NAME_ROW, 1, { text: name, scale, sgr: ink });
  const wordAt = columns - 1 - bigWidth(word ?? "") * scale;
  const hasRoom = name !== undefined && shown.node !== undefined && bigWidth(name) * scale + 3 <= wordAt;
  if (word !== undefined && hasRoom) {
    page.large(NAME_ROW, wordAt, { text: word, scale, sgr: colours.large });
  }
  const top = name === undefined ? NAME_ROW + 2 : NAME_ROW + 4 * scale + 1;
  const codeWidth = code?.[0]?.length ?? 0;
  const hasCode = code !== undefined && code.length <= rows - top && codeWidth < columns / 1.8;
  if (hasCode) {
    for (const [i, row] of code.entries()) {
      page.put(rows - code.length + i, columns - codeWidth, row, "1;37");
    }
  }
  const width = columns - 2 - (hasCode ? codeWidth + 1 : 0);
  const area = { top: Math.max(top, scale === 1 ? BODY_ROW : top), width, rows };
  if (shown.problem) failureBody(page, shown, area);
  else workBody(page, shown, { ...area, scale, sgr: colours.large });
  return page.text();
}

function barText({ state, step, elapsedMs, machine }: Shown, columns: number): string {
  const at = step === undefined ? "" : `   ${state === "failed" ? "at the step " : ""}${step}`;
  const left = ` ${STATES[state]}${at}`, right = `${machine ?? ""}  ${durationOf(elapsedMs)} `;
  return left + right.padStart(Math.max(0, columns - left.length));
}

/** The name, or its first label, if that can be drawn large. */
function largeName(name: string, columns: number): string | undefined {
  return [name, name.split(".")[0] ?? ""].find((text) => bigWidth(text) <= columns - 2);
}

function scaleOf({ columns, rows }: ScreenSize): number {
  return Math.max(1, Math.min(4, Math.floor(columns / COLUMNS), Math.floor(rows / ROWS)));
}

/** The QR code of an address, for a screen of this size. It takes longer than all the rest: keep it. */
export function codeRows(address: string, size: ScreenSize): string[] | undefined {
  const scale = scaleOf(size);
  const modules = qrCode(address);
  if (!modules) return undefined;
  // light modules are what shines; two of them around it separate it from the text
  const quiet = 2, side = modules.length + 2 * quiet;
  const light = Array.from(
    { length: side },
    (_, y) => Array.from({ length: side }, (_, x) => modules[y - quiet]?.[x - quiet] !== true),
  );
  return halfBlocks(scaled(light, scale));
}

interface Area {
  readonly top: number;
  readonly width: number;
  readonly rows: number;
}

function workBody(
  page: Canvas,
  { step, message, transfer, image, server, page: address, lines, orderText }: Shown,
  { top, width, rows, scale, sgr }: Area & { scale: number; sgr: string },
): void {
  const percent = transfer && transfer.bytesTotal > 0
    ? Math.floor(transfer.bytesDone * 100 / transfer.bytesTotal)
    : undefined;
  const large = percent === undefined ? step ?? "..." : `${percent}%`;
  if (bigWidth(large) * scale <= width) page.large(top, 1, { text: large, scale, sgr });
  else page.put(top, 1, large.toUpperCase(), sgr);
  let row = top + 4 * scale + 1;
  if (transfer && percent !== undefined) {
    const full = Math.round((width - 1) * percent / 100);
    page.put(row, 1, "█".repeat(full) + "░".repeat(width - 1 - full), sgr);
    page.put(row + 1, 1, transferText(transfer).slice(0, width));
    page.put(row + 2, 1, timeLeft(transfer).slice(0, width), "1;37");
    row += 4;
  }
  const number = step === undefined
    ? ""
    : ` ${STEPS.indexOf(step as typeof STEPS[number]) + 1}/${STEPS.length}`;
  const facts: [string, string | undefined][] = [
    [`Step${number}`, [step, message].filter(Boolean).join(": ")],
    ["Order", orderText],
    ["Image", image],
    ["Server", server],
    ["Page", address],
  ];
  for (const [title, value] of facts) {
    if (value === undefined || value === "" || row >= rows) continue;
    const [first = "", second] = wrapped(value, width - 12);
    page.put(row++, 1, title.padEnd(11).slice(0, 11), "36");
    page.put(row - 1, 12, first);
    if (second !== undefined && row < rows) page.put(row++, 12, second);
  }
  const room = Math.max(0, rows - row - 1);
  const last = lines.slice(-Math.min(room, 6));
  for (const [i, line] of last.entries()) {
    page.put(rows - last.length + i, 1, line.trim().slice(0, width), "2;37");
  }
}

function failureBody(
  page: Canvas,
  { problem, lines, isShellReady = true }: Shown,
  { top, width, rows }: Area,
): void {
  if (!problem) return;
  const { title, detail, remedy } = problem;
  let row = top;
  const part = (name: string, text: string, { most, sgr }: { most: number; sgr: string }) => {
    const rowsOfText = wrapped(text, width - 9), shown = rowsOfText.slice(0, most);
    if (rowsOfText.length > most) shown.push("(Enter shows all of it)");
    page.put(row, 1, name, "36");
    for (const line of shown) if (row < rows - 2) page.put(row++, 9, line, sgr);
  };
  part("What", title, { most: 3, sgr: "1;37" });
  part("Cause", detail, { most: 5, sgr: "37" });
  part("Remedy", remedy, { most: 5, sgr: "1;33" });
  row++;
  const room = Math.max(0, rows - row - 2);
  const last = lines.slice(-room);
  if (room > 0) {
    for (const [i, line] of last.entries()) page.put(row + i, 1, line.trim().slice(0, width), "2;37");
  }
  const hint = isShellReady ? "The machine stays as it is. Enter: a shell." : "The machine stays as it is.";
  page.put(rows - 1, 1, hint.slice(0, width), "1;37");
}

type Transfer = NonNullable<ConsoleFacts["transfer"]>;

function transferText({ bytesDone, bytesTotal, bytesPerSecond, peers }: Transfer): string {
  const gb = (bytes: number) =>
    bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(0)} MB`;
  const rate = `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
  return `${gb(bytesDone)} of ${gb(bytesTotal)}, ${rate}, ${peers} peer${peers === 1 ? "" : "s"}`;
}

function timeLeft({ bytesDone, bytesTotal, bytesPerSecond }: Transfer): string {
  if (bytesDone >= bytesTotal) return "all fetched";
  // slower than 1 kB/s no estimate is worth reading
  if (bytesPerSecond < 1000) return "waiting for data";
  return `${durationOf((bytesTotal - bytesDone) / bytesPerSecond * 1000)} left`;
}

function durationOf(ms: number): string {
  const s = Math.round(ms / 1000), two = (n: number) => String(n).padStart(2, "0");
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${two(Math.floor(s % 3600 / 60))} min`;
}

/** At spaces where there are any. */
function wrapped(text: string, width: number): string[] {
  const rows: string[] = [];
  let row = "";
  for (const word of printable(text).split(/\s+/).filter((word) => word !== "")) {
    for (let rest = word; rest !== "";) {
      const space = row === "" ? "" : " ";
      if (row.length + space.length + rest.length <= width) {
        row += space + rest;
        break;
      }
      if (row !== "") {
        rows.push(row);
        row = "";
      } else {
        rows.push(rest.slice(0, width));
        rest = rest.slice(width);
      }
    }
  }
  return row === "" ? rows : [...rows, row];
}

/** Control characters of a disk's label or a server's answer are no orders to the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

/** Cells with colours. What does not fit is cut off. */
class Canvas {
  readonly #size: ScreenSize;
  readonly #cells: { character: string; sgr: string }[][];

  constructor(size: ScreenSize) {
    this.#size = size;
    this.#cells = Array.from(
      { length: size.rows },
      () => Array.from({ length: size.columns }, () => ({ character: " ", sgr: "" })),
    );
  }

  put(row: number, column: number, text: string, sgr = ""): void {
    for (const [i, character] of [...printable(text)].entries()) {
      if (column + i < this.#size.columns && this.#cells[row]?.[column + i]) {
        (this.#cells[row] as { character: string; sgr: string }[])[column + i] = { character, sgr };
      }
    }
  }

  large(
    row: number,
    column: number,
    { text, scale, sgr }: { text: string; scale: number; sgr: string },
  ): void {
    for (const [i, line] of bigText(text, { scale }).entries()) this.put(row + i, column, line, sgr);
  }

  text(): string[] {
    return this.#cells.map((cells) => {
      let row = "", now = "";
      for (const { character, sgr } of cells) {
        if (sgr !== now) row += `\x1b[0${sgr === "" ? "" : `;${sgr}`}m`;
        now = sgr;
        row += character;
      }
      return now === "" ? row : `${row}\x1b[0m`;
    });
  }
}
