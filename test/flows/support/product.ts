/** The compiled product, run as its users run it: processes on loopback, in a folder of their own. */
import { ApiClient } from "#contract/client.ts";
import type { ServerEvent } from "#contract/api.ts";
import { ensureProduct } from "../../../scripts/build.ts";
import { serverEvents } from "../../../server/cli/events.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface ServerStatus {
  readonly server: string;
  readonly http: string;
  readonly ports: {
    readonly https: number;
    readonly site?: number;
    readonly http: number;
    readonly peer: number;
    readonly tracker: number;
    readonly rsync: number;
  };
}

export class Product implements AsyncDisposable {
  readonly path: string;
  readonly folder: string;
  readonly #children = new Set<Deno.ChildProcess>();
  #status: ServerStatus | undefined;
  #server: Deno.ChildProcess | undefined;
  #client: ApiClient | undefined;

  private constructor(path: string, folder: string) {
    this.path = path;
    this.folder = folder;
  }

  /** Builds the product if necessary; starts no server. */
  static async prepare(): Promise<Product> {
    return new Product(await ensureProduct(), await Deno.makeTempDir({ prefix: "rackseed-flow-" }));
  }

  /** A copy of this program, in the product's folder; starts no server. See `replace`. */
  static async copied(program: string): Promise<Product> {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-flow-" });
    const product = new Product(`${folder}/rackseed`, folder);
    await product.replace(program);
    return product;
  }

  /** Puts another program in the place of the copy. What runs keeps its file. */
  async replace(program: string): Promise<void> {
    await Deno.copyFile(program, `${this.path}.new`);
    await Deno.rename(`${this.path}.new`, this.path);
  }

  /** `settings`: further flags of the server. */
  static async withServer(settings: readonly string[] = []): Promise<Product> {
    const product = await Product.prepare();
    await product.startServer(settings);
    return product;
  }

  get status(): ServerStatus {
    if (!this.#status) throw new Error("no server was started");
    return this.#status;
  }

  get token(): string {
    return Deno.readTextFileSync(`${this.folder}/data/token`).trim();
  }

  get client(): ApiClient {
    if (!this.#client) throw new Error("no server was started");
    return this.#client;
  }

  /** Uses free ports the first time, and the same ones later. */
  async startServer(settings: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
    const { https = 0, http = 0, peer = 0, tracker = 0, rsync = 0 } = this.#status?.ports ?? {};
    const child = this.spawn([
      ...[
        "server",
        "--data",
        `${this.folder}/data`,
        "--listen",
        `127.0.0.1:${https}`,
        "--tftp-port",
        "off",
        "--json",
      ],
      ...["--http-port", `${http}`, "--peer-port", `${peer}`, "--tracker-port", `${tracker}`],
      ...["--rsync-port", `${rsync}`, ...settings],
    ], { stdout: "piped", env });
    this.#server = child;
    this.#status = JSON.parse(await firstLine(child.stdout)) as ServerStatus;
    this.#client ??= await ApiClient.connect({ server: this.#status.server, token: this.token });
  }

  /** Ends the server as `systemctl stop` does. */
  async stopServer(): Promise<void> {
    if (this.#server) await this.kill(this.#server, "SIGTERM");
  }

  /** Ends the server, by default as a power cut would. */
  async killServer(signal?: Deno.Signal): Promise<void> {
    if (this.#server) await this.kill(this.#server, signal);
  }

  async kill(child: Deno.ChildProcess, signal: Deno.Signal = "SIGKILL"): Promise<void> {
    try {
      child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await child.status;
    this.#children.delete(child);
  }

  /** Runs a command to its end, for at most a minute. */
  async run(args: readonly string[], env: Record<string, string> = this.#environment()): Promise<Ended> {
    const { code, stdout, stderr } = await new Deno.Command(this.path, {
      args: [...args],
      env,
      clearEnv: true,
      stdin: "null",
      cwd: this.folder,
      signal: AbortSignal.timeout(60_000),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Runs a command and returns its output; throws if its exit code is not 0. */
  async done(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`rackseed ${args.join(" ")} exited ${code}: ${stderr}`);
    return stdout;
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.done(...args, "--json")) as T;
  }

  /** Starts a command that runs until it is killed. Its messages go to log-… in the folder. */
  spawn(
    args: readonly string[],
    { token, stdout = "null", env = {} }: {
      token?: string;
      stdout?: "null" | "piped";
      env?: Record<string, string>;
    } = {},
  ): Deno.ChildProcess {
    const log = `${this.folder}/log-${args.slice(0, 2).join("-")}`;
    const child = new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" 2>> ${log}`, this.path, ...args],
      env: { ...this.#environment(), ...env, ...(token !== undefined && { RACKSEED_TOKEN: token }) },
      clearEnv: true,
      stdin: "null",
      stdout,
      stderr: "null",
    }).spawn();
    this.#children.add(child);
    return child;
  }

  /** Waits for an event that satisfies `holds`. The present state counts too. */
  async until(holds: (event: ServerEvent) => boolean, { timeoutMs = 60_000 } = {}): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    for await (const event of serverEvents(this.client, signal)) if (holds(event)) return;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.[Symbol.dispose]();
    for (const child of this.#children) await this.kill(child);
    await Deno.remove(this.folder, { recursive: true });
  }

  #environment(): Record<string, string> {
    return this.#status ? { RACKSEED_SERVER: this.#status.server, RACKSEED_TOKEN: this.token } : {};
  }
}

/** Returns the first line; the rest is read and discarded, so that the writer never blocks. */
async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the program ended too early: ${text}`);
    text += value;
  }
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return text.slice(0, text.indexOf("\n"));
}
