/** What a machine's serial console or a program prints: kept in a log, and waited on. */
import { lastLines } from "./command.ts";
import { withTimeout } from "./timeout.ts";

/** Plain words, or an expression. */
type Pattern = string | RegExp;

interface Waiter {
  readonly pattern: Pattern;
  readonly resolve: (match: string) => void;
  readonly reject: (reason: Error) => void;
}

export class Transcript {
  /** Fulfilled when nothing more will come and the log is complete. */
  readonly closed: Promise<void>;
  /** Rejects when what was named `fatal` is printed; never fulfilled. */
  readonly failed: Promise<never>;
  readonly #name: string;
  readonly #signal: AbortSignal | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #onText: (text: string) => void;
  #text = "";
  #ended = false;

  /** @param log a file that the output is appended to. */
  constructor(
    output: ReadableStream<Uint8Array>,
    { name, log, fatal, signal }: {
      readonly name: string;
      readonly log: string;
      /** After this nothing that is waited for can come. */
      readonly fatal?: string;
      readonly signal?: AbortSignal | undefined;
    },
  ) {
    this.#name = name;
    this.#signal = signal;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {}); // whoever waits is told
    this.#onText = (text) => {
      if (fatal !== undefined && text.includes(fatal)) reject(new Error(`${name} says "${fatal}"`));
    };
    this.closed = this.#read(output, log);
  }

  /** Resolves with what was found as soon as all that was printed so far contains `pattern`. */
  async expect(pattern: Pattern, { timeoutMs }: { readonly timeoutMs: number }): Promise<string> {
    const found = find(pattern, this.#text);
    if (found !== undefined) return found;
    if (this.#ended) throw this.#failure(pattern);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const waiter: Waiter = { pattern, resolve, reject };
    this.#waiters.add(waiter);
    try {
      return await withTimeout(Promise.race([promise, this.failed]), {
        timeoutMs,
        what: `"${pattern}" on ${this.#name}`,
        signal: this.#signal,
      });
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** Its last lines, without the sequences that only a terminal understands. */
  tail(lines = 30): string {
    return `--- end of ${this.#name}\n${lastLines(printable(this.#text.slice(-20_000)), lines)}`;
  }

  async #read(output: ReadableStream<Uint8Array>, log: string): Promise<void> {
    using file = await Deno.open(log, { append: true, create: true });
    const decoder = new TextDecoder();
    for await (const chunk of output) {
      await file.write(chunk);
      this.#text += decoder.decode(chunk, { stream: true });
      this.#onText(this.#text);
      for (const { pattern, resolve } of this.#waiters) {
        const match = find(pattern, this.#text);
        if (match !== undefined) resolve(match);
      }
    }
    this.#ended = true;
    for (const { pattern, reject } of this.#waiters) reject(this.#failure(pattern));
  }

  #failure(pattern: Pattern): Error {
    return new Error(`${this.#name} ended without "${pattern}"`);
  }
}

function find(pattern: Pattern, text: string): string | undefined {
  if (typeof pattern === "string") return text.includes(pattern) ? pattern : undefined;
  return pattern.exec(text)?.[0];
}

/** Firmware and boot loaders draw with escape sequences (ECMA-48 §5.4); a person wants the words. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1bc|\r/g, "").replace(/\n{3,}/g, "\n\n");
}
