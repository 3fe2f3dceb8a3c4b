import assert from "node:assert/strict";
import type { CaptureView } from "#contract/api.ts";
import { AuditLog } from "./audit_log.ts";
import { Captures } from "./captures.ts";
import { Deployments } from "./deployments.ts";
import { NodeHistory } from "./node_history.ts";
import { Nodes } from "./nodes.ts";
import { dropTrigger } from "./schema.ts";
import { emptyDatabase } from "./testing/test_database.ts";

const now = () => Date.parse("2026-06-30T12:00:00Z");
const all = { before: undefined, limit: 100 };

Deno.test("a database of an earlier release begins its histories with what it still has", () => {
  const db = emptyDatabase();
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const { id } = nodes.put("n1", {});
  deployments.arm([id], { image: "web", version: 1, backup: { level: 9, excludes: [] } });
  deployments.arm([id], { image: "web", version: 2 });
  const audit = new AuditLog(db, { now });
  audit.record({ who: "anna", address: "::1", action: "node.deploy", nodes: ["n1"], images: [] }, {
    result: "done",
    status: 200,
  });
  // as an earlier release left it
  dropTrigger(db, "audit_names_nodes", { table: "audit" });
  db.exec("DROP TABLE node_history; DROP TABLE audit_of_node");
  const events = new NodeHistory(db).list(id, all).map((
    { event: { kind, result, image } },
  ) => [kind, result, image]);
  assert.deepEqual(events, [["deployment", "waiting", "web@2"], ["backup", "cancelled", "web@1"]]);
  assert.equal(new AuditLog(db, { now }).ofNodes(["n1"], { limit: 9 })[0]?.who, "anna");
});

Deno.test("a backup by the node's agent is an event of its node; one at its boot is a part of its order", () => {
  const db = emptyDatabase();
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const captures = new Captures(db), history = new NodeHistory(db);
  const { id } = nodes.put("N1", {});
  const view = (id: string, change: Partial<CaptureView>): CaptureView => ({
    id,
    image: "n1",
    template: "N1",
    state: "waiting",
    started: new Date(now()).toISOString(),
    notes: [],
    ...change,
  });
  captures.save(view("c1", {}));
  captures.save(view("c1", { state: "published", version: 4 }));
  captures.save(view("c2", { template: "no-node" }));
  const { secrets } = deployments.arm([id], { image: "web", version: 1, backup: { level: 9, excludes: [] } });
  deployments.enrol(secrets.get(id) ?? "");
  captures.save(view("c3", { state: "published", version: 5 }));
  assert.deepEqual(
    history.list(id, all).map((
      { event: { kind, result, image, details } },
    ) => [kind, result, image, details]),
    [["backup", "running", "web@1", ["n1@5"]], ["backup", "done", "n1@4", undefined]],
  );
});

Deno.test("of each node the latest events are kept, and they are gone with it", () => {
  const db = emptyDatabase(), history = new NodeHistory(db);
  const at = new Date(now()).toISOString();
  db.exec("BEGIN");
  for (let i = 0; i < 600; i++) {
    history.put("a", `e ${i}`, { kind: "power", at, result: "done", details: [`${i}`] });
  }
  db.exec("COMMIT");
  history.put("b", "e", { kind: "power", at, result: "done" });
  const kept = history.list("a", { before: undefined, limit: 1000 });
  assert.deepEqual([kept.length, kept[0]?.event.details, kept.at(-1)?.event.details], [500, ["599"], [
    "100",
  ]]);
  history.forget("a");
  assert.deepEqual([history.list("a", all).length, history.list("b", all).length], [0, 1]);
});
