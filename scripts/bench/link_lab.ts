import { link, NetworkNamespace } from "../../test/support/netns.ts";

/** A bridge with machines on it, each a network namespace on a link of its own. Needs root. */
export class LinkLab implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #machines: NetworkNamespace[] = [];

  /** Makes `count` machines; `rateMbit` limits every link, in both directions, where it is given (tc tbf). */
  static async make(
    name: string,
    { count, rateMbit }: { count: number; rateMbit?: number },
  ): Promise<LinkLab> {
    const lab = new LinkLab();
    try {
      const bridge = lab.#stack.use(await NetworkNamespace.create(`${name}-br`));
      await bridge.addBridge("br0");
      for (let index = 0; index < count; index++) {
        const machine = lab.#stack.use(await NetworkNamespace.create(`${name}-${index}`));
        lab.#machines.push(machine);
        const address = `${lab.address(index)}/24`;
        const port = `p${index}`;
        await link(
          { namespace: machine, interface: "eth0", address },
          { namespace: bridge, interface: port, bridge: "br0" },
        );
        if (rateMbit === undefined) continue;
        for (const [namespace, device] of [[machine, "eth0"], [bridge, port]] as const) {
          await limit(namespace, device, rateMbit);
        }
      }
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  address(index: number): string {
    return `10.213.0.${index + 1}`;
  }

  /** The command line that runs a program on a machine. */
  on(index: number, argv: readonly string[]): string[] {
    return this.#machine(index).argv(argv).flat();
  }

  /** Bytes that the machine has sent on its link, headers and all. */
  async sentBytes(index: number): Promise<number> {
    const [eth0] = JSON.parse(await this.#machine(index).ip(["-s", "-j", "link", "show", "eth0"]));
    return eth0.stats64.tx.bytes;
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

async function limit(namespace: NetworkNamespace, device: string, rateMbit: number): Promise<void> {
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
