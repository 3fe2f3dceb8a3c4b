import assert from "node:assert/strict";
import type { CheckResult } from "#contract/api/checks.ts";
import { NodeChecks } from "../../store/node_checks.ts";
import { Nodes } from "../../store/nodes.ts";
import { Templates } from "../../store/templates.ts";
import { Checks } from "./checks.ts";
import { emptyDatabase } from "../../store/testing/test_database.ts";

const SETTINGS = { keep: ["/srv"], driftThreshold: 2 };

/** Real records, and a fleet in which each node has the image web@3. */
function open() {
  const db = emptyDatabase();
  const clock = { ms: Date.parse("2026-06-30T12:00:00Z") };
  const now = () => clock.ms;
  const nodes = new Nodes(db, { now }), store = new NodeChecks(db), templates = new Templates(db, { now });
  const seen = { woken: 0, changed: 0, image: "web@3" };
  const make = () =>
    new Checks(
      {
        fleet: {
          get: () => ({ armed: false, image: seen.image }),
          leftMounts: () => ["/data"],
          changed: () => void seen.changed++,
        },
        images: {
          get: () => ({ id: "a".repeat(64) }),
          settings: () => SETTINGS,
          plainManifest: () => Promise.resolve(new Uint8Array(3)),
        },
        nodes,
        checks: store,
        templates,
        wake: () => void seen.woken++,
        now,
      } as unknown as ConstructorParameters<typeof Checks>[0],
    );
  const connect = (name: string) => {
    nodes.put(name, {});
    templates.announce({ name, lacks: [] }, { address: "10.0.0.9" });
  };
  return { clock, nodes, store, seen, make, checks: make(), connect };
}

const RESULT: CheckResult = {
  entries: 10,
  changed: 1,
  missing: 1,
  foreign: 1,
  differences: [{ path: "/etc/motd", what: "changed" }],
  notes: [],
  readBytes: 1,
  elapsedMs: 1,
  cpuMs: 1,
};

Deno.test("an order has the image's terms and its own, is given once, and ends with its result", () => {
  const { checks, store, nodes, seen, connect } = open();
  connect("n1");
  const { ordered: [first] } = checks.order({ nodes: ["n1"], keep: ["/opt"], check: "content" });
  assert.equal(seen.woken, 1);
  assert.deepEqual(checks.orderFor("n1"), {
    check: first?.check,
    image: "web",
    version: 3,
    manifest: "a".repeat(64),
    keep: ["/srv", "/opt"],
    left: ["/data"],
    readsAll: true,
  });
  assert.equal(checks.orderFor("n1"), undefined);
  // the same check, not a second one
  assert.equal(checks.order({ nodes: ["n1"] }).ordered[0]?.check, first?.check);
  const id = first?.check ?? "", { id: node } = nodes.get("n1");
  assert.equal(checks.nodeOf(id), "n1");
  checks.progress(id, { phase: "reading", bytes: 5 });
  assert.deepEqual(store.view(node)?.progress, { phase: "reading", bytes: 5 });
  checks.complete(id, RESULT);
  const { result, state, progress } = checks.report("n1");
  assert.deepEqual([state, progress, result?.drifted, result?.threshold, result?.image], [
    "done",
    undefined,
    true,
    2,
    "web@3",
  ]);
  assert.deepEqual(result?.differences, RESULT.differences);
  assert.throws(() => checks.complete(id, RESULT), { status: 404 });
});

Deno.test("the result stays while a later check waits or fails, and is gone with the node", () => {
  const { checks, store, nodes, connect } = open();
  connect("n1");
  const run = () => {
    const [ordered] = checks.order({ nodes: ["n1"], threshold: 3 }).ordered;
    checks.orderFor("n1");
    return ordered?.check ?? "";
  };
  checks.complete(run(), RESULT);
  assert.equal(checks.report("n1").result?.drifted, false);
  checks.fail(run(), { title: "cannot compare", status: 500, detail: "no", remedy: "look" });
  const { state, problem, result } = checks.report("n1");
  assert.deepEqual([state, problem?.detail, result?.changed], ["failed", "no", 1]);
  store.forget(nodes.get("n1").id);
  assert.throws(() => checks.report("n1"), { status: 404 });
});

Deno.test("nodes without an agent are refused, and do not keep the others from being checked", () => {
  const { checks, nodes, connect } = open();
  connect("n1");
  nodes.put("n2", {});
  const { ordered, refused } = checks.order({ nodes: ["n1", "n2"] });
  assert.deepEqual(ordered.map(({ node }) => node), ["n1"]);
  assert.match(refused[0]?.problem.remedy ?? "", /rackseed node agent n2/);
  assert.throws(() => checks.order({ nodes: ["n2"] }), { status: 409 });
  assert.throws(() => checks.order({ nodes: ["n1", "nobody"] }), { status: 404 });
});

Deno.test("an agent that lost its check is given it again, three times in all; then the check has failed", () => {
  const { clock, make, connect, ...test } = open();
  connect("n1");
  let { checks } = test;
  checks.order({ nodes: ["n1"] });
  for (let given = 1; given <= 3; given++) {
    assert.ok(checks.orderFor("n1"), `time ${given}`);
    // a restart of the server forgets when it heard of the agent, and gives it the time to report
    checks = make();
    assert.equal(checks.orderFor("n1"), undefined);
    checks.endAbandoned();
    clock.ms += 120_000;
  }
  assert.equal(checks.orderFor("n1"), undefined);
  checks.endAbandoned();
  assert.match(checks.report("n1").problem?.detail ?? "", /began several times/);
});

Deno.test("an order that no agent takes ends after an hour", () => {
  const { clock, checks, connect } = open();
  connect("n1");
  checks.order({ nodes: ["n1"] });
  clock.ms += 59 * 60_000;
  checks.endAbandoned();
  assert.equal(checks.report("n1").state, "waiting");
  clock.ms += 60_000;
  checks.endAbandoned();
  assert.match(checks.report("n1").problem?.detail ?? "", /has not asked for orders/);
});

Deno.test("a node that has got another version since is not compared with the old one", () => {
  const { checks, seen, connect } = open();
  connect("n1");
  checks.order({ nodes: ["n1"] });
  seen.image = "web@4";
  assert.equal(checks.orderFor("n1"), undefined);
  assert.match(checks.report("n1").problem?.detail ?? "", /another version/);
  seen.image = "web@3";
  const [ordered] = checks.order({ nodes: ["n1"] }).ordered;
  checks.orderFor("n1");
  seen.image = "web@4";
  checks.complete(ordered?.check ?? "", RESULT);
  const { state, result } = checks.report("n1");
  assert.deepEqual([state, result], ["failed", undefined]);
});
