/**
 * Switch ports that need more than a frame, from the agent's side: a VLAN's tag, or LACP. The other side is the kernel's
 * own 802.1Q and bonding. `test/vm/every_netboot.ts` runs it in the small VM, whose kernel has both.
 */
import assert from "node:assert/strict";
import { bringUp } from "../support/bring_up.ts";
import { DhcpNetwork, macOf, serviceCommand } from "../support/dhcp_network.ts";
import { link, NetworkNamespace } from "../support/netns.ts";
import { inSmallVm } from "../volumes/in_small_vm.ts";

function test(name: string, fn: (network: DhcpNetwork) => Promise<void>): void {
  inSmallVm(name, async () => {
    await using network = await DhcpNetwork.create();
    await network.server.addBridge("other");
    await network.serve();
    await fn(network);
  });
}

test("at a port that carries the network tagged only, the agent sends the tag", async (network) => {
  // `port0` is the switch's end: what has the tag 20 goes to the bridge with the DHCP server
  const machine = await network.client("other"), { server } = network;
  await server.ip(["link", "set", "port0", "nomaster"]);
  await server.ip(["link", "add", "link", "port0", "name", "tagged", "type", "vlan", "id", "20"]);
  await server.ip(["link", "set", "tagged", "master", "lan", "up"]);
  const mac = await macOf(machine);
  assert.match(
    (await bringUp(machine, `lan=${mac}=20`, `lan=${mac}`)).said,
    /^lan\.20: lan\.20 10\.77\.0\.1[01]\d\/24 via 10\.77\.0\.1 by DHCP\n$/,
  );
  assert.match(await machine.ip(["route"]), /^default via 10\.77\.0\.1 dev lan\.20/m);
});

test("at a port without tags, the agent does not need them", async (network) => {
  const machine = await network.client(), mac = await macOf(machine);
  const { said } = await bringUp(machine, `lan=${mac}=20`, `lan=${mac}`);
  assert.match(said, /^lan: lan 10\.77\.0\.1/);
});

test("a network without tags that gives an address and does not lead to the server is not used", async (network) => {
  const machine = await network.client("other"), { server } = network, mac = await macOf(machine);
  await server.ip(["link", "add", "link", "port0", "name", "tagged", "type", "vlan", "id", "20"]);
  await server.ip(["link", "set", "tagged", "master", "lan", "up"]);
  server.spawn([
    "deno",
    "eval",
    'for await (using _ of Deno.listen({ hostname: "10.77.0.1", port: 8443 }));',
  ]);
  await using stranger = await NetworkNamespace.create("stranger");
  await link({ namespace: stranger, interface: "lan", address: "10.88.0.1/24" }, {
    namespace: server,
    interface: "toOther",
    bridge: "other",
  });
  const range = { first: "10.88.0.100", last: "10.88.0.119" };
  const own = { address: "10.88.0.1", gateway: "10.88.0.1", dns: [], range };
  const dhcp = stranger.spawn(serviceCommand(own));
  const ports = [`lan=${mac}`, `lan=${mac}=20`];
  const { said } = await bringUp(machine, "--reaches", ...ports);
  assert.match(JSON.parse(said).link, /^lan\.20 10\.77\.0\.1[01]\d\/24 via 10\.77\.0\.1 by DHCP$/);
  assert.match(await machine.ip(["route", "show", "default"]), /^default via 10\.77\.0\.1 dev lan\.20 *\n$/);
  const alone = await bringUp(machine, "--reaches", ports[0] ?? "");
  assert.match(JSON.parse(alone.said).link, /^lan 10\.88\.0\.1/, "the other network does give addresses");
  await dhcp.stdout.cancel();
});

for (const vlan of [undefined, 20]) {
  const tagged = vlan === undefined ? "" : ", with a VLAN's tag";
  test(`a port that drops everything until LACP is negotiated leads on after that${tagged}`, async (network) => {
    const machine = await network.client("other"), { server } = network, mac = await macOf(machine);
    // The bond has two ports. At the first nobody is, and without a partner it is the one that may speak alone.
    await link({ namespace: server, interface: "alone" }, { namespace: server, interface: "silent" });
    await server.ip(["link", "add", "switch", "type", "bond", "mode", "802.3ad", "miimon", "100"]);
    for (const port of ["alone", "port0"]) {
      await server.ip(["link", "set", port, "nomaster"]);
      await server.ip(["link", "set", port, "down"]);
      await server.ip(["link", "set", port, "master", "switch"]);
    }
    await server.ip(["link", "set", "switch", "up"]);
    const end = vlan === undefined ? "switch" : "tagged";
    if (vlan !== undefined) {
      await server.ip(["link", "add", "link", "switch", "name", end, "type", "vlan", "id", `${vlan}`]);
    }
    await server.ip(["link", "set", end, "master", "lan", "up"]);
    const { said } = await bringUp(machine, `lan=${mac}${vlan === undefined ? "" : `=${vlan}`}`);
    const suffix = vlan === undefined ? "" : `\\.${vlan}`;
    assert.match(
      said,
      new RegExp(
        `^lan${suffix}: no DHCP server gives it an address, and its switch port speaks LACP\\n` +
          `lag-lan${suffix}: lag-lan${suffix} 10\\.77\\.0\\.1[01]\\d/24 via 10\\.77\\.0\\.1 by DHCP\\n$`,
      ),
    );
    const { stdout } = await machine.run(["cat", "/proc/net/bonding/lag-lan"]);
    assert.match(stdout, /Partner Mac Address: (?!00:00:00:00:00:00)/);
  });
}
