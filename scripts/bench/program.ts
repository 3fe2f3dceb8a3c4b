import { cpuSecondsOf, memoryBytesOf, processTree } from "./process_cost.ts";

/** A child process whose output can be awaited line by line. It is killed with its descendants if `signal` aborts. */
export class Program {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #argv: readonly string[];
  readonly #signal: AbortSignal;
  #rest = "";
  #end: string | undefined;

  constructor(argv: readonly string[], signal: AbortSignal) {
    const [program = "", ...args] = argv;
    this.#argv = argv;
    this.#signal = signal;
    this.#child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#child.status.then(() => this.#end ??= "ended too early");
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    signal.addEventListener("abort", this.#abort);
    if (signal.aborted) this.#abort();
  }

  /** Reads until a line matches; stops the program if none does in time. */
  async line(matches: (line: string) => boolean, timeoutMs = 300_000): Promise<string> {
    using _deadline = this.#killAfter(timeoutMs);
    for (;;) {
      // A carriage return ends a line too: transmission's progress.
      const end = this.#rest.search(/[\r\n]/);
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        if (matches(line)) return line;
        continue;
      }
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`${this.#argv.join(" ")} ${this.#end ?? "ended too early"}`);
      this.#rest += value;
    }
  }

  /** Reads and discards, so that a talkative program does not block. */
  drain(): void {
    const read = async () => {
      while (!(await this.#lines.read()).done);
    };
    // The program's end may interrupt the read.
    read().catch(() => {});
  }

  async go(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    writer.releaseLock();
  }

  /** User and system time so far, including start-up and descendants. */
  cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid);
  }

  memoryBytes(): number {
    return memoryBytesOf(this.#child.pid);
  }

  async stop(): Promise<void> {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#kill("was stopped");
    await this.#lines.cancel();
    // A broken pipe cannot be closed.
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
  }

  readonly #abort = () => this.#kill("was interrupted");

  /** Also kills descendants: a server's workers would hold its port, and a shell's program our end of the pipe. */
  #kill(why: string): void {
    if (this.#end !== undefined) return;
    this.#end = why;
    for (const pid of processTree(this.#child.pid)) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has already ended.
      }
    }
  }

  #killAfter(timeoutMs: number): Disposable {
    const timer = setTimeout(() => this.#kill(`did not get there in ${timeoutMs / 1000} s`), timeoutMs);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }
}
