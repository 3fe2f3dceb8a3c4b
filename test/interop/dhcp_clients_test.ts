/** Real DHCP clients against the service, each in its own network namespace, without touching the host's network. */
import assert from "node:assert/strict";
import { encodePacket } from "../../boot/dhcp/packet.ts";
import { leaseOfDhclient } from "../support/dhclient.ts";
import { denoScript, DhcpNetwork, macOf, SERVER, serviceCommand } from "../support/dhcp_network.ts";
import { MESSAGE_TYPE } from "../../boot/dhcp/options.ts";
import { type ClientPacket, clientPacket } from "../support/dhcp_packets.ts";
import { needs } from "../support/needs.ts";
import type { NetworkNamespace, Output } from "../support/netns.ts";

const requirements = needs({ root: true, programs: ["ip", "dhclient", "udhcpc"] });

/** Runs udhcpc until it has a lease, or has asked three times in vain (exit code 1). */
async function udhcpc(client: NetworkNamespace, ...args: string[]): Promise<Output> {
  const once = ["-i", "lan", "-f", "-q", "-n", "-t", "3", "-T", "1", "-A", "1", "-s", "/bin/true"];
  return await client.run(["udhcpc", ...once, ...args]);
}

/** The last address that it announced; it announces one before declining it. */
function leased({ stderr }: Output): string | undefined {
  return [...stderr.matchAll(/lease of (\S+) obtained/g)].at(-1)?.[1];
}

Deno.test({
  name: "dhclient, udhcpc and the npm client on one machine get a lease of the same address",
  ...requirements,
  async fn() {
    await using network = await DhcpNetwork.create();
    await network.serve({ boot: { file: "undionly.kpxe" } });
    const client = await network.client();
    const lease = await leaseOfDhclient(client);
    const address = /fixed-address (\S+);/.exec(lease)?.[1];
    assert.match(address ?? "", /^10\.77\.0\.1[01]\d$/);
    for (
      const line of [
        `filename "undionly.kpxe"`,
        "option subnet-mask 255.255.255.0",
        `option routers ${SERVER}`,
        `option domain-name-servers ${SERVER}`,
        "option dhcp-lease-time 600",
        `option dhcp-server-identifier ${SERVER}`,
      ]
    ) assert.ok(lease.includes(`${line};`), `${line} in ${lease}`);

    assert.equal(leased(await udhcpc(client)), address);

    // The npm client binds an ordinary socket, which needs an address and a route.
    await client.ip(["address", "add", "10.77.0.99/24", "dev", "lan"]);
    await client.ip(["route", "add", "default", "dev", "lan"]);
    await cache("npm_dhcp_client.ts");
    const npm = await client.run(denoScript("npm_dhcp_client.ts", await macOf(client)));
    assert.equal(npm.code, 0, npm.stderr);
    assert.equal(JSON.parse(npm.stdout).address, address);
  },
});

Deno.test({
  name: "the agent's client, without an address of its own, gets a lease like others",
  ...needs({ root: true, programs: ["ip"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    const client = await network.client();
    const ask = async () => {
      const { code, stdout, stderr } = await client.run(denoScript("lease_client.ts", await macOf(client)));
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    await network.serve({ boot: { file: "undionly.kpxe" } });
    const { address, ...rest } = await ask();
    assert.match(address, /^10\.77\.0\.1[01]\d$/);
    assert.deepEqual(rest, { netmask: "255.255.255.0", router: SERVER, dns: [SERVER] });
    assert.deepEqual(await ask(), { address, ...rest }, "the same machine, the same address");
  },
});

/** Caches a script's packages in advance, since nothing can be fetched inside a namespace. */
async function cache(script: string): Promise<void> {
  const [deno = "", ...args] = denoScript(script);
  const path = args.at(-1) ?? "";
  const { code, stderr } = await new Deno.Command(deno, { args: ["cache", path], stderr: "piped" }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

/** Signals the program until `until` settles: udhcpc loses signals while its script runs. */
async function signalled<T>(program: Deno.ChildProcess, signal: Deno.Signal, until: Promise<T>): Promise<T> {
  const repeat = setInterval(() => program.kill(signal), 200);
  try {
    return await until;
  } finally {
    clearInterval(repeat);
  }
}

Deno.test({
  name: "udhcpc renews its lease from its own address, and releases the address for another machine",
  ...requirements,
  async fn() {
    await using network = await DhcpNetwork.create();
    await network.serve({ range: { first: "10.77.0.100", last: "10.77.0.100" } });
    const client = await network.client();
    const script = await Deno.makeTempFile({ prefix: "udhcpc-" });
    try {
      await Deno.writeTextFile(
        script,
        `#!/bin/sh\n[ -z "$ip" ] || ip address replace "$ip/24" dev "$interface"\n`,
      );
      await Deno.chmod(script, 0o755);
      const daemon = client.spawn(["udhcpc", "-i", "lan", "-f", "-R", "-s", script]);
      await network.logged("ack");
      const renewal = await signalled(daemon, "SIGUSR1", network.logged("ack"));
      assert.deepEqual([renewal.intent, renewal.address], ["renew", "10.77.0.100"]);

      const second = await network.client();
      assert.equal((await udhcpc(second)).code, 1);
      const exhausted = await network.logged("pool-exhausted");
      assert.equal(exhausted.mac, await macOf(second));
      assert.match(String(exhausted.remedy), /widen the DHCP range/);

      await signalled(daemon, "SIGUSR2", network.logged("released"));
      assert.equal(leased(await udhcpc(second)), "10.77.0.100");
      daemon.kill("SIGKILL");
      await daemon.stdout.cancel();
      await daemon.status;
    } finally {
      await Deno.remove(script);
    }
  },
});

Deno.test({
  name: "a machine gets its reserved address, or another one if it finds that in use",
  ...requirements,
  async fn() {
    await using network = await DhcpNetwork.create();
    const client = await network.client();
    await network.serve({ reserved: { [await macOf(client)]: "10.77.0.50" } });
    assert.equal(leased(await udhcpc(client)), "10.77.0.50");

    const squatter = await network.client();
    await squatter.ip(["address", "add", "10.77.0.50/24", "dev", "lan"]);
    // -a: the client asks by ARP whether the address is in use, and declines it if so.
    const address = leased(await udhcpc(client, "-a"));
    const declined = await network.logged("declined");
    assert.equal(declined.mac, await macOf(client));
    assert.match(address ?? "", /^10\.77\.0\.1[01]\d$/);
  },
});

/** Broadcasts the packets from a separate machine; see dhcp_fuzzer.ts. */
async function flood(network: DhcpNetwork, packets: readonly ClientPacket[]): Promise<void> {
  const flooder = await network.client();
  await flooder.ip(["address", "add", "10.77.0.99/24", "dev", "lan"]);
  const file = await Deno.makeTempFile({ prefix: "dhcp-flood-" });
  try {
    const lines = packets.map((packet) => btoa(String.fromCharCode(...encodePacket(clientPacket(packet)))));
    await Deno.writeTextFile(file, lines.join("\n"));
    const { code, stderr } = await flooder.run(denoScript("dhcp_fuzzer.ts", file, "10.77.0.99"));
    assert.equal(code, 0, stderr);
  } finally {
    await Deno.remove(file);
  }
}

/** The log's events up to the first about this machine. */
async function eventsBefore(network: DhcpNetwork, client: NetworkNamespace): Promise<string[]> {
  const mac = await macOf(client);
  const events: string[] = [];
  for (let line = await network.log(); line.mac !== mac; line = await network.log()) events.push(line.event);
  return events;
}

Deno.test({
  name: "after 2000 abandoned offers a machine still gets its lease, and the log stays short",
  ...requirements,
  async fn() {
    await using network = await DhcpNetwork.create();
    await network.serve();
    const pair = (n: number) => n.toString(16).padStart(2, "0");
    await flood(
      network,
      Array.from({ length: 2000 }, (_, i) => ({
        type: MESSAGE_TYPE.discover,
        mac: `02:00:00:00:${pair(i >> 8)}:${pair(i & 255)}`,
      })),
    );
    const client = await network.client();
    assert.ok(leased(await udhcpc(client)));
    // Its own lines may be suppressed too: it asks again until one is written.
    let isWritten = false;
    const written = eventsBefore(network, client).finally(() => isWritten = true);
    while (!isWritten) await udhcpc(client);
    const { length } = await written;
    assert.ok(length < 1000, `${length} lines of log`);
  },
});

Deno.test({
  name: "a relay of another network is not answered, and logged once",
  ...requirements,
  async fn() {
    await using network = await DhcpNetwork.create();
    await network.serve();
    await flood(network, Array(100).fill({ type: MESSAGE_TYPE.discover, giaddr: "10.9.0.1" }));
    const client = await network.client();
    assert.ok(leased(await udhcpc(client)));
    const events = await eventsBefore(network, client);
    assert.equal(events.filter((event) => event === "foreign-link").length, 1);
    assert.ok(!events.includes("offer"));
  },
});

Deno.test({
  name: "requests on another interface of the server's machine are never answered",
  ...requirements,
  async fn() {
    await using network = await DhcpNetwork.create();
    await network.server.addBridge("other", "10.78.0.1/24");
    await network.serve();
    const [stranger, client] = [await network.client("other"), await network.client()];
    assert.equal((await udhcpc(stranger)).code, 1);
    assert.ok(leased(await udhcpc(client)));
    // The first request that the service has received at all.
    assert.equal((await network.logged("offer")).mac, await macOf(client));
  },
});

Deno.test({
  name: "the search for another DHCP server finds one if there is one",
  ...requirements,
  async fn() {
    await using network = await DhcpNetwork.create();
    const client = await network.client();
    await client.ip(["address", "add", "10.77.0.99/24", "dev", "lan"]);
    const search = async () => {
      const { code, stdout, stderr } = await client.run(denoScript("dhcp_probe.ts", "lan", "10.77.0.99"));
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    assert.equal(await search(), null);
    await network.serve();
    const found = await search();
    assert.equal(found.serverId, SERVER);
    assert.match(found.offered, /^10\.77\.0\.1[01]\d$/);
  },
});

Deno.test({
  name: "a failed start reports cause and remedy: interface, address, range, port, permissions",
  ...requirements,
  async fn() {
    await using network = await DhcpNetwork.create();
    const start = async (argv: string[]) => {
      const { code, stderr } = await network.server.run(argv);
      assert.notEqual(code, 0);
      return stderr;
    };
    const cases: [string[], RegExp][] = [
      [serviceCommand({ interface: "br7" }), /there is no interface br7 .* choose one of lo, lan/],
      [serviceCommand({ address: "10.77.0.9" }), /lan has 10\.77\.0\.1, not 10\.77\.0\.9/],
      [
        serviceCommand({ range: { first: "10.77.0.9", last: "10.77.0.8" } }),
        /its last address comes before its first/,
      ],
      [
        serviceCommand({ range: { first: "10.77.0.9", last: "10.77.1.8" } }),
        /its two ends are in different networks/,
      ],
      [
        ["setpriv", "--bounding-set=-net_bind_service", ...serviceCommand()],
        /this user may not use UDP port 67.*start as root/,
      ],
    ];
    for (const [argv, message] of cases) assert.match(await start(argv), message);
    await network.serve();
    assert.match(await start(serviceCommand()), /UDP port 67 is held by process \d+ \(.*dhcp_service\.ts/);
  },
});
