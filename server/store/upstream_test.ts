import assert from "node:assert/strict";
import type { HistoryEvent } from "#contract/api/node_history.ts";
import type { RelayEvent } from "#contract/api/sites.ts";
import { NodeHistory } from "./node_history.ts";
import { Nodes } from "./nodes.ts";
import { SiteTable } from "./sites.ts";
import { UpstreamTable } from "./upstream.ts";
import { emptyDatabase } from "./testing/test_database.ts";

const AT = "2026-11-30T00:00:00Z";
const event = (result: HistoryEvent["result"]): HistoryEvent => ({ kind: "deployment", at: AT, result });
const ALL = { limit: 100, maxBytes: 1 << 20 };
const NO_TOKEN = { url: "https://h", pin: "p", privateKey: "k", tokenHash: new Uint8Array(32) };

Deno.test("an event waits once however often it changes, and a change while it is reported waits again", () => {
  using db = emptyDatabase();
  const nodes = new Nodes(db, { now: () => 0 }), history = new NodeHistory(db);
  const { id } = nodes.put("n1", {});
  history.put(id, "d0", event("done"));
  const table = new UpstreamTable(db);
  table.begin(NO_TOKEN);
  table.startQueue();
  assert.deepEqual(table.waiting(ALL).events.map(({ ref }) => ref), ["d0"], "what was there before");
  table.reported(table.waiting(ALL).upTo);

  for (const result of ["waiting", "running"] as const) history.put(id, "d1", event(result));
  history.put(id, "d2", event("running"));
  const { events, upTo } = table.waiting(ALL);
  assert.deepEqual(events.map(({ node, ref, event }) => [node, ref, event.result]), [
    ["n1", "d1", "running"],
    ["n1", "d2", "running"],
  ]);
  history.put(id, "d1", event("done"));
  table.reported(upTo);
  assert.deepEqual(table.waiting(ALL).events.map(({ ref, event }) => [ref, event.result]), [["d1", "done"]]);

  history.forget(id);
  table.reported(table.waiting(ALL).upTo);
  assert.equal(table.queued, 0, "an event that is no longer kept does not wait for ever");
  table.forget();
  history.put(id, "d3", event("done"));
  assert.equal(table.queued, 0);
});

Deno.test("a report is bounded, but never empty while something waits", () => {
  using db = emptyDatabase();
  const nodes = new Nodes(db, { now: () => 0 }), history = new NodeHistory(db);
  const { id } = nodes.put("n1", {});
  const table = new UpstreamTable(db);
  table.startQueue();
  for (let i = 0; i < 10; i++) history.put(id, `d${i}`, { ...event("done"), details: ["x".repeat(400)] });
  assert.equal(table.waiting({ limit: 3, maxBytes: 1 << 20 }).events.length, 3);
  assert.equal(table.waiting({ limit: 100, maxBytes: 1200 }).events.length, 2);
  assert.equal(table.waiting({ limit: 100, maxBytes: 1 }).events.length, 1);
});

Deno.test("an event that a relay sends again is written once, with what it last was", () => {
  using db = emptyDatabase();
  const sites = new SiteTable(db);
  const sent = (ref: string, result: HistoryEvent["result"]): RelayEvent => ({
    nodeId: "1",
    node: "n1",
    ref,
    event: event(result),
  });
  const report = (events: RelayEvent[]) =>
    sites.report("paris", { rackseed: "1", nodes: [], mirror: [], events }, {
      address: "10.0.0.1",
      nowMs: 0,
    });
  sites.add("paris", { nowMs: 0 });
  report([sent("d1", "running"), sent("d2", "running")]);
  report([sent("d1", "running"), sent("d2", "done")]);
  const list = sites.events("paris", { before: undefined, node: undefined, limit: 10 });
  assert.deepEqual(list.map(({ event }) => event.result), ["done", "running"]);
  sites.remove("paris");
  assert.deepEqual(sites.events("paris", { before: undefined, node: undefined, limit: 10 }), []);
});
