/** A child process whose lines of output are awaited. */
export class Program {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #argv: readonly string[];
  #rest = "";

  constructor(argv: readonly string[], signal: AbortSignal) {
    const [program = "", ...args] = argv;
    this.#argv = argv;
    this.#child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      signal,
    })
      .spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Reads on until a line matches; a program that never says it is stopped. */
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
      if (done) throw new Error(`${this.#argv.join(" ")} ended too early`);
      this.#rest += value;
    }
  }

  #killAfter(timeoutMs: number): Disposable {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  async go(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    writer.releaseLock();
  }

  /** User and system time so far, with start-up (proc(5), stat fields 14 and 15; 100 ticks a second). */
  cpuSeconds(): number {
    const stat = Deno.readTextFileSync(`/proc/${this.#child.pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async stop(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#lines.cancel();
    await this.#child.stdin.close();
    await this.#child.status;
  }
}
