/**
 * A node's own console: a picture on its screen, plain lines on serial lines. While a person is asked, or works in a
 * shell, every terminal shows lines.
 */
import { type Console, type ConsoleFacts, type Terminal, TerminalConsole } from "../../sys/console.ts";
import type { Answer } from "../../sys/question.ts";
import { codeRows, printable, screenRows, type ScreenSize, type ScreenState } from "./node_screen.ts";

/** A serial line gets progress no more often, so that its log stays readable. */
const SERIAL_MS = 5000;
const TICK_MS = 1000;
/** What the kernel wrote over the picture is gone by then. */
const WHOLE_EVERY = 20;
const KEPT_LINES = 60;
/** State and name, at the least size of a screen. */
const HEAD_ROWS = 7;

interface Options {
  readonly size: ScreenSize;
  readonly nowMs?: () => number;
  /** Calls `work` at this interval; by default by the clock. */
  readonly every?: (work: () => void, ms: number) => void;
}

export class NodeConsole implements Console {
  readonly #all: TerminalConsole;
  readonly #screens: readonly Terminal[];
  readonly #serials: readonly Terminal[];
  readonly #size: ScreenSize;
  readonly #nowMs: () => number;
  readonly #beganMs: number;
  readonly #lines: string[] = [];
  #facts: ConsoleFacts = {};
  #code: readonly string[] | undefined;
  /** Not undefined: lines go to all terminals, and no picture is drawn. */
  #plain: "asking" | "shell" | undefined;
  #pending: string | undefined;
  #serialMs = -Infinity;
  /** The picture on the screens, row by row; empty if it must be drawn whole. */
  #drawn: readonly string[] = [];
  #ticks = 0;

  constructor(
    terminals: readonly Terminal[],
    { size, nowMs = () => performance.now(), every = byClock }: Options,
  ) {
    this.#all = new TerminalConsole(terminals);
    this.#screens = terminals.filter(({ path }) => /^\/dev\/tty\d+$/.test(path));
    this.#serials = terminals.filter((terminal) => !this.#screens.includes(terminal));
    this.#size = size;
    this.#nowMs = nowMs;
    this.#beganMs = nowMs();
    every(() => this.#tick(), TICK_MS);
    this.#draw();
  }

  show(change: ConsoleFacts): void {
    // a serial log shows when each step began, so that it can be seen where a machine hangs
    if (change.step !== undefined && change.step !== this.#facts.step) this.#serialMs = -Infinity;
    if (change.page !== undefined && change.page !== this.#facts.page) {
      this.#code = codeRows(change.page, this.#size);
    }
    this.#facts = { ...this.#facts, ...change };
    if (change.problem === undefined && change.isDone === undefined) return;
    // the last picture: whatever was there before is gone
    if (this.#plain === "shell") this.#plain = undefined;
    this.#drawn = [];
    this.#draw();
  }

  line(text: string): void {
    this.#pending = undefined;
    this.#lines.push(printable(text));
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    if (this.#plain) return this.#all.line(text);
    this.#serialMs = this.#nowMs();
    write(this.#serials, `${text}\n`);
  }

  progress(text: string): void {
    if (this.#plain) return;
    this.#pending = text;
    this.#flush();
  }

  async enter(): Promise<Terminal> {
    const terminal = await this.#all.enter();
    this.#plain = "shell";
    this.#leavePicture();
    return terminal;
  }

  async ask(text: string, options: Parameters<Console["ask"]>[1]): Promise<Answer> {
    if (this.#plain !== "asking") this.#pictureAbove();
    this.#plain = "asking";
    try {
      return await this.#all.ask(text, options);
    } finally {
      this.#plain = undefined;
      this.#drawn = [];
    }
  }

  /** One line for the serial lines when it is due, and the picture with the time that passed. */
  #tick(): void {
    if (this.#plain) return;
    if (++this.#ticks % WHOLE_EVERY === 0) this.#drawn = [];
    this.#flush();
    this.#draw();
  }

  #flush(): void {
    if (this.#pending === undefined || this.#nowMs() - this.#serialMs < SERIAL_MS) return;
    write(this.#serials, `${this.#pending}\n`);
    this.#serialMs = this.#nowMs();
    this.#pending = undefined;
  }

  /** Only the rows that changed. */
  #draw(): void {
    if (this.#screens.length === 0 || this.#plain) return;
    const { problem, isDone } = this.#facts;
    const rows = this.#rows(problem ? "failed" : isDone ? "done" : "working");
    const isWhole = this.#drawn.length === 0;
    const changed = rows.flatMap((row, i) => row === this.#drawn[i] ? [] : [`\x1b[${i + 1};1H${row}`]);
    this.#drawn = rows;
    // without the cursor, and without wrapping at the last column, which would scroll
    if (changed.length > 0) {
      write(this.#screens, `\x1b[?25l\x1b[?7l${isWhole ? "\x1b[0m" : ""}${changed.join("")}\x1b[?7h`);
    }
  }

  /** The state and the name stay in sight; the question stands below. */
  #pictureAbove(): void {
    this.#leavePicture();
    const rows = this.#rows("waiting").slice(0, HEAD_ROWS);
    const lines = this.#lines.slice(-8).map((line) => `${line}\n`).join("");
    write(
      this.#screens,
      `${rows.map((row, i) => `\x1b[${i + 1};1H${row}`).join("")}\x1b[${HEAD_ROWS + 1};1H${lines}`,
    );
  }

  #rows(state: ScreenState): string[] {
    const elapsedMs = this.#nowMs() - this.#beganMs;
    return screenRows({ ...this.#facts, state, elapsedMs, lines: this.#lines, code: this.#code }, this.#size);
  }

  #leavePicture(): void {
    this.#drawn = [];
    write(this.#screens, "\x1b[0m\x1b[2J\x1b[H\x1b[?25h");
  }
}

function write(terminals: readonly Terminal[], text: string): void {
  for (const terminal of terminals) terminal.write(text);
}

function byClock(work: () => void, ms: number): void {
  Deno.unrefTimer(setInterval(work, ms));
}
