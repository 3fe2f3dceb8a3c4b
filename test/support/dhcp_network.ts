/**
 * A separate network with a DHCP server: a bridge in the server's namespace, into which `client` plugs clients.
 * Disposing of the network removes everything.
 */
import assert from "node:assert/strict";
import type { DhcpServiceOptions, LogLine } from "./dhcp_service.ts";
import { link, NetworkNamespace } from "./netns.ts";

export const SERVER = "10.77.0.1";

const NETWORK = {
  interface: "lan",
  address: SERVER,
  netmask: "255.255.255.0",
  range: { first: "10.77.0.100", last: "10.77.0.119" },
  gateway: SERVER,
  dns: [SERVER],
  leaseSeconds: 600,
};

/** The service's options that a test changes; addresses are plain text. */
type NetworkOptions = Partial<Record<keyof DhcpServiceOptions, unknown>>;

export class DhcpNetwork implements AsyncDisposable {
  readonly server: NetworkNamespace;
  readonly #clients: NetworkNamespace[] = [];
  #service: Deno.ChildProcess | undefined;
  #log: AsyncIterator<LogLine> | undefined;

  private constructor(server: NetworkNamespace) {
    this.server = server;
  }

  /** The network without its service; the server's namespace has the bridge `lan` with 10.77.0.1/24. */
  static async create(): Promise<DhcpNetwork> {
    const server = await NetworkNamespace.create("netboot-dhcp");
    await server.addBridge(NETWORK.interface, `${SERVER}/24`);
    return new DhcpNetwork(server);
  }

  /** Starts the service and waits until it is ready. */
  async serve(options: NetworkOptions = {}): Promise<void> {
    this.#service = this.server.spawn(serviceCommand(options));
    this.#log = lines(this.#service.stdout);
    await this.logged("ready");
  }

  /** The service's process stands still until `resume`. */
  pause(): void {
    this.#service?.kill("SIGSTOP");
  }

  resume(): void {
    this.#service?.kill("SIGCONT");
  }

  /** Adds a machine to the network, or to another bridge of the server. Its interface `lan` has no address. */
  async client(bridge = NETWORK.interface): Promise<NetworkNamespace> {
    const number = this.#clients.length;
    const client = await NetworkNamespace.create(`netboot-dhcp-c${number}`);
    this.#clients.push(client);
    await link({ namespace: client, interface: "lan" }, {
      namespace: this.server,
      interface: `port${number}`,
      bridge,
    });
    return client;
  }

  /** The next line of the service's log with this event. */
  async logged(event: string): Promise<LogLine> {
    for (;;) {
      const line = await this.log();
      if (line.event === event) return line;
    }
  }

  /** The next line of the service's log. */
  async log(): Promise<LogLine> {
    assert.ok(this.#log, "the service was not started");
    const { value, done } = await this.#log.next();
    assert.ok(!done, "the service has ended");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of [...this.#clients, this.server]) await namespace[Symbol.asyncDispose]();
    // Drains the rest of the service's output.
    while (this.#log && !(await this.#log.next()).done);
    await this.#service?.status;
  }
}

/** The command line of the DHCP service, with the test network's options unless given. */
export function serviceCommand(options: NetworkOptions = {}): string[] {
  return denoScript("dhcp_service.ts", JSON.stringify({ ...NETWORK, ...options }));
}

/** The command line of a program in this folder. */
export function denoScript(name: string, ...args: string[]): string[] {
  const path = new URL(name, import.meta.url).pathname;
  return [Deno.execPath(), "run", "-A", "--no-check", path, ...args];
}

/** The MAC of the interface `lan`. */
export async function macOf(namespace: NetworkNamespace): Promise<string> {
  const found = /link\/ether (\S+)/.exec(await namespace.ip(["-o", "link", "show", "lan"]))?.[1];
  assert.ok(found);
  return found;
}

/** The lines of the log. They are read even if no test waits for them, because a full pipe would stop the service. */
function lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncIterator<LogLine> {
  let rest = "";
  const split = new TransformStream<string, LogLine>(
    {
      transform(text, controller) {
        const parts = (rest + text).split("\n");
        rest = parts.pop() ?? "";
        for (const part of parts) controller.enqueue(JSON.parse(part));
      },
    },
    undefined,
    { highWaterMark: Infinity },
  );
  return stream.pipeThrough(new TextDecoderStream()).pipeThrough(split)[Symbol.asyncIterator]();
}
