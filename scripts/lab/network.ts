/**
 * The lab's own broadcast domain: a network namespace with a bridge, which has the image server's address and a tap
 * for every virtual machine. Nothing in it reaches the host's network.
 */
import { z } from "zod";
import { run } from "./command.ts";

/** ip-link(8), -statistics -json */
const LinkStatistics = z.tuple([
  z.object({ stats64: z.object({ tx: z.object({ bytes: z.int(), packets: z.int() }) }) }),
]);
/** Ethernet, IPv4, and TCP with timestamps (RFC 7323). */
const HEADER_BYTES = 14 + 20 + 32;

export class LabNetwork implements AsyncDisposable {
  readonly namespace: string;
  readonly bridge = "br0";
  readonly #stack = new AsyncDisposableStack();
  #taps = 0;

  private constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** Creates the namespace, with `address` (CIDR) on its bridge. Its name contains the pid, so that runs do not clash. */
  static async create({ address }: { readonly address: string }): Promise<LabNetwork> {
    const network = new LabNetwork(`rackseed-lab-${Deno.pid}-${serial++}`);
    await run(["ip", "netns", "add", network.namespace]);
    // Bridge and taps are removed with the namespace.
    network.#stack.defer(async () => void (await run(["ip", "netns", "del", network.namespace])));
    try {
      await network.#ip("link", "set", "lo", "up");
      await network.#ip("link", "add", network.bridge, "type", "bridge");
      // IPv6: nobody else is there to have it
      const nodad = address.includes(":") ? ["nodad"] : [];
      await network.#ip("addr", "add", address, "dev", network.bridge, ...nodad);
      await network.#ip("link", "set", network.bridge, "up");
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  /** The bridge's MAC address. */
  async mac(): Promise<string> {
    const { stdout } = await run(["ip", "-n", this.namespace, "-o", "link", "show", this.bridge]);
    return /link\/ether (\S+)/.exec(stdout)?.[1] ?? "";
  }

  /** Adds a tap to the bridge, for one virtual machine. */
  async addTap(): Promise<string> {
    const tap = `tap${this.#taps++}`;
    await this.#ip("tuntap", "add", tap, "mode", "tap");
    await this.#ip("link", "set", tap, "master", this.bridge);
    await this.#ip("link", "set", tap, "up");
    return tap;
  }

  /** Adds a second network, in which only the image server is: `address` is its (CIDR). */
  async addServerNetwork(name: string, { address }: { readonly address: string }): Promise<void> {
    await this.#ip("link", "add", name, "type", "bridge");
    await this.#ip("addr", "add", address, "dev", name);
    await this.#ip("link", "set", name, "up");
  }

  /** From here on, something in the namespace can listen at this address. */
  async addAddress(address: string): Promise<void> {
    await this.#ip("addr", "add", `${address}/32`, "dev", "lo");
  }

  /** Bytes sent to the machine behind a tap so far, without Ethernet, IPv4 and TCP headers. */
  async sentTo(tap: string): Promise<number> {
    const { stdout } = await run(["ip", "-n", this.namespace, "-j", "-s", "link", "show", tap]);
    const { bytes, packets } = LinkStatistics.parse(JSON.parse(stdout))[0].stats64.tx;
    return bytes - packets * HEADER_BYTES;
  }

  /**
   * The command line that runs `argv` in the namespace. nsenter execs it, so that the child's pid is the program's.
   * Unlike `ip netns exec` it does not copy the mounts, which would keep file systems mounted after our umount.
   */
  inside(argv: readonly string[]): string[] {
    return ["nsenter", `--net=/run/netns/${this.namespace}`, ...argv];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #ip(...args: string[]): Promise<void> {
    await run(["ip", "-n", this.namespace, ...args]);
  }
}

let serial = 0;
