/** A program that runs in the background, and is ended at the latest when it goes out of scope. */
import { withTimeout } from "./timeout.ts";
import { Transcript } from "./transcript.ts";

interface BackgroundOptions {
  /** Its name in messages. */
  readonly name: string;
  /** The file to append its output to. */
  readonly log: string;
  /** Its complete environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export class BackgroundProgram implements AsyncDisposable {
  /** Standard output and standard error, in the order in which they were written. */
  readonly output: Transcript;
  /** Rejects if the program exits with a code other than 0. */
  readonly done: Promise<void>;
  readonly #name: string;
  readonly #process: Deno.ChildProcess;

  constructor(argv: readonly string[], { name, log, env = {}, signal }: BackgroundOptions) {
    this.#name = name;
    this.#process = new Deno.Command("/bin/sh", {
      args: ["-c", 'exec "$@" 2>&1', "sh", ...argv],
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.output = new Transcript(this.#process.stdout, { name, log, signal });
    this.done = this.#finish();
    this.done.catch(() => {}); // callers that wait for it get the error
    signal?.addEventListener("abort", () => this.#end("SIGTERM"), { once: true });
  }

  get pid(): number {
    return this.#process.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end("SIGTERM");
    try {
      await withTimeout(this.#process.status, { timeoutMs: 20_000, what: `${this.#name} to stop` });
    } catch {
      this.#end("SIGKILL");
      await this.#process.status;
    }
    await this.output.closed;
  }

  #end(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
  }

  async #finish(): Promise<void> {
    const { code } = await this.#process.status;
    await this.output.closed;
    if (code !== 0) throw new Error(`${this.#name}: exit ${code}\n${this.output.tail(10)}`);
  }
}
