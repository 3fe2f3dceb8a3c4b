/** The last lines of the log, for the report of a failure: steps, and commands with their errors. */
import { messageOf } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";

const MAX_LINES = 200;
const MAX_LINE = 1000;

export class LogTail {
  readonly #lines: string[] = [];

  add(text: string): void {
    for (const line of text.split("\n")) if (line.trim() !== "") this.#lines.push(line.slice(0, MAX_LINE));
    if (this.#lines.length > MAX_LINES) this.#lines.splice(0, this.#lines.length - MAX_LINES);
  }

  lines(): string[] {
    return [...this.#lines];
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
