/** A server without IPv4, and nodes that install from it and from each other. */
import assert from "node:assert/strict";
import { describeTree } from "../oddities/describe_tree.ts";
import { needs } from "../support/needs.ts";
import { fetchingNode, fillSmall, install, Lines, setUp, stateOf } from "./directory_nodes.ts";

const IPV6_ALONE = { listen: { hostname: "::1", port: 0 }, address: "::1" };

Deno.test({
  name:
    "by IPv6 alone: enrolment, torrent by rsync, swarm with both trackers, reports; the nodes are exact copies",
  ...needs({ files: ["/proc/net/if_inet6"] }),
  async fn() {
    const { test, source, tokens } = await setUp(["n1", "n2", "n3"], fillSmall, IPV6_ALONE);
    await using _test = test;
    assert.match(test.server.urls.server, /^https:\/\/\[::1\]:\d+$/);
    const [looker, ...nodes] = tokens;
    assert.ok(looker);
    const { enrolled: { order, client } } = await fetchingNode(test, looker.token);
    client[Symbol.dispose]();
    const { announce, webSeeds, rsync = "" } = order.swarm;
    assert.equal(announce.length, 2);
    for (const url of [...announce, ...webSeeds, rsync]) assert.match(url, /^\w+:\/\/\[::1\]:\d+/);
    assert.deepEqual(order.fallback?.peers.map(({ hostname }) => hostname), ["::1"]);
    const consoles = nodes.map(() => new Lines());
    await Promise.all(nodes.map((node, i) => install(test, node, consoles[i])));
    const wanted = describeTree(source);
    for (const { node } of nodes) {
      assert.deepEqual(describeTree(`${test.folder}/${node}`), wanted);
      assert.equal(await stateOf(test, node), "installed");
    }
    for (const { lines } of consoles) {
      assert.match(lines.find((line) => line.includes("torrent:")) ?? "", /; torrent by rsync \(/);
    }
  },
});
