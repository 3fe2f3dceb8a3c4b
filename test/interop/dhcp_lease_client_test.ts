/** The agent's own DHCP client, beside our server and beside dnsmasq. */
import assert from "node:assert/strict";
import { denoScript, DhcpNetwork, macOf, SERVER } from "../support/dhcp_network.ts";
import { startForeignServer } from "../support/foreign_dhcp.ts";
import { needs } from "../support/needs.ts";
import type { NetworkNamespace } from "../support/netns.ts";

async function leaseOf(client: NetworkNamespace, { timeoutMs = 20_000 } = {}) {
  const { code, stdout, stderr } = await client.run(
    denoScript("dhcp_lease_client.ts", await macOf(client), String(timeoutMs)),
  );
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

Deno.test({
  name: "the agent's client gets address, mask, gateway and DNS servers of our server; without one, nothing",
  ...needs({ root: true, programs: ["ip"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    const client = await network.client();
    assert.equal(await leaseOf(client, { timeoutMs: 1000 }), null);
    await network.serve();
    const { address, ...rest } = await leaseOf(client);
    assert.match(address, /^10\.77\.0\.1[01]\d$/);
    assert.deepEqual(rest, { netmask: "255.255.255.0", router: SERVER, dns: [SERVER] });
    assert.deepEqual(await leaseOf(client), { address, ...rest });
  },
});

Deno.test({
  name: "the agent's client gets a lease of dnsmasq",
  ...needs({ root: true, programs: ["ip", "dnsmasq", "ss"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    const folder = await Deno.makeTempDir();
    try {
      const pools = [{ prefix: "10.77.0" }];
      await using _server = await startForeignServer("dnsmasq", {
        namespace: network.server,
        interface: "lan",
        pools,
        folder,
      });
      const { address, netmask } = await leaseOf(await network.client());
      assert.match(address, /^10\.77\.0\./);
      assert.equal(netmask, "255.255.255.0");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
