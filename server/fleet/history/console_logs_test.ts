import assert from "node:assert/strict";
import { ConsoleLogs } from "./console_logs.ts";

const ORDER = { node: "id1", deployment: "d1" };
const report = (...console: string[]) =>
  ({ step: "format", state: "running", elapsedMs: 1, console }) as const;

function open() {
  const logs = new ConsoleLogs({ now: () => 0 });
  const texts = (after: number) => logs.view("id1", { after }).lines.map(({ text }) => text);
  return { logs, texts };
}

Deno.test("who follows gets each line once, also across orders, and all of it after a restart of the server", () => {
  const { logs, texts } = open();
  logs.add(ORDER, report("a", "b"));
  const { next } = logs.view("id1", { after: 0 });
  logs.add(ORDER, report("c"));
  assert.deepEqual(texts(next), ["c"]);
  logs.add({ ...ORDER, deployment: "d2" }, report("d"));
  assert.deepEqual(texts(next), ["d"]);
  assert.deepEqual(texts(9000), ["d"], "a number that this server has not given");
});

Deno.test("a wait ends with the next line of that node, or with its time", async () => {
  const { logs } = open();
  const waiting = logs.next("id1", { after: 0, signal: AbortSignal.timeout(5000) });
  logs.add({ node: "id2", deployment: "d1" }, report("of another node"));
  logs.add(ORDER, report("a"));
  assert.deepEqual((await waiting).lines.map(({ text }) => text), ["a"]);
  assert.deepEqual((await logs.next("id1", { after: 1, signal: AbortSignal.abort() })).lines, []);
});

Deno.test("it is bounded for a node and for all of them, and the node that is written to stays", () => {
  const { logs, texts } = open();
  logs.add(ORDER, report(...Array.from({ length: 1000 }, (_, i) => `line ${i}`)));
  assert.deepEqual([texts(0).length, texts(0).at(-1)], [400, "line 999"]);
  const long = report(...Array.from({ length: 200 }, () => "x".repeat(1000)));
  for (let i = 0; i < 200; i++) logs.add({ node: `n${i}`, deployment: "d" }, long);
  assert.deepEqual(texts(0), [], "the oldest one is gone");
  assert.equal(logs.view("n199", { after: 0 }).lines.length, 200);
});

Deno.test("of an agent of an earlier release the ends of the steps are shown", () => {
  const { logs, texts } = open();
  logs.add(ORDER, { step: "plan", state: "running", elapsedMs: 1 });
  logs.add(ORDER, { step: "plan", state: "done", elapsedMs: 1, message: "1 disk" });
  assert.deepEqual(texts(0), ["plan: done, 1 disk"]);
});
