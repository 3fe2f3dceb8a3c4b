/** proxyDHCP beside each DHCP server of Debian, and behind a relay: what a client of each firmware is told. */
import assert from "node:assert/strict";
import { MESSAGE_TYPE, OPTION } from "../../boot/dhcp/options.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { bootServiceAddress, bootServiceReady } from "../support/boot_service.ts";
import { denoScript, macOf } from "../support/dhcp_network.ts";
import {
  FOREIGN_PROGRAMS,
  FOREIGN_SERVERS,
  type ForeignServer,
  startForeignServer,
} from "../support/foreign_dhcp.ts";
import { needs } from "../support/needs.ts";
import { link, NetworkNamespace } from "../support/netns.ts";
import type { PxeAnswer } from "../support/pxe_client.ts";

const FOREIGN = "10.78.0.2";
const RELAY = { nodes: "10.79.0.1", servers: "10.78.0.3" };

const text = (value: string) => [...new TextEncoder().encode(value)];
const firmware = (vendorClass: string, arch: number) => [
  [OPTION.vendorClass, text(vendorClass)],
  [OPTION.clientArchitecture, [0, arch]],
];
const UEFI = firmware("PXEClient:Arch:00007:UNDI:003016", 7);
const CLIENTS: [name: string, options: unknown[], proxy: Partial<PxeAnswer>][] = [
  ["BIOS", firmware("PXEClient:Arch:00000:UNDI:002001", 0), { file: "undionly.kpxe", hasMenu: true }],
  ["UEFI", UEFI, { file: "snponly.efi", hasMenu: false }],
  ["HTTP boot", firmware("HTTPClient:Arch:00016:UNDI:003016", 16), {
    file: `http://${bootServiceAddress}:8080/boot/snponly.efi`,
    vendorClass: "HTTPClient",
  }],
];

/** A bridge in the namespace of this server, with another machine that gives the addresses. */
class Site implements AsyncDisposable {
  readonly server: NetworkNamespace;
  readonly folder: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    server: NetworkNamespace,
    { folder, stack }: { folder: string; stack: AsyncDisposableStack },
  ) {
    this.server = server;
    this.folder = folder;
    this.#stack = stack;
  }

  /** `product`: the server to run; without it, the boot services alone. */
  static async create(foreign: ForeignServer, { product }: { product?: string } = {}): Promise<Site> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "proxy-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const server = stack.use(await NetworkNamespace.create("proxy"));
    await server.addBridge("lan", `${bootServiceAddress}/24`);
    const other = stack.use(await NetworkNamespace.create("proxy-foreign"));
    await link({ namespace: other, interface: "lan", address: `${FOREIGN}/24` }, {
      namespace: server,
      interface: "foreign",
      bridge: "lan",
    });
    for (const namespace of [server, other]) {
      await namespace.ip(["route", "add", "10.79.0.0/24", "via", RELAY.servers]);
    }
    const pools = [{ prefix: "10.78.0" }, { prefix: "10.79.0", router: RELAY.nodes }];
    stack.use(await startForeignServer(foreign, { namespace: other, interface: "lan", pools, folder }));
    const options = { interface: "lan", transport: "http", secureBoot: false, dhcp: "proxy", images: {} };
    const service = server.spawn(
      product === undefined
        ? denoScript("boot_service.ts", JSON.stringify(options))
        : [product, "server", "--data", `${folder}/data`, "--interface", "lan", "--dhcp", "proxy", "--json"],
    );
    const output = service.stdout.pipeThrough(new TextDecoderStream()).getReader();
    stack.defer(async () => {
      await output.cancel();
      await service.status;
    });
    stack.defer(() => service.kill("SIGKILL"));
    assert.match((await output.read()).value ?? "", product ? /"server":/ : new RegExp(bootServiceReady));
    return new Site(server, { folder, stack: stack.move() });
  }

  /** A machine on the same link, or behind a relay that forwards to both servers. */
  async machine({ behindRelay = false } = {}): Promise<NetworkNamespace> {
    const machine = this.#stack.use(await NetworkNamespace.create("proxy-machine"));
    const end = { namespace: machine, interface: "lan" };
    if (!behindRelay) {
      await link(end, { namespace: this.server, interface: "machine", bridge: "lan" });
      return machine;
    }
    const relay = this.#stack.use(await NetworkNamespace.create("proxy-relay"));
    await link(end, { namespace: relay, interface: "nodes", address: `${RELAY.nodes}/24` });
    const up = { namespace: relay, interface: "servers", address: `${RELAY.servers}/24` };
    await link(up, { namespace: this.server, interface: "relay", bridge: "lan" });
    await relay.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    const sides = ["-id", "nodes", "-iu", "servers", "-a"];
    const dhcrelay = relay.spawn(["dhcrelay", "-4", "-d", "-q", ...sides, FOREIGN, bootServiceAddress]);
    this.#stack.defer(async () => {
      await dhcrelay.stdout.cancel();
      await dhcrelay.status;
    });
    this.#stack.defer(() => dhcrelay.kill("SIGKILL"));
    return machine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** The answers to a client of this firmware: to its DISCOVER, or with an address of its own, from port 4011. */
async function answers(machine: NetworkNamespace, options: unknown[], own?: string): Promise<PxeAnswer[]> {
  const asked = own === undefined ? [] : [bootServiceAddress, own];
  const argv = denoScript("pxe_client.ts", "lan", await macOf(machine), JSON.stringify(options), ...asked);
  const { code, stdout, stderr } = await machine.run(argv);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** The offers of the other server (an address) and of this one (a boot file). */
function split(offers: readonly PxeAnswer[]): { address: PxeAnswer; boot: PxeAnswer } {
  const address = offers.find(({ serverId }) => serverId === FOREIGN);
  const boot = offers.find(({ serverId }) => serverId === bootServiceAddress);
  assert.ok(address && boot && offers.length === 2, JSON.stringify(offers));
  return { address, boot };
}

for (const foreign of FOREIGN_SERVERS) {
  Deno.test({
    name: `beside ${foreign}, a machine gets its address from there and its boot file from here`,
    ...needs({ root: true, programs: ["ip", "ss", "udhcpc", FOREIGN_PROGRAMS[foreign]] }),
    async fn() {
      await using site = await Site.create(foreign);
      const machine = await site.machine();
      for (const [name, options, expected] of CLIENTS) {
        const { address, boot } = split(await answers(machine, options));
        assert.match(address.yiaddr, /^10\.78\.0\.[5-9]\d$/, name);
        const common = { type: MESSAGE_TYPE.offer, yiaddr: "0.0.0.0", siaddr: bootServiceAddress };
        assert.partialDeepStrictEqual(boot, { vendorClass: "PXEClient", ...common, ...expected });
      }
      // a client of an operating system is offered nothing by the proxy, and gets its lease
      const once = ["-i", "lan", "-f", "-q", "-n", "-t", "5", "-T", "2", "-A", "1", "-s", "/bin/true"];
      const { code, stderr } = await machine.run(["udhcpc", ...once]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /lease of 10\.78\.0\.[5-9]\d obtained from 10\.78\.0\.2/);
      const [lease = ""] = /10\.78\.0\.[5-9]\d/.exec(stderr) ?? [];
      await machine.ip(["address", "add", `${lease}/24`, "dev", "lan"]);
      const [ack, ...rest] = await answers(machine, UEFI, lease);
      const file = { type: MESSAGE_TYPE.ack, yiaddr: "0.0.0.0", file: "snponly.efi" };
      assert.partialDeepStrictEqual([ack, ...rest], [file]);
    },
  });
}

Deno.test({
  name: "behind a relay that forwards to both servers, a machine gets both offers, and its file on port 4011",
  ...needs({ root: true, programs: ["ip", "ss", "dhcrelay", "kea-dhcp4"] }),
  async fn() {
    await using site = await Site.create("Kea");
    const machine = await site.machine({ behindRelay: true });
    const { address, boot } = split(await answers(machine, UEFI));
    assert.match(address.yiaddr, /^10\.79\.0\.[5-9]\d$/);
    assert.partialDeepStrictEqual(boot, {
      yiaddr: "0.0.0.0",
      siaddr: bootServiceAddress,
      file: "snponly.efi",
    });
    await machine.ip(["address", "add", `${address.yiaddr}/24`, "dev", "lan"]);
    await machine.ip(["route", "add", "default", "via", RELAY.nodes]);
    const [ack] = await answers(machine, UEFI, address.yiaddr);
    assert.partialDeepStrictEqual(ack, { type: MESSAGE_TYPE.ack, file: "snponly.efi" });
  },
});

Deno.test({
  name: "the product starts beside a DHCP server, lists the machine that boots, and knows a node by its MAC",
  ...needs({ root: true, programs: ["ip", "ss", "curl", "dnsmasq"] }),
  async fn() {
    const product = await ensureProduct();
    await using site = await Site.create("dnsmasq", { product });
    const machine = await site.machine();
    const mac = await macOf(machine);
    const token = (await Deno.readTextFile(`${site.folder}/data/token`)).trim();
    const run = async (...args: string[]) => {
      const at = ["--server", `https://${bootServiceAddress}:8443`, "--token", token];
      const { code, stdout, stderr } = await site.server.run([product, ...args, ...at]);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const { address, boot } = split(await answers(machine, UEFI));
    assert.equal(boot.file, "snponly.efi");
    const [seen, ...others] = JSON.parse(await run("machine", "list", "--json"));
    assert.deepEqual([seen.mac, seen.sighting.by, seen.sighting.firmware, others], [
      mac,
      ["dhcp"],
      "uefi",
      [],
    ]);
    // the node's own choice of boot program reaches its firmware, whatever address it has
    await run("node", "set", "n1", "--mac", mac, "--boot-program", "ipxe.efi");
    assert.equal(split(await answers(machine, UEFI)).boot.file, "ipxe.efi");
    await machine.ip(["address", "add", `${address.yiaddr}/24`, "dev", "lan"]);
    const script = `http://${bootServiceAddress}:8080/boot/ipxe/${mac.replaceAll(":", "-")}`;
    const { stdout } = await machine.run(["curl", "-s", script]);
    assert.match(stdout, /^#!ipxe/);
  },
});
