/** Real DHCPv6 clients against the service, in a network without any IPv4. */
import assert from "node:assert/strict";
import { denoScript } from "../support/dhcp_network.ts";
import { needs } from "../support/needs.ts";
import { link, NetworkNamespace } from "../support/netns.ts";
import { waitFor } from "../support/wait_for.ts";

const SERVER = "fd00:77::1", MAC = "52:54:00:77:00:02", ADDRESS = "fd00:77::5054:ff:fe77:2";
const URL6 = `tftp://[${SERVER}]/snponly.efi`;

class Network implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly server: NetworkNamespace;
  readonly client: NetworkNamespace;

  private constructor(server: NetworkNamespace, client: NetworkNamespace) {
    this.server = this.#stack.use(server);
    this.client = this.#stack.use(client);
  }

  static async create(): Promise<Network> {
    const server = await NetworkNamespace.create("rs-dhcp6-server");
    const network = new Network(server, await NetworkNamespace.create("rs-dhcp6-client"));
    await link({ namespace: server, interface: "lan" }, { namespace: network.client, interface: "lan" });
    await server.ip(["address", "add", `${SERVER}/64`, "dev", "lan", "nodad"]);
    await network.client.ip(["link", "set", "lan", "down"]);
    await network.client.ip(["link", "set", "lan", "address", MAC]);
    await network.client.ip(["link", "set", "lan", "up"]);
    for (const namespace of [server, network.client]) {
      await waitFor("link-local addresses", async () => {
        const shown = await namespace.ip(["-6", "address", "show", "dev", "lan"]);
        return shown.includes("fe80::") && !shown.includes("tentative");
      });
    }
    return network;
  }

  /** Starts the service and waits until it is ready; returns its log. */
  async serve(more: Record<string, unknown> = {}): Promise<Log> {
    const mac = /link\/ether (\S+)/.exec(await this.server.ip(["-o", "link", "show", "lan"]))?.[1];
    const options = { interface: "lan", mac, address: SERVER, dns: [SERVER], ...more };
    const process = this.server.spawn(denoScript("dhcp6_service.ts", JSON.stringify(options)));
    const log = new Log(process.stdout);
    this.#stack.defer(async () => {
      process.kill("SIGKILL");
      await process.status;
      await log.read;
    });
    await waitFor("the service", () => Promise.resolve(log.events.includes("ready")));
    return log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

class Log {
  readonly events: string[] = [];
  readonly intents: string[] = [];
  readonly read: Promise<void>;

  constructor(output: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.read = this.#read(output);
  }

  async #read(output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of output.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const { event, intent } = JSON.parse(line);
        this.events.push(event);
        if (intent !== undefined) this.intents.push(intent);
      }
    }
  }
}

Deno.test({
  name:
    "dhclient -6 gets address, DNS server and boot file, renews and releases; stateless, it gets the rest",
  ...needs({ root: true, programs: ["ip", "dhclient"] }),
  async fn() {
    await using network = await Network.create();
    const log = await network.serve({ boot: { file: URL6 }, leaseSeconds: 4 });
    const folder = await Deno.makeTempDir({ prefix: "dhclient6-" });
    try {
      await Deno.writeTextFile(
        `${folder}/conf`,
        `option dhcp6.bootfile-url code 59 = text;\nalso request dhcp6.bootfile-url, dhcp6.name-servers;\n`,
      );
      const files = ["-lf", `${folder}/leases`, "-pf", `${folder}/pid`, "-cf", `${folder}/conf`];
      const dhclient = (...more: string[]) =>
        network.client.run(["dhclient", "-6", "-v", "-sf", `${folder}/script`, ...files, ...more, "lan"]);
      await Deno.writeTextFile(`${folder}/script`, `#!/bin/sh\nenv > ${folder}/given\n`, { mode: 0o755 });
      const { code, stderr } = await dhclient("-1");
      assert.equal(code, 0, stderr);
      const lease = () => Deno.readTextFile(`${folder}/leases`);
      assert.ok((await lease()).includes(`iaaddr ${ADDRESS} {`), await lease());
      for (const line of [`dhcp6.name-servers ${SERVER}`, `dhcp6.bootfile-url "${URL6}"`]) {
        assert.ok((await lease()).includes(`option ${line};`), `${line} in ${await lease()}`);
      }
      assert.deepEqual(log.intents, ["solicit", "request"]);
      // the client stays in the background and renews after half of the time
      await waitFor("the renewal", () => Promise.resolve(log.intents.includes("renew")), {
        timeoutMs: 60_000,
      });
      assert.equal((await dhclient("-r")).code, 0);
      await waitFor("the release", () => Promise.resolve(log.intents.includes("release")));

      const stateless = await dhclient("-S", "-1");
      assert.equal(stateless.code, 0, stateless.stderr);
      assert.equal(log.intents.at(-1), "informationRequest");
      const given = await Deno.readTextFile(`${folder}/given`);
      assert.ok(given.includes(`new_dhcp6_bootfile_url=${URL6}\n`), given);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name:
    "systemd-networkd learns of the server by its router advertisement, and reaches it by the on-link prefix",
  ...needs({ root: true, programs: ["ip", "unshare"], files: ["/lib/systemd/systemd-networkd"] }),
  async fn() {
    await using network = await Network.create();
    await network.serve();
    const script = [
      "mount -t tmpfs none /run && mkdir -p /run/systemd/network /run/systemd/netif/leases",
      `printf '[Match]\\nName=lan\\n[Network]\\nLinkLocalAddressing=ipv6\\nIPv6AcceptRA=yes\\n' > /run/systemd/network/10-lan.network`,
      "chown -R systemd-network: /run/systemd/netif",
      // so it takes the namespace for a container, and waits for no udev
      "mount -o remount,ro /sys",
      "SYSTEMD_LOG_LEVEL=warning exec /lib/systemd/systemd-networkd",
    ].join(" && ");
    network.client.spawn(["unshare", "--mount", "sh", "-c", script]);
    await waitFor("the address", async () => {
      const shown = await network.client.ip(["-6", "address", "show", "dev", "lan", "scope", "global"]);
      return shown.includes(`inet6 ${ADDRESS}/`);
    }, { timeoutMs: 60_000 });
    assert.match(await network.client.ip(["-6", "route"]), /^fd00:77::\/64 dev lan/m);
    assert.match(await network.client.ip(["-6", "route", "get", SERVER]), /^fd00:77::1 from :: dev lan /);
  },
});

Deno.test({
  name: "the agent's client gets its address of our server, and none where nobody answers",
  ...needs({ root: true, programs: ["ip"] }),
  async fn() {
    await using network = await Network.create();
    const ask = async (timeoutMs: number) => {
      const { code, stdout, stderr } = await network.client.run(
        denoScript("dhcp6_lease_client.ts", MAC, String(timeoutMs)),
      );
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    assert.equal(await ask(700), null);
    const log = await network.serve();
    assert.equal(await ask(30_000), ADDRESS);
    assert.deepEqual(log.intents, ["solicit"], "one round trip");
  },
});

Deno.test({
  name:
    "an agent reaches its server by our DHCPv6, by a router's prefix alone, and by DHCPv6 without a router",
  ...needs({ root: true, programs: ["ip", "radvd", "dnsmasq"] }),
  async fn(t) {
    const join = async ({ client }: Network) => {
      const { code, stdout, stderr } = await client.run(denoScript("ipv6_network.ts", MAC, SERVER));
      assert.equal(code, 0, stderr);
      const route = await client.ip(["-6", "route", "get", SERVER]);
      assert.match(route, /^fd00:77::1 from :: dev lan .*src fd00:77::/, route);
      return stdout;
    };
    await t.step("ours: the same address, by whichever comes first", async () => {
      await using network = await Network.create();
      await network.serve();
      assert.match(await join(network), new RegExp(`^lan ${ADDRESS} by (DHCPv6|SLAAC)$`, "m"));
    });
    await t.step("a router's prefix", async () => {
      await using network = await Network.create();
      const folder = await Deno.makeTempDir();
      const conf = "interface lan { AdvSendAdvert on; AdvDefaultLifetime 0; prefix fd00:77::/64 {}; };";
      await Deno.writeTextFile(`${folder}/conf`, conf);
      await network.server.run(["sysctl", "-q", "net.ipv6.conf.all.forwarding=1"]);
      network.server.spawn(["radvd", "-n", "-C", `${folder}/conf`, "-p", `${folder}/pid`, "-m", "stderr"]);
      // it asked for a router when it came up, and waits a while before it asks again
      await network.client.ip(["link", "set", "lan", "down"]);
      await network.client.ip(["link", "set", "lan", "up"]);
      assert.equal(await join(network), `lan ${ADDRESS} by SLAAC\n`);
      await Deno.remove(folder, { recursive: true });
    });
    await t.step("DHCPv6 of dnsmasq alone, which says nothing of the link", async () => {
      await using network = await Network.create();
      network.server.spawn(dnsmasq());
      assert.match(await join(network), /^lan fd00:77::1[0-9a-f]{2} by DHCPv6$/m);
    });
  },
});

/** Gives addresses, and advertises no router. */
function dnsmasq(): string[] {
  const options = ["-k", "-C", "/dev/null", "-p", "0", "-i", "lan", "--bind-interfaces", "-l", "/dev/null"];
  return ["dnsmasq", ...options, "--dhcp-range=fd00:77::100,fd00:77::1ff,64,10m"];
}
