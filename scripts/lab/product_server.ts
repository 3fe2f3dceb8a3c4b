/** The product's server in the lab's network, and its command line as an operator uses it. */
import { BackgroundProgram } from "./background_program.ts";
import { run } from "./command.ts";
import type { Transcript } from "./transcript.ts";
import { serverAddress, type Workplace } from "./workplace.ts";

export class ProductServer implements AsyncDisposable {
  readonly url = `https://${serverAddress}:8443`;
  /** The path of the copy of the product that runs. */
  readonly program: string;
  readonly #lab: Workplace;
  readonly #process: BackgroundProgram;
  #token = "";

  private constructor(
    lab: Workplace,
    { program, folder }: { readonly program: string; readonly folder: string },
  ) {
    const { network, signal } = lab;
    this.#lab = lab;
    this.program = program;
    const listen = ["--listen", `${serverAddress}:8443`, "--interface", network.bridge, "--dhcp", "server"];
    const argv = network.inside([program, "server", "--data", `${folder}/data`, ...listen]);
    this.#process = new BackgroundProgram(argv, {
      name: "the server",
      log: `${lab.keep}/server.log`,
      signal,
    });
    lab.transcripts.push(this.#process.output);
  }

  /** Copies just the product into an empty folder, starts it, and waits until it prints its address. */
  static async start(lab: Workplace): Promise<ProductServer> {
    const folder = `${lab.folder}/server`;
    const program = `${folder}/rackseed`;
    await Deno.mkdir(folder);
    await Deno.copyFile(lab.product, program);
    const server = new ProductServer(lab, { program, folder });
    try {
      await server.#process.output.expect(server.url, { timeoutMs: 60_000 });
      server.#token = (await Deno.readTextFile(`${folder}/data/token`)).trim();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get token(): string {
    return this.#token;
  }

  get output(): Transcript {
    return this.#process.output;
  }

  /** Runs `rackseed ARGS…` with this server; returns the output. */
  async rackseed(...args: string[]): Promise<string> {
    return await this.#run(args, this.#environment);
  }

  /** The same for a command that runs programs of this machine. */
  async rackseedWithPrograms(...args: string[]): Promise<string> {
    return await this.#run(args, { ...this.#environment, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" });
  }

  async #run(args: readonly string[], onlyEnv: Record<string, string>): Promise<string> {
    const { network, signal } = this.#lab;
    return (await run(network.inside([this.program, ...args]), { onlyEnv, signal })).stdout;
  }

  /** The same for a command that runs in the background. */
  begin(...args: string[]): BackgroundProgram {
    const { network, signal, keep } = this.#lab;
    return new BackgroundProgram(network.inside([this.program, ...args]), {
      name: `rackseed ${args.join(" ")}`,
      log: `${keep}/${args.slice(0, 2).join("-")}.log`,
      env: this.#environment,
      signal,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }

  /** The only thing that the product needs besides itself. */
  get #environment(): Record<string, string> {
    return { RACKSEED_SERVER: this.url, RACKSEED_TOKEN: this.token };
  }
}
