/** The consoles of a machine: a line goes to each (screen and serial line), an answer may come from any. */
import type { Problem } from "#contract/errors.ts";
import { type Answer, Question } from "./question.ts";

/** What a screen that is read from across a room shows; everything in it is on some line, too. */
export interface ConsoleFacts {
  readonly node?: string | undefined;
  /** What is done with the node, in words. */
  readonly orderText?: string | undefined;
  /** "web@3" */
  readonly image?: string | undefined;
  readonly server?: string | undefined;
  /** Address of the node's page. */
  readonly page?: string | undefined;
  /** Its make and model, or its MAC. */
  readonly machine?: string | undefined;
  readonly step?: string | undefined;
  readonly message?: string | undefined;
  readonly transfer?: {
    readonly bytesDone: number;
    readonly bytesTotal: number;
    readonly bytesPerSecond: number;
    readonly peers: number;
  } | undefined;
  /** It has failed, and stays so. */
  readonly problem?: Problem | undefined;
  readonly isShellReady?: boolean | undefined;
  /** It is done, and restarts. */
  readonly isDone?: boolean | undefined;
}

export interface Console {
  /** Changes what the screen shows; absent: this console has none. */
  show?(change: ConsoleFacts): void;
  /** One line, kept. */
  line(text: string): void;
  /** One line that the next `progress` or `line` replaces. */
  progress(text: string): void;
  /** Resolves with the terminal on which a person pressed Enter; never resolves if none can be read. */
  enter(): Promise<Terminal>;
  /** Asks on every terminal at once; meanwhile only lines are shown. Without a person, the time limit answers. */
  ask(text: string, options: AskOptions): Promise<Answer>;
}

interface AskOptions {
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

export interface Terminal {
  /** "/dev/ttyS0" */
  readonly path: string;
  /** What was typed, as it comes; null at the end of input. */
  read(): Promise<Uint8Array | null>;
  /** Must not throw. */
  write(text: string): void;
  /** On: each byte as it is typed, without echo. Off: whole lines. Must not throw. */
  raw?(on: boolean): void;
}

interface Typed {
  readonly terminal: Terminal;
  readonly bytes: Uint8Array;
}

/** Input this early was typed before the question, or is line noise: it is no answer. */
const STALE_MS = 250;
const REDRAW_MS = 1000;

export class TerminalConsole implements Console {
  readonly #terminals: readonly Terminal[];
  /** Pending reads, one per terminal: a second one would swallow the first one's input. */
  readonly #reading = new Map<Terminal, Promise<Typed>>();
  #next: Promise<Typed> | undefined;
  #pending = false;
  #question: Question | undefined;
  #hasAsked = false;
  /** The last byte typed was CR: an LF after it belongs to the same Enter. */
  #afterCr = false;
  /** Typed after the last answer. */
  #ahead = "";

  constructor(terminals: readonly Terminal[]) {
    this.#terminals = terminals;
  }

  line(text: string): void {
    this.#write(`${this.#pending || this.#question ? "\r\x1b[K" : ""}${text}\n`);
    this.#pending = false;
    this.#redraw();
  }

  progress(text: string): void {
    if (this.#question) return;
    this.#write(`\r${text.slice(0, 79)}\x1b[K`);
    this.#pending = true;
  }

  async enter(): Promise<Terminal> {
    for (;;) {
      const { terminal, bytes } = await this.#typed();
      if (bytes.includes(10) || bytes.includes(13)) return terminal;
    }
  }

  async ask(text: string, { limitMs, signal }: AskOptions): Promise<Answer> {
    for (const terminal of this.#terminals) terminal.raw?.(true);
    try {
      // at later questions a person may type ahead
      while (!this.#hasAsked && await this.#typedWithin(STALE_MS)) signal.throwIfAborted();
      this.#hasAsked = true;
      const question = this.#question = new Question(text, { limitMs, nowMs: performance.now() });
      for (let typed = this.#ahead;;) {
        signal.throwIfAborted();
        const nowMs = performance.now();
        const answer = typed === "" ? question.tick(nowMs) : question.type(typed, nowMs);
        this.#ahead = question.rest;
        if (answer) return answer;
        this.#redraw();
        typed = this.#oneEnter(await this.#typedWithin(REDRAW_MS));
      }
    } finally {
      this.#redraw();
      if (this.#question) this.#write("\n");
      this.#question = undefined;
      for (const terminal of this.#terminals) terminal.raw?.(false);
    }
  }

  /** As text, one character per byte, each CR LF as one Enter. */
  #oneEnter(typed: Typed | undefined): string {
    if (!typed) return "";
    const text = String.fromCharCode(...typed.bytes);
    const rest = this.#afterCr && text.startsWith("\n") ? text.slice(1) : text;
    this.#afterCr = text.endsWith("\r");
    return rest.replaceAll("\r\n", "\r");
  }

  #redraw(): void {
    if (this.#question) this.#write(`\r${this.#question.line(performance.now())}\x1b[K`);
  }

  async #typedWithin(budgetMs: number): Promise<Typed | undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), budgetMs);
    try {
      return await Promise.race([this.#typed(), promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next input from any terminal; never settles if none can be read. */
  #typed(): Promise<Typed> {
    return this.#next ??= Promise.race(this.#terminals.map((terminal) => this.#read(terminal))).then(
      (typed) => {
        this.#reading.delete(typed.terminal);
        this.#next = undefined;
        return typed;
      },
    );
  }

  #read(terminal: Terminal): Promise<Typed> {
    const waiting = this.#reading.get(terminal);
    if (waiting) return waiting;
    const read = terminal.read().then((bytes) =>
      bytes === null ? new Promise<never>(() => {}) : { terminal, bytes }
    );
    this.#reading.set(terminal, read);
    return read;
  }

  #write(text: string): void {
    for (const terminal of this.#terminals) terminal.write(text);
  }
}

/** Console on the process's own terminal; into a file or a pipe it writes lines only. */
export function standardConsole(): Console {
  const terminal = new TerminalConsole([{
    path: "/dev/tty",
    read: () => readFrom(Deno.stdin),
    write: (text) => void Deno.stdout.writeSync(new TextEncoder().encode(text)),
  }]);
  if (Deno.stdout.isTerminal()) return terminal;
  return {
    line: (text) => terminal.line(text),
    progress: () => {},
    enter: () => terminal.enter(),
    ask: () => Promise.resolve({ by: "time" }),
  };
}

/**
 * Every terminal that the kernel itself prints to, so that a screen and a serial line both show it.
 * @param active /sys/class/tty/console/active: "tty0 ttyS0"
 */
export function kernelTerminals(active: string): Terminal[] {
  return active.trim().split(/\s+/).flatMap((name) => openTerminal(`/dev/${name}`));
}

/** Empty if the kernel names a console that does not exist. */
function openTerminal(path: string): Terminal[] {
  try {
    const output = Deno.openSync(path, { write: true });
    let input: Deno.FsFile | undefined;
    const opened = () => input ??= Deno.openSync(path);
    return [{
      path,
      read: () => readFrom(opened()),
      raw(on) {
        try {
          opened().setRaw(on);
        } catch {
          // then input comes in whole lines, which is good enough
        }
      },
      write(text) {
        try {
          output.writeSync(new TextEncoder().encode(text));
        } catch {
          // a terminal that was unplugged must not stop an installation
        }
      },
    }];
  } catch {
    return [];
  }
}

async function readFrom(
  input: { read(into: Uint8Array): Promise<number | null> },
): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(256);
  try {
    const got = await input.read(bytes);
    return got === null ? null : bytes.subarray(0, got);
  } catch {
    return null;
  }
}
