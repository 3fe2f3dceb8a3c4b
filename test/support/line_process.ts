/** A program that prints lines of JSON: the first one once it serves, later ones for what happens. Others are dropped. */

export class LineProcess implements AsyncDisposable {
  readonly first: Record<string, unknown>;
  /** The lines after the first one, so far. */
  readonly lines: Record<string, unknown>[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;

  private constructor(
    child: Deno.ChildProcess,
    { first, lines }: { first: Record<string, unknown>; lines: AsyncIterator<string> },
  ) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.first = first;
    this.#read = this.#collect(lines);
  }

  /** Its standard error goes to the test's. Throws if it ends before its first line. */
  static async start(program: string, args: readonly string[]): Promise<LineProcess> {
    const child = new Deno.Command(program, { args: [...args], stdin: "piped", stdout: "piped" }).spawn();
    const lines = linesOf(child.stdout);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${program} ended without a line`);
    return new LineProcess(child, { first: JSON.parse(value), lines });
  }

  async write(line: unknown): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    try {
      this.#child.kill();
    } catch {
      // it ended with its input
    }
    await this.#child.status;
    await this.#read;
  }

  async #collect(lines: AsyncIterator<string>): Promise<void> {
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      this.lines.push(JSON.parse(next.value));
    }
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line.startsWith("{"));
  }
}
