/** Machines of Debian's own clients appear at the product's server: DHCP, then TFTP; in network namespaces. */
import assert from "node:assert/strict";
import { ensureProduct } from "../../scripts/build.ts";
import type { MachineView } from "#contract/api.ts";
import { macOf } from "../support/dhcp_network.ts";
import { needs } from "../support/needs.ts";
import { link, NetworkNamespace } from "../support/netns.ts";
import { waitFor } from "../support/wait_for.ts";

const SERVER = "10.77.0.1";

/** The product's server on a bridge in a namespace, and machines that are plugged into it. */
class Site implements AsyncDisposable {
  readonly folder: string;
  readonly server: NetworkNamespace;
  readonly #product: string;
  readonly #machines: NetworkNamespace[] = [];
  #process: Deno.ChildProcess | undefined;

  private constructor(folder: string, { server, product }: { server: NetworkNamespace; product: string }) {
    this.folder = folder;
    this.server = server;
    this.#product = product;
  }

  /** `mtu`: of the server's interface. */
  static async create(options: readonly string[] = [], { mtu = 1500 } = {}): Promise<Site> {
    const product = await ensureProduct();
    const server = await NetworkNamespace.create("machines");
    await server.addBridge("lan", `${SERVER}/24`);
    await server.ip(["link", "set", "lan", "mtu", `${mtu}`]);
    const site = new Site(await Deno.makeTempDir({ prefix: "rackseed-machines-" }), { server, product });
    await site.start(options);
    return site;
  }

  async start(options: readonly string[] = []): Promise<void> {
    const data = ["--data", `${this.folder}/data`, "--listen", `${SERVER}:8443`];
    const dhcp = ["--interface", "lan", "--dhcp", "server", "--dhcp-range", "10.77.0.100-10.77.0.199"];
    this.#process = this.server.spawn([
      this.#product,
      "server",
      ...data,
      ...dhcp,
      "--dhcp-clients",
      "all",
      "--json",
      ...options,
    ]);
    const reader = this.#process.stdout.getReader();
    await reader.read();
    reader.releaseLock();
  }

  async stop(): Promise<void> {
    this.#process?.kill("SIGTERM");
    await this.#process?.stdout.cancel();
    await this.#process?.status;
  }

  async machine(): Promise<NetworkNamespace> {
    const number = this.#machines.length;
    const machine = await NetworkNamespace.create(`machines-${number}`);
    this.#machines.push(machine);
    await link({ namespace: machine, interface: "lan" }, {
      namespace: this.server,
      interface: `port${number}`,
      bridge: "lan",
    });
    return machine;
  }

  async list(): Promise<MachineView[]> {
    return JSON.parse(await this.run("machine", "list", "--json"));
  }

  async run(...args: string[]): Promise<string> {
    const token = (await Deno.readTextFile(`${this.folder}/data/token`)).trim();
    const connection = ["--server", `https://${SERVER}:8443`, "--token", token];
    const { code, stdout, stderr } = await this.server.run([this.#product, ...args, ...connection]);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const namespace of [...this.#machines, this.server]) await namespace[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Options of an UEFI ROM: vendor class, and architecture 7 (RFC 4578 §2.1). */
const PXE = ["-V", "PXEClient:Arch:00007:UNDI:003016", "-x", "0x5d:0007"];

async function asksForAddress(machine: NetworkNamespace, ...options: string[]): Promise<string> {
  const once = ["-i", "lan", "-f", "-q", "-n", "-t", "5", "-T", "2", "-A", "1", "-s", "/bin/true"];
  const { code, stderr } = await machine.run(["udhcpc", ...once, ...options]);
  assert.equal(code, 0, stderr);
  return /lease of (\S+) obtained/.exec(stderr)?.[1] ?? assert.fail(stderr);
}

Deno.test({
  name:
    "machines are listed by what they asked for, by which protocol, over a restart; and adopted by a rule",
  ...needs({ root: true, programs: ["ip", "dhclient", "udhcpc", "curl"] }),
  async fn() {
    await using site = await Site.create();
    const [rom, laptop] = [await site.machine(), await site.machine()];
    const [romMac, laptopMac] = [await macOf(rom), await macOf(laptop)];
    const address = await asksForAddress(rom, ...PXE);
    const files = ["-lf", `${site.folder}/leases`, "-pf", `${site.folder}/pid`, "-cf", "/dev/null"];
    const { code, stderr } = await laptop.run(["dhclient", "-1", "-sf", "/bin/true", ...files, "lan"]);
    assert.equal(code, 0, stderr);
    const byDhcp = await site.list();
    assert.deepEqual(byDhcp.map(({ mac }) => mac), [romMac, laptopMac]);
    const [first, second] = byDhcp.map(({ sighting }) => sighting);
    assert.deepEqual([first?.by, first?.boots, first?.firmware, first?.architecture, first?.appearances], [
      ["dhcp"],
      true,
      "uefi",
      "x86-64",
      1,
    ]);
    assert.deepEqual([second?.by, second?.boots, second?.firmware], [["dhcp"], undefined, undefined]);

    await rom.ip(["address", "add", `${address}/24`, "dev", "lan"]);
    const fetched = await rom.run(["curl", "-s", "-o", "/dev/null", `tftp://${SERVER}/snponly.efi`]);
    assert.equal(fetched.code, 0, fetched.stderr);
    await rom.run(["curl", "-s", `http://${SERVER}:8080/boot/ipxe/${romMac.replaceAll(":", "-")}`]);
    const known = await waitFor("all protocols", async () => {
      const machine = (await site.list()).find(({ mac }) => mac === romMac);
      return machine?.sighting.by.length === 3 && machine;
    });
    assert.deepEqual([known.sighting.by, known.address], [["dhcp", "tftp", "http"], address]);

    await site.stop();
    await site.start();
    assert.deepEqual((await site.list()).map(({ mac, sighting }) => [mac, sighting.by]), [
      [romMac, ["dhcp", "tftp", "http"]],
      [laptopMac, ["dhcp"]],
    ]);
    // only what asked to boot from the network
    assert.equal(
      await site.run("machine", "adopt", "--names", "node[01-99]"),
      `${romMac} is the node node01\n`,
    );
    assert.deepEqual((await site.list()).map(({ mac }) => mac), [laptopMac]);
  },
});

Deno.test({
  name:
    "with --boot-vlan firmware gets no iPXE; with --mtu a system that asks gets it, and firmware does not",
  ...needs({ root: true, programs: ["ip", "udhcpc", "curl"] }),
  async fn() {
    await using site = await Site.create(["--boot-vlan", "20", "--mtu", "9000"], { mtu: 9000 });
    const machine = await site.machine(), script = `${site.folder}/script`;
    await Deno.writeTextFile(
      script,
      '#!/bin/sh\n[ "$1" != bound ] || echo "ip $ip, file $boot_file, MTU $mtu."\n',
      {
        mode: 0o755,
      },
    );
    const lease = async (...options: string[]) => {
      const once = [
        "-i",
        "lan",
        "-f",
        "-q",
        "-n",
        "-t",
        "5",
        "-T",
        "2",
        "-A",
        "1",
        "-s",
        script,
        "-O",
        "mtu",
      ];
      const { code, stdout, stderr } = await machine.run(["udhcpc", ...once, ...options]);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const said = await lease(...PXE);
    assert.match(said, /, file failsx64\.efi, MTU \.\n/);
    assert.match(await lease(), /, file , MTU 9000\.\n/);
    await machine.ip(["address", "add", `${/ip ([\d.]+)/.exec(said)?.[1]}/24`, "dev", "lan"]);
    const { stdout } = await machine.run(["curl", "-s", `tftp://${SERVER}/failsx64.efi`]);
    assert.match(stdout, /^MZ/);
  },
});
