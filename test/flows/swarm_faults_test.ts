/** Faults in a swarm: real sockets, real bytes; the others finish, and what went wrong has a name. */
import assert from "node:assert/strict";
import { RateLimit } from "#contract/torrent/rate_limit.ts";
import { address, hurriedClock, SwarmLab, until } from "../support/swarm_lab.ts";
import type { Misdeed } from "../support/bad_peer.ts";

Deno.test("a corrupt peer is banned and named by every node that it deceives, and all finish", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const evil = lab.badPeer("lies");
  // The honest seed is held back, so that the corrupt one is asked too.
  const seed = lab.seed({ uploadLimit: new RateLimit(4_000_000) });
  const nodes = ["1", "2", "3"].map((name) => lab.node(name));
  for (const node of nodes) node.addPeers([evil, seed, ...nodes].map(address));
  await Promise.all(nodes.map((node) => node.done));
  for (const [i, node] of nodes.entries()) {
    await lab.assertSame(`${i + 1}`);
    assert.deepEqual(node.stats().banned, [{ ...address(evil), peerId: evil.id }]);
  }
});

const misdeeds: Misdeed[] = ["is silent", "stops in a block"];
for (const misdeed of misdeeds) {
  Deno.test(`the finish does not wait for peers of whom each ${misdeed}`, async () => {
    await using lab = await SwarmLab.make({ pieces: 32, pieceLength: 512 * 1024 });
    const [first, second] = [lab.badPeer(misdeed), lab.badPeer(misdeed)];
    const node = lab.node("1", { clock: hurriedClock(5) });
    node.addPeers([address(first), address(second)]);
    await Promise.all([first.firstAsked, second.firstAsked]);
    const seed = lab.seed();
    node.addPeers([address(seed)]);
    await node.done;
    await lab.assertSame("1");
    // They were not even dropped yet.
    assert.equal(node.stats().peers, 3);
  });
}

Deno.test("a peer that refuses what it says it has is left, and stays out for a while", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const liar = lab.badPeer("refuses");
  const node = lab.node("1", { clock: hurriedClock(20) });
  node.addPeers([address(liar)]);
  await until(() => liar.asked > 64 && node.stats().peers === 0);
  const seed = lab.seed();
  node.addPeers([address(seed)]);
  const { asked } = liar;
  await node.done;
  assert.equal(liar.asked, asked);
  await lab.assertSame("1");
});
