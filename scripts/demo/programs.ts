/** The product's processes in a demo: started with the server's address and token, ended together. */

interface ServerStatus {
  readonly server: string;
  readonly http: string;
}

interface StartOptions {
  /** Replaces the admin token. */
  readonly token?: string;
  /** Read its standard output instead of showing it. */
  readonly reads?: boolean;
  /** Hide its output, unless it fails. */
  readonly quiet?: boolean;
}

class Program {
  readonly child: Deno.ChildProcess;
  readonly #name: string;
  readonly #log: string;

  constructor(child: Deno.ChildProcess, { name, log }: { name: string; log: string }) {
    this.child = child;
    this.#name = name;
    this.#log = log;
  }

  /** Waits for success; throws with the end of its log if it fails. */
  async success(): Promise<void> {
    const { code } = await this.child.status;
    if (code === 0) return;
    const log = await Deno.readTextFile(this.#log).catch(() => "");
    throw new Error(`${this.#name} exited ${code}\n${log.split("\n").slice(-20).join("\n")}`);
  }

  /** The first JSON value that it prints; the rest is drained. */
  async firstJson(): Promise<unknown> {
    const reader = this.child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        await this.success();
        throw new Error(`${this.#name} printed no JSON`);
      }
      text += value;
      try {
        const json: unknown = JSON.parse(text);
        void drain(reader);
        return json;
      } catch {
        // not complete yet
      }
    }
  }
}

export class Programs implements AsyncDisposable {
  readonly #product: string;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #running: Program[] = [];
  #server: ServerStatus | undefined;
  #token = "";

  constructor(product: string, { folder, signal }: { folder: string; signal: AbortSignal }) {
    this.#product = product;
    this.#folder = folder;
    this.#signal = signal;
  }

  /** The link that logs in to the server's page. */
  get loginLink(): string {
    return `${this.#server?.server ?? ""}/?token=${this.#token}`;
  }

  /** Starts the server on loopback, on free ports. */
  async startServer(): Promise<ServerStatus> {
    const data = `${this.#folder}/data`;
    const server = this.start([
      ...["server", "--data", data, "--listen", "127.0.0.1:0", "--http-port", "0", "--peer-port", "0"],
      ...["--tracker-port", "0", "--tftp-port", "off", "--rsync-port", "0", "--json"],
    ], { reads: true, quiet: true });
    this.#server = await server.firstJson() as ServerStatus;
    this.#token = (await Deno.readTextFile(`${data}/token`)).trim();
    return this.#server;
  }

  start(
    args: readonly string[],
    { token = this.#token, reads = false, quiet = false }: StartOptions = {},
  ): Program {
    this.#signal.throwIfAborted();
    const name = `rackseed ${args.slice(0, 2).join(" ")}`;
    const log = `${this.#folder}/log-${this.#running.length}`;
    const script = quiet ? `exec "$0" "$@" 2> ${log}` : 'exec "$0" "$@"';
    const child = new Deno.Command("sh", {
      args: ["-c", script, this.#product, ...args],
      env: { RACKSEED_SERVER: this.#server?.server ?? "", RACKSEED_TOKEN: token },
      stdin: "null",
      stdout: reads ? "piped" : quiet ? "null" : "inherit",
      stderr: "inherit",
    }).spawn();
    const program = new Program(child, { name, log });
    this.#running.push(program);
    return program;
  }

  run(args: readonly string[]): Promise<void> {
    return this.start(args).success();
  }

  async json(args: readonly string[]): Promise<unknown[]> {
    const program = this.start(args, { reads: true });
    const json = await program.firstJson();
    await program.success();
    return json as unknown[];
  }

  /** Polls for at most half a minute. */
  async until<T>(what: string, ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<void> {
    for (const began = performance.now(); performance.now() - began < 30_000;) {
      if (holds(await ask())) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`waited 30 s for the ${what}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#running.reverse()) {
      try {
        child.kill("SIGTERM");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it has ended already
      }
      await child.status;
    }
  }
}

async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
}
