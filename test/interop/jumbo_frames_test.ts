/** Networks with jumbo frames: what a DHCP client is told, and what the agent makes of it. */
import assert from "node:assert/strict";
import { bringUp } from "../support/bring_up.ts";
import { leaseOfDhclient } from "../support/dhclient.ts";
import { DhcpNetwork, macOf } from "../support/dhcp_network.ts";
import { needs } from "../support/needs.ts";
import type { NetworkNamespace } from "../support/netns.ts";

const MTU = 9000;

/** A machine whose NIC takes frames of that size. `portMtu`: of the switch's port that it is plugged into. */
async function machineAt(network: DhcpNetwork, { portMtu }: { portMtu: number }): Promise<NetworkNamespace> {
  const machine = await network.client();
  await network.server.ip(["link", "set", "port0", "mtu", `${portMtu}`]);
  await network.server.ip(["link", "set", "lan", "mtu", `${MTU}`]);
  await network.serve({ mtu: MTU });
  return machine;
}

async function mtuOf(machine: NetworkNamespace): Promise<number> {
  return JSON.parse(await machine.ip(["-j", "link", "show", "lan"]))[0].mtu;
}

Deno.test({
  name: "dhclient is told the MTU if it asks for it",
  ...needs({ root: true, programs: ["ip", "dhclient"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    const machine = await machineAt(network, { portMtu: MTU });
    for (const asks of [true, false]) {
      const conf = `request subnet-mask${asks ? ", interface-mtu" : ""};\n`;
      const lease = await leaseOfDhclient(machine, { conf });
      assert.equal(lease.includes(`option interface-mtu ${MTU};`), asks, lease);
    }
  },
});

Deno.test({
  name: "the agent takes the MTU if packets of that size get to the server and back",
  ...needs({ root: true, programs: ["ip", "unshare"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    const machine = await machineAt(network, { portMtu: MTU });
    const { said } = await bringUp(machine, `lan=${await macOf(machine)}`);
    assert.match(said, /by DHCP\n$/);
    assert.match(said, /, MTU 9000 by/);
    assert.equal(await mtuOf(machine), MTU);
  },
});

Deno.test({
  name: "a path that drops such packets leaves the agent at 1500, and it says so",
  ...needs({ root: true, programs: ["ip", "unshare"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    const machine = await machineAt(network, { portMtu: 1500 });
    const { said } = await bringUp(machine, `lan=${await macOf(machine)}`);
    assert.match(
      said,
      /MTU 1500: packets of 9000 bytes.* do not get to 10\.77\.0\.1 and back; check the MTU/,
    );
    assert.equal(await mtuOf(machine), 1500);
  },
});
