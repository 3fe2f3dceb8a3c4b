/** The last lines of the log, for the report of a failure: steps, and commands with their errors. */
import { messageOf } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";

const MAX_LINES = 200;
const MAX_LINE = 1000;
/** Lines that one report takes along. */
const MAX_SENT = 100;

export class LogTail {
  readonly #lines: string[] = [];
  /** Number of lines at the end that no report has taken along. */
  #unsent = 0;

  add(text: string): void {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    for (const line of lines) this.#lines.push(line.slice(0, MAX_LINE));
    this.#unsent = Math.min(this.#unsent + lines.length, MAX_LINES);
    if (this.#lines.length > MAX_LINES) this.#lines.splice(0, this.#lines.length - MAX_LINES);
  }

  lines(): string[] {
    return [...this.#lines];
  }

  /** The lines that no report has taken along yet; call `sent` with their number once they have arrived. */
  unsent(): string[] {
    const from = this.#lines.length - this.#unsent;
    return this.#lines.slice(from, from + MAX_SENT);
  }

  sent(count: number): void {
    this.#unsent = Math.max(0, this.#unsent - count);
  }

  /** The same runner, logging each command and its errors. */
  recording(run: Run): Run {
    return async (argv, options) => {
      this.add(`$ ${options?.root === undefined ? "" : "(clone) "}${argv.join(" ")}`);
      try {
        const result = await run(argv, options);
        this.add(result.stderr);
        return result;
      } catch (error) {
        this.add(messageOf(error));
        throw error;
      }
    };
  }
}
