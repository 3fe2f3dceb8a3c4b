/** The output of a serial console or program, which is logged and can be awaited. */
import { lastLines } from "./command.ts";
import { withTimeout } from "./timeout.ts";

/** Plain text, or a regular expression. */
type Pattern = string | RegExp;

interface Waiter {
  readonly pattern: Pattern;
  readonly resolve: (match: string) => void;
  readonly reject: (reason: Error) => void;
}

export class Transcript {
  /** Resolves once the output has ended and the log is complete. */
  readonly closed: Promise<void>;
  /** Rejects when the `fatal` text is printed; never resolves. */
  readonly failed: Promise<never>;
  readonly #name: string;
  readonly #signal: AbortSignal | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #onText: (text: string) => void;
  #text = "";
  #ended = false;

  /** @param log the file to append the output to */
  constructor(
    output: ReadableStream<Uint8Array>,
    { name, log, fatal, signal }: {
      readonly name: string;
      readonly log: string;
      /** After this text, nothing that is awaited can come. */
      readonly fatal?: string;
      readonly signal?: AbortSignal | undefined;
    },
  ) {
    this.#name = name;
    this.#signal = signal;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {}); // callers that wait get the error
    this.#onText = (text) => {
      if (fatal !== undefined && text.includes(fatal)) reject(new Error(`${name} says "${fatal}"`));
    };
    this.closed = this.#read(output, log);
  }

  /** Resolves with the match as soon as the output so far contains `pattern`. */
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

  /** The last lines, without terminal escape sequences. */
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

/** Removes the escape sequences with which firmware and boot loaders draw (ECMA-48 §5.4). */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1bc|\r/g, "").replace(/\n{3,}/g, "\n\n");
}
