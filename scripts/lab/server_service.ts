/** The image server as its own `install-service` makes it: a unit of systemd, on a Debian in the lab's network. */
import { BackgroundProgram } from "./background_program.ts";
import { DebianContainer } from "./debian_container.ts";
import type { ServerProgram } from "./server_program.ts";
import type { Transcript } from "./transcript.ts";
import type { Workplace } from "./workplace.ts";

export const UNIT = "rackseed.service";
const PROGRAM = "/usr/local/bin/rackseed";
const DATA = "/var/lib/rackseed";

export class ServerService implements ServerProgram {
  readonly program: string;
  readonly data: string;
  readonly #container: DebianContainer;
  readonly #journal: BackgroundProgram;

  private constructor(container: DebianContainer, journal: BackgroundProgram) {
    this.#container = container;
    this.#journal = journal;
    this.program = container.root + PROGRAM;
    this.data = container.root + DATA;
  }

  /** Returns once systemd says that the service has started, which is when all of it listens. */
  static async start(lab: Workplace, { product }: { readonly product: string }): Promise<ServerService> {
    const prepare = (root: string) => Deno.copyFile(product, root + PROGRAM);
    const container = await DebianContainer.boot(lab, { name: "image-server", prepare });
    const read = ["journalctl", "--unit", UNIT, "--follow", "--lines=all", "--output=cat"];
    const journal = new BackgroundProgram(container.inside(read), {
      name: "the service's journal",
      log: `${lab.keep}/server.log`,
      signal: lab.signal,
    });
    lab.transcripts.push(journal.output);
    const service = new ServerService(container, journal);
    try {
      await service.#install(lab);
      return service;
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #install({ network, addresses }: Workplace): Promise<void> {
    await this.run(PROGRAM, "install-service");
    const settings = `interface: ${network.bridge}\ndhcp: server\nlisten: ${addresses.server}:8443\n`;
    await Deno.writeTextFile(`${this.#container.root}/etc/rackseed/server.yaml`, settings, { append: true });
    await this.systemctl("start", UNIT);
  }

  get output(): Transcript {
    return this.#journal.output;
  }

  async systemctl(...args: string[]): Promise<string> {
    return await this.run("systemctl", ...args);
  }

  /** A property of the unit, as systemd has it in force. */
  async property(name: string): Promise<string> {
    return await this.systemctl("show", "--property", name, "--value", UNIT);
  }

  /** Runs a program on the server's machine, as root; returns its output. */
  async run(...argv: string[]): Promise<string> {
    return await this.#container.run(...argv);
  }

  /** The text of a file on the server's machine. */
  async read(path: string): Promise<string> {
    return await Deno.readTextFile(this.#container.root + path);
  }

  /** Puts this product in the place of the one that runs, which keeps its file until it ends. */
  async replace(product: string): Promise<void> {
    await Deno.copyFile(product, `${this.program}.new`);
    await Deno.rename(`${this.program}.new`, this.program);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // on a busy machine, this may last longer than a container has for its end
    await this.systemctl("stop", UNIT).catch(() => {});
    // journalctl ends with the container: nsenter, which is what the lab can end, is only its parent
    await this.#container[Symbol.asyncDispose]();
    await this.#journal[Symbol.asyncDispose]();
  }
}
