/** The product's server in the lab's network, and its command line as an operator uses it. */
import { host } from "./addresses.ts";
import { BackgroundProgram } from "./background_program.ts";
import { run } from "./command.ts";
import type { ServerProgram } from "./server_program.ts";
import { ServerService } from "./server_service.ts";
import type { Transcript } from "./transcript.ts";
import { firstProduct, type Workplace } from "./workplace.ts";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

export class ProductServer implements AsyncDisposable {
  readonly url: string;
  /** The server as systemd runs it, with the option --service. */
  readonly service: ServerService | undefined;
  readonly #lab: Workplace;
  readonly #server: ServerProgram;
  #token = "";

  private constructor(lab: Workplace, server: ServerProgram) {
    this.#lab = lab;
    this.url = `https://${host(lab.addresses.server)}:8443`;
    this.#server = server;
    this.service = server instanceof ServerService ? server : undefined;
  }

  /** Starts the server, and waits until it prints its address. */
  static async start(
    lab: Workplace,
    { inTerminal = false, hasPrograms = false }: {
      /** As a person starts it, who is shown the set-up link. */
      readonly inTerminal?: boolean;
      /** It finds programs of this machine: rehearsals need QEMU. */
      readonly hasPrograms?: boolean;
    } = {},
  ): Promise<ProductServer> {
    const product = firstProduct(lab);
    const running = lab.service
      ? await ServerService.start(lab, { product })
      : await startProcess(lab, { product, inTerminal, env: hasPrograms ? { PATH } : {} });
    const server = new ProductServer(lab, running);
    try {
      await running.output.expect(server.url, { timeoutMs: 60_000 });
      server.#token = (await Deno.readTextFile(`${running.data}/token`)).trim();
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
    return this.#server.output;
  }

  /** Runs `rackseed ARGS…` with this server; returns the output. */
  async rackseed(...args: string[]): Promise<string> {
    return await this.#run(args, this.#environment);
  }

  /** The same for a command that runs programs of this machine. */
  async rackseedWithPrograms(...args: string[]): Promise<string> {
    return await this.#run(args, { ...this.#environment, PATH });
  }

  async #run(args: readonly string[], onlyEnv: Record<string, string>): Promise<string> {
    const { network, signal } = this.#lab;
    return (await run(network.inside([this.#server.program, ...args]), { onlyEnv, signal })).stdout;
  }

  /** The same for a command that runs in the background. */
  begin(...args: string[]): BackgroundProgram {
    const { network, signal, keep } = this.#lab;
    return new BackgroundProgram(network.inside([this.#server.program, ...args]), {
      name: `rackseed ${args.join(" ")}`,
      log: `${keep}/${args.slice(0, 2).join("-")}.log`,
      env: this.#environment,
      signal,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  /** The only thing that the product needs besides itself. */
  get #environment(): Record<string, string> {
    return { RACKSEED_SERVER: this.url, RACKSEED_TOKEN: this.token };
  }
}

/** The server as a process of the lab: just the product, in an empty folder. */
async function startProcess(
  { network, addresses, ipv6, folder: work, keep, signal, transcripts }: Workplace,
  { product, inTerminal, env }: {
    readonly product: string;
    readonly inTerminal: boolean;
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<ServerProgram> {
  const folder = `${work}/server`, program = `${folder}/rackseed`, data = `${folder}/data`;
  await Deno.mkdir(folder);
  await Deno.copyFile(product, program);
  const listen = ["--listen", `${host(addresses.server)}:8443`, "--interface", network.bridge];
  const dhcp = [ipv6 ? "--dhcp6" : "--dhcp", "server"];
  const serve = network.inside([program, "server", "--data", data, ...listen, ...dhcp]);
  // script(1) gives it a terminal, whose output is its own
  const argv = inTerminal
    ? ["script", "--quiet", "--return", "--command", `exec ${serve.join(" ")}`, "/dev/null"]
    : serve;
  const running = new BackgroundProgram(argv, { name: "the server", log: `${keep}/server.log`, env, signal });
  transcripts.push(running.output);
  return {
    program,
    data,
    output: running.output,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
