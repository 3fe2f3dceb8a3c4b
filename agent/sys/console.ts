/** The consoles of a machine: a line goes to each (screen and serial line), an answer may come from any. */

export interface Console {
  /** One line, kept. */
  line(text: string): void;
  /** One line that the next `progress` or `line` replaces. */
  progress(text: string): void;
  /** Resolves with the terminal on which a person pressed Enter; never where nobody can. */
  enter(): Promise<Terminal>;
}

export interface Terminal {
  /** "/dev/ttyS0" */
  readonly path: string;
  /** What was typed, as it comes; null where there is no more. */
  read(): Promise<Uint8Array | null>;
  /** Must not throw. */
  write(text: string): void;
}

export class TerminalConsole implements Console {
  readonly #terminals: readonly Terminal[];
  /** Terminals that are being read: none twice at a time, or one of the readers would swallow the other's input. */
  readonly #reading = new Map<Terminal, Promise<Terminal>>();
  #pending = false;

  constructor(terminals: readonly Terminal[]) {
    this.#terminals = terminals;
  }

  line(text: string): void {
    this.#write(`${this.#pending ? "\r\x1b[K" : ""}${text}\n`);
    this.#pending = false;
  }

  progress(text: string): void {
    this.#write(`\r${text.slice(0, 79)}\x1b[K`);
    this.#pending = true;
  }

  async enter(): Promise<Terminal> {
    for (const terminal of this.#terminals) {
      if (!this.#reading.has(terminal)) this.#reading.set(terminal, enterOn(terminal));
    }
    const terminal = await Promise.race(this.#reading.values());
    this.#reading.delete(terminal);
    return terminal;
  }

  #write(text: string): void {
    for (const terminal of this.#terminals) terminal.write(text);
  }
}

async function enterOn(terminal: Terminal): Promise<Terminal> {
  for (let typed = await terminal.read(); typed !== null; typed = await terminal.read()) {
    if (typed.includes(10) || typed.includes(13)) return terminal;
  }
  return await new Promise<never>(() => {});
}

/** Console on the process's own terminal; in a file or a pipe only the lines that stay. */
export function standardConsole(): Console {
  const terminal = new TerminalConsole([{
    path: "/dev/tty",
    read: () => readFrom(Deno.stdin),
    write: (text) => void Deno.stdout.writeSync(new TextEncoder().encode(text)),
  }]);
  if (Deno.stdout.isTerminal()) return terminal;
  return { line: (text) => terminal.line(text), progress: () => {}, enter: () => terminal.enter() };
}

/**
 * Console on every terminal that the kernel itself prints to, so that a screen and a serial line both show it.
 * @param active /sys/class/tty/console/active: "tty0 ttyS0"
 */
export function kernelConsole(active: string): Console {
  const terminals = active.trim().split(/\s+/).flatMap((name) => openTerminal(`/dev/${name}`));
  return terminals.length > 0 ? new TerminalConsole(terminals) : standardConsole();
}

/** None where the kernel names a console that is not there. */
function openTerminal(path: string): Terminal[] {
  try {
    const output = Deno.openSync(path, { write: true });
    let input: Deno.FsFile | undefined;
    return [{
      path,
      read: () => readFrom(input ??= Deno.openSync(path)),
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
