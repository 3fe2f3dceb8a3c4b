import assert from "node:assert/strict";
import { barsOf } from "./bars.ts";
import { result } from "./testing/result.ts";

const values = (...args: Parameters<typeof barsOf>) =>
  Object.fromEntries(barsOf(...args).map(({ name, value, kept }) => [name, [value, kept]]));

Deno.test("on slow links one node is compared with the link, and eight nodes with one", () => {
  const results = [result("ours", 1, 11), result("ours", 8, 13, { serverSent: 1.5 })];
  const bars = values(results, { linkSeconds: 10, rateMbit: 100 });
  assert.deepEqual(bars["T(1) ÷ (size ÷ link)"], [1.1, false]);
  assert.deepEqual(bars["T(8) ÷ T(1)"], [13 / 11, false]);
  assert.deepEqual(bars["server sends × size at 8"], [1.5, false]);
});

Deno.test("on fast links eight nodes are compared with the best other swarm, never with HTTP", () => {
  const results = [
    result("ours", 8, 9),
    result("aria2", 8, 12),
    result("libtorrent", 8, 10),
    result("http", 8, 1),
  ];
  const bars = values(results, { linkSeconds: 5, rateMbit: 200 });
  assert.deepEqual(bars["T(8) ÷ the best other swarm's"], [0.9, true]);
  assert(!("T(8) ÷ T(1)" in bars));
});

Deno.test("on unlimited links eight nodes are compared with aria2, if that was measured", () => {
  const unlimited = { linkSeconds: undefined, rateMbit: undefined };
  const bars = values([result("ours", 8, 8), result("aria2", 8, 10)], unlimited);
  assert.deepEqual(bars["T(8) ÷ aria2's"], [0.8, false]);
  assert(!("T(8) ÷ aria2's" in values([result("ours", 8, 8)], unlimited)));
});

Deno.test("processor time is compared with aria2's, memory with a fixed limit", () => {
  const results = [
    result("ours", 4, 5, { cpuSecondsPerGb: 9, memoryMib: 301 }),
    result("aria2", 4, 5, { cpuSecondsPerGb: 5 }),
  ];
  const bars = values(results, { linkSeconds: 5, rateMbit: 200 });
  assert.deepEqual(bars["CPU a GB ÷ aria2's at 4"], [1.8, false]);
  assert.deepEqual(bars["agent's memory at 4, MiB"], [301, false]);
});
