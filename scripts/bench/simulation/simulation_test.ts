import assert from "node:assert/strict";
import { simulate, type SimulationState } from "./simulation.ts";

const SIZE = 16 * 1024 * 1024 + 12_345;
const LINK_BYTES = 100e6 / 8;
const OPTIONS = { nodes: 10, sizeBytes: SIZE, pieceLength: 512 * 1024, linkRate: 100e6, seed: 1 };
/** How much a link may exceed its rate in a second: one run that was under way at its beginning. */
const RUN_BYTES = 256 * 1024;

Deno.test("ten nodes finish, and the bytes sent and received add up", () => {
  const { finishedMs, sentBytes, receivedBytes, serverSentBytes, dryNodes } = simulate(OPTIONS);
  assert.equal(finishedMs.length, 10);
  assert.ok(finishedMs.every((ms) => ms >= SIZE * 1000 / LINK_BYTES), "no node is faster than its link");
  assert.ok(receivedBytes >= 10 * SIZE, "each node has received everything");
  assert.ok(sentBytes >= receivedBytes);
  assert.ok(serverSentBytes >= SIZE, "the first copy left the server");
  assert.ok(serverSentBytes < 2 * SIZE, "nodes got most from one another");
  assert.equal(dryNodes, 0);
});

Deno.test("in no second does a link carry more than its rate, up or down", () => {
  const before = new Map<unknown, { sent: number; received: number }>();
  let seconds = 0;
  const onSecond = ({ server, nodes }: SimulationState) => {
    seconds++;
    for (const { link } of [server, ...nodes]) {
      const { sent, received } = before.get(link) ?? { sent: 0, received: 0 };
      assert.ok(link.sentBytes - sent <= LINK_BYTES + RUN_BYTES, `${link.sentBytes - sent} up`);
      assert.ok(
        link.receivedBytes - received <= LINK_BYTES + RUN_BYTES,
        `${link.receivedBytes - received} down`,
      );
      before.set(link, { sent: link.sentBytes, received: link.receivedBytes });
    }
  };
  simulate({ ...OPTIONS, nodes: 60, sizeBytes: 4 * SIZE, onSecond });
  assert.ok(seconds > 5);
});

Deno.test("all nodes get every piece, even if there are more nodes than slots and connections", () => {
  let last: SimulationState | undefined;
  const { finishedMs } = simulate({ ...OPTIONS, nodes: 130, onSecond: (state) => last = state });
  assert.equal(finishedMs.filter((ms) => ms > 0).length, 130);
  assert.ok(last!.nodes.every(({ ends }) => ends.size <= 100));
  assert.ok(last!.nodes.every(({ picker }) => picker.have.isFull));
});

Deno.test("the same seed gives the same swarm, another seed a different one", () => {
  assert.deepEqual(simulate(OPTIONS), simulate(OPTIONS));
  assert.notDeepEqual(simulate(OPTIONS).finishedMs, simulate({ ...OPTIONS, seed: 2 }).finishedMs);
});

Deno.test("on fast links, nodes that start slowly do not stay behind", () => {
  const fast = {
    nodes: 100,
    seeds: 5,
    sizeBytes: 256 * 2 ** 20,
    pieceLength: 2 ** 20,
    linkRate: 600e6,
    seed: 1,
  };
  const last = simulate(fast).stayed.at(-1)!.tookMs;
  const limitMs = fast.sizeBytes * 8000 / fast.linkRate;
  // 1.54 while a node asked only for what its own slow start had brought
  assert.ok(last < 1.4 * limitMs, `${(last / limitMs).toFixed(2)} × the limit`);
});
