import { link, NetworkNamespace } from "../../test/support/netns.ts";

/** The interface names of the narrow link, at either bridge. */
const BETWEEN = "between";

export interface LinkLabOptions {
  readonly count: number;
  /** Limits every machine's link, in both directions (tc tbf). */
  readonly rateMbit?: number;
  /** Machines from this index on are at a second bridge, behind a narrow link. */
  readonly secondRack?: { readonly from: number; readonly betweenMbit: number };
}

/** A bridge with machines, each a network namespace on its own link; or two such racks. Needs root. */
export class LinkLab implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #machines: NetworkNamespace[] = [];
  readonly #bridges: NetworkNamespace[] = [];
  readonly #secondRackFrom: number;

  private constructor({ secondRack }: LinkLabOptions) {
    this.#secondRackFrom = secondRack?.from ?? Infinity;
  }

  static async make(name: string, options: LinkLabOptions): Promise<LinkLab> {
    const lab = new LinkLab(options);
    try {
      await lab.#build(name, options);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  async #build(name: string, { count, rateMbit, secondRack }: LinkLabOptions): Promise<void> {
    for (const rack of secondRack ? ["a", "b"] : ["a"]) {
      const bridge = this.#stack.use(await NetworkNamespace.create(`${name}-br-${rack}`));
      await bridge.addBridge("br0");
      this.#bridges.push(bridge);
    }
    if (secondRack) await this.#joinRacks(secondRack.betweenMbit);
    for (let index = 0; index < count; index++) {
      const machine = this.#stack.use(await NetworkNamespace.create(`${name}-${index}`));
      this.#machines.push(machine);
      const bridge = this.#bridges[this.rack(index)] as NetworkNamespace;
      const address = `${this.address(index)}/16`;
      const port = `p${index}`;
      await link(
        { namespace: machine, interface: "eth0", address },
        { namespace: bridge, interface: port, bridge: "br0" },
      );
      if (rateMbit === undefined) continue;
      await limit(machine, { device: "eth0", rateMbit });
      await limit(bridge, { device: port, rateMbit });
    }
  }

  async #joinRacks(rateMbit: number): Promise<void> {
    const [a, b] = this.#bridges as [NetworkNamespace, NetworkNamespace];
    const end = (namespace: NetworkNamespace) => ({ namespace, interface: BETWEEN, bridge: "br0" });
    await link(end(a), end(b));
    for (const bridge of [a, b]) await limit(bridge, { device: BETWEEN, rateMbit });
  }

  /** 0 or 1. */
  rack(index: number): number {
    return index < this.#secondRackFrom ? 0 : 1;
  }

  /** One /16 for all, one /24 for each rack. */
  address(index: number): string {
    return `10.213.${this.rack(index)}.${index + 1}`;
  }

  /** The command line that runs a program on a machine. */
  on(index: number, argv: readonly string[]): string[] {
    return this.#machine(index).argv(argv).flat();
  }

  /** Takes the machine's link down, as if it had lost its power, or up again: nothing is sent, not even a reset. */
  async setLink(index: number, state: "up" | "down"): Promise<void> {
    await this.#machine(index).ip(["link", "set", "eth0", state]);
  }

  /** Bytes that the machine has sent on its link, including headers. */
  async sentBytes(index: number): Promise<number> {
    return (await traffic(this.#machine(index), "eth0")).sent;
  }

  /** Bytes sent between the racks in both directions, including headers; 0 with a single rack. */
  async crossedBytes(): Promise<number> {
    if (this.#bridges.length < 2) return 0;
    const { sent, received } = await traffic(this.#bridges[0] as NetworkNamespace, BETWEEN);
    return sent + received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #machine(index: number): NetworkNamespace {
    const machine = this.#machines[index];
    if (!machine) throw new RangeError(`the lab has no machine ${index}`);
    return machine;
  }
}

async function traffic(
  namespace: NetworkNamespace,
  device: string,
): Promise<{ sent: number; received: number }> {
  const [{ stats64 }] = JSON.parse(await namespace.ip(["-s", "-j", "link", "show", device]));
  return { sent: stats64.tx.bytes, received: stats64.rx.bytes };
}

async function limit(
  namespace: NetworkNamespace,
  { device, rateMbit }: { device: string; rateMbit: number },
): Promise<void> {
  const shape = ["rate", `${rateMbit}mbit`, "burst", "256kb", "latency", "50ms"];
  const { code, stderr } = await namespace.run([
    "tc",
    "qdisc",
    "add",
    "dev",
    device,
    "root",
    "tbf",
    ...shape,
  ]);
  if (code !== 0) throw new Error(`tc exited ${code}: ${stderr}`);
}
