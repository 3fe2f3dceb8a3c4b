import assert from "node:assert/strict";
import { bringUp } from "../support/bring_up.ts";
import { DhcpNetwork } from "../support/dhcp_network.ts";
import { needs } from "../support/needs.ts";
import { link } from "../support/netns.ts";

Deno.test({
  name: "of eight NICs with a link, the agent uses the sixth, the only one where a DHCP server answers",
  ...needs({ root: true, programs: ["ip", "unshare"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    await network.server.addBridge("other");
    await network.serve();
    const client = await network.client("other");
    for (let i = 1; i <= 8; i++) {
      const bridge = i === 6 ? "lan" : "other";
      await link({ namespace: client, interface: `nic${i}` }, {
        namespace: network.server,
        interface: `to${i}`,
        bridge,
      });
    }
    const links = await client.ip(["-o", "link", "show"]);
    const nics = [...links.matchAll(/(nic\d)@.* link\/ether (\S+)/g)].map(([, name, mac]) =>
      `${name}=${mac}`
    );
    assert.equal(nics.length, 8, links);
    const { said, resolver } = await bringUp(client, ...nics);
    assert.match(said, /^nic6: nic6 10\.77\.0\.1[01]\d\/24 via 10\.77\.0\.1 by DHCP\n$/);
    assert.equal(resolver, "nameserver 10.77.0.1\n");
    assert.match(await client.ip(["route"]), /^default via 10\.77\.0\.1 dev nic6/m);
  },
});
