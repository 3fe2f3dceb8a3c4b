import assert from "node:assert/strict";
import { simulate } from "./simulation.ts";

const SIZE = 16 * 1024 * 1024 + 12_345;
const OPTIONS = { nodes: 10, sizeBytes: SIZE, pieceLength: 512 * 1024, linkRate: 100e6, seed: 1 };

Deno.test("ten nodes finish, and no byte comes from nowhere", () => {
  const { finishedMs, sentBytes, receivedBytes, serverSentBytes } = simulate(OPTIONS);
  assert.equal(finishedMs.length, 10);
  assert.ok(finishedMs.every((ms) => ms >= SIZE * 8 / 100e3), "nobody is faster than its link");
  assert.ok(receivedBytes >= 10 * SIZE, "each has received the whole");
  assert.ok(sentBytes >= receivedBytes);
  assert.ok(serverSentBytes >= SIZE, "the first copy left the server");
  assert.ok(serverSentBytes < 5 * SIZE, "nodes had most from one another");
});

Deno.test("the same seed gives the same swarm, another seed another one", () => {
  assert.deepEqual(simulate(OPTIONS), simulate(OPTIONS));
  assert.notDeepEqual(simulate(OPTIONS).finishedMs, simulate({ ...OPTIONS, seed: 2 }).finishedMs);
});
