import assert from "node:assert/strict";
import type { StepReport } from "#contract/api.ts";
import { Deployments } from "./deployments.ts";
import { emptyDatabase, ON_POSTGRES } from "./testing/test_database.ts";

const VERSION = { image: "web", version: 1 };

function open({ db = emptyDatabase(), time = { ms: 0 } } = {}) {
  return { db, time, deployments: new Deployments(db, { now: () => time.ms }) };
}

const step = (name: StepReport["step"], state: StepReport["state"] = "running"): StepReport => ({
  step: name,
  state,
  elapsedMs: 1,
});

/** Arms and enrols the nodes. */
function installing(deployments: Deployments, ...nodes: string[]) {
  const { secrets } = deployments.arm(nodes, VERSION);
  return nodes.map((node) => {
    const enrolled = deployments.enrol(secrets.get(node) ?? "");
    assert.ok(enrolled);
    return enrolled;
  });
}

Deno.test("the disks of an installation are remembered, also those that an earlier release recorded", () => {
  const { db, deployments } = open();
  const [enrolled] = installing(deployments, "a");
  assert.ok(enrolled);
  const disks = [{ layoutDisk: 0, serial: "S1" }, { layoutDisk: 1, byPath: "/dev/disk/by-path/pci-1" }];
  deployments.report(enrolled.assignment, { ...step("plan", "done"), disks });
  deployments.report(enrolled.assignment, step("finish", "done"));
  assert.deepEqual(deployments.installedDisks("a"), disks);
  const [report] = deployments.log("a");
  const { disks: _, ...old } = { ...report, disk: { serial: "S1" } };
  db.prepare("UPDATE reports SET report = ? WHERE step = 'plan'").run(JSON.stringify(old));
  assert.deepEqual(deployments.installedDisks("a"), [{ layoutDisk: 0, serial: "S1" }]);
});

Deno.test("the disks that an order began to write are the node's, whether it got to its end or not", () => {
  const { deployments } = open();
  const disk = (serial: string) => [{ layoutDisk: 0, serial }];
  const begin = (serial: string, ...steps: StepReport[]) => {
    const [enrolled] = installing(deployments, "a");
    assert.ok(enrolled);
    const { assignment } = enrolled;
    for (const report of [{ ...step("plan", "done"), disks: disk(serial) }, ...steps]) {
      deployments.report(assignment, report);
    }
    return assignment;
  };
  const first = begin("S1");
  assert.equal(deployments.installedDisks("a"), undefined, "planned only");
  deployments.report(first, step("partition", "running"));
  assert.deepEqual(deployments.installedDisks("a"), disk("S1"), "the same order goes on after a power cut");
  deployments.report(first, { ...step("plan", "done"), disks: disk("S2") });
  deployments.report(first, step("guard", "failed"));
  assert.deepEqual(deployments.installedDisks("a"), disk("S1"), "S2 was not written");
  begin("S3", step("guard", "failed"));
  assert.deepEqual(deployments.installedDisks("a"), disk("S1"));
  begin("S4", step("partition", "done"), step("install", "failed"));
  assert.deepEqual(deployments.installedDisks("a"), disk("S4"));
});

Deno.test("a boot secret enrols once, and only its own node", () => {
  const { deployments } = open();
  const secret = deployments.arm(["a", "b"], VERSION).secrets.get("a") ?? "";
  assert.equal(deployments.enrol(secret)?.assignment.node, "a");
  assert.equal(deployments.enrol(secret), undefined);
  assert.equal(deployments.active("a")?.state, "installing");
  assert.equal(deployments.active("b")?.state, "armed");
});

Deno.test("the finished step disarms for good; its session may repeat it after a lost answer, and nothing else", () => {
  const { deployments } = open();
  const [enrolled] = installing(deployments, "a");
  const late = deployments.issueBootSecret("a");
  assert.ok(enrolled && late !== undefined);
  deployments.report(enrolled.assignment, step("finish", "done"));
  assert.equal(deployments.progress("a").assignment?.state, "installed");
  assert.equal(deployments.active("a"), undefined);
  assert.equal(deployments.issueBootSecret("a"), undefined);
  assert.equal(deployments.enrol(late), undefined);
  const again = deployments.ofSession(enrolled.session);
  assert.ok(again);
  assert.equal(deployments.report(again, step("finish", "done")).state, "installed");
  assert.deepEqual(deployments.log("a").map((r) => `${r.step} ${r.state}`), ["finish done"]);
  deployments.arm(["a"], VERSION);
  assert.equal(deployments.ofSession(enrolled.session), undefined);
});

Deno.test("a failed step disarms, and the node stays failed whatever it reports later", () => {
  const { deployments } = open();
  const [enrolled] = installing(deployments, "a");
  assert.ok(enrolled);
  deployments.report(enrolled.assignment, step("partition", "failed"));
  assert.equal(deployments.issueBootSecret("a"), undefined);
  const later = deployments.ofSession(enrolled.session);
  assert.ok(later);
  assert.equal(deployments.report(later, step("finish", "done")).state, "failed");
  assert.equal(deployments.progress("a").assignment?.state, "failed");
});

Deno.test("a node that boots again while it installs gets a fresh secret; its old session ends", () => {
  const { deployments } = open();
  const [enrolled] = installing(deployments, "a");
  const again = deployments.enrol(deployments.issueBootSecret("a") ?? "");
  assert.ok(enrolled && again);
  assert.equal(deployments.ofSession(enrolled.session), undefined);
  assert.equal(deployments.ofSession(again.session)?.node, "a");
});

Deno.test("cancelling an armed node restores its earlier state; an installing one is aborted, not failed, and learns of it", () => {
  const { deployments } = open();
  const { secrets } = deployments.arm(["a"], VERSION);
  assert.equal(deployments.cancel("a")?.state, "cancelled");
  assert.equal(deployments.cancel("a"), undefined);
  assert.deepEqual(deployments.progress("a"), {});
  assert.equal(deployments.enrol(secrets.get("a") ?? ""), undefined);

  const [enrolled] = installing(deployments, "a");
  assert.equal(deployments.cancel("a")?.state, "aborted");
  const session = deployments.ofSession(enrolled?.session ?? "");
  assert.ok(session?.state === "aborted");
  assert.equal(
    deployments.report(session, { step: "install", state: "failed", elapsedMs: 1 }).state,
    "aborted",
  );
});

Deno.test("a new order replaces one that had not begun, with its secrets", () => {
  const { deployments } = open();
  const old = deployments.arm(["a"], VERSION).secrets.get("a") ?? "";
  deployments.arm(["a"], { image: "web", version: 2 });
  assert.equal(deployments.enrol(old), undefined);
  assert.equal(deployments.active("a")?.version, 2);
});

Deno.test("a deployment's own seeding policy is kept as long as the deployment", () => {
  const { deployments, db } = open();
  const { deployment } = deployments.arm(["a"], { ...VERSION, seed: { mode: "none" } });
  assert.deepEqual(open({ db }).deployments.seedOf(deployment), { mode: "none" });
  const { deployment: second } = deployments.arm(["a"], VERSION);
  assert.equal(deployments.seedOf(second), undefined);
  for (let i = 0; i < 5; i++) deployments.arm(["a"], VERSION);
  assert.equal(deployments.seedOf(deployment), undefined);
});

Deno.test("the parts of a deployment are its nodes that began or still wait, with the times of their steps", () => {
  const { deployments } = open();
  const { deployment, secrets } = deployments.arm(["a", "b", "c"], VERSION);
  const { assignment } = deployments.enrol(secrets.get("a") ?? "") ?? assert.fail();
  deployments.cancel("c");
  deployments.report(assignment, { ...step("plan", "done"), elapsedMs: 70 });
  deployments.report(assignment, step("install"));
  assert.deepEqual(deployments.parts(deployment).map((p) => `${p.node} ${p.state}`), [
    "a installing",
    "b armed",
  ]);
  assert.deepEqual(deployments.installing(VERSION), ["a"]);
  assert.deepEqual(deployments.stepTimes(deployment).map((t) => [t.node, t.step, t.elapsedMs]), [
    ["a", "plan", 70],
  ]);
});

Deno.test("the log has one line for each finished step, and the running step", () => {
  const { deployments } = open();
  const [enrolled] = installing(deployments, "a");
  assert.ok(enrolled);
  const { assignment } = enrolled;
  for (const state of ["running", "running", "done"] as const) {
    deployments.report(assignment, step("plan", state));
  }
  deployments.report(assignment, step("guard"));
  assert.deepEqual(deployments.log("a").map((r) => `${r.step} ${r.state}`), ["plan done", "guard running"]);
});

Deno.test("the log of one deployment is bounded", () => {
  const { deployments } = open();
  const [enrolled] = installing(deployments, "a");
  assert.ok(enrolled);
  for (let i = 0; i < 300; i++) {
    deployments.report(enrolled.assignment, step(i % 2 === 0 ? "plan" : "guard", "done"));
  }
  assert.equal(deployments.log("a").length, 200);
});

Deno.test("orders, secrets and logs survive a restart", () => {
  const { deployments, db } = open();
  const { secrets } = deployments.arm(["a", "b"], VERSION);
  const session = deployments.enrol(secrets.get("a") ?? "")?.session ?? "";
  deployments.report(deployments.ofSession(session) ?? assert.fail(), step("plan", "done"));
  const { deployments: restarted } = open({ db });
  assert.equal(restarted.ofSession(session)?.state, "installing");
  assert.equal(restarted.progress("a").report?.step, "plan");
  assert.equal(restarted.enrol(secrets.get("b") ?? "")?.assignment.node, "b");
  assert.deepEqual(restarted.queries.nodesWaitingFor(VERSION).sort(), ["a", "b"]);
});

Deno.test("no secret is in the database", () => {
  const { deployments, db } = open();
  const secret = deployments.arm(["a"], VERSION).secrets.get("a") ?? "";
  const session = deployments.enrol(secret)?.session ?? "";
  const rows = db.prepare("SELECT hash FROM tokens").all() as { hash: Uint8Array }[];
  assert.equal(rows.length, 1);
  assert.ok(rows.every(({ hash }) => hash.length === 32 && !Buffer.from(hash).includes(session)));
});

Deno.test("the latest installation is assigned to a node; a finished dry run does not change that", () => {
  const { deployments } = open();
  const run = (version: number, dryRun?: boolean) => {
    const restore = dryRun === undefined ? undefined : { keep: ["/srv"], dryRun };
    const { deployment, secrets } = deployments.arm(["a"], { image: "web", version, restore });
    assert.deepEqual(deployments.restoreOf(deployment), restore);
    const enrolled = deployments.enrol(secrets.get("a") ?? "");
    assert.ok(enrolled);
    deployments.report(enrolled.assignment, step("finish", "done"));
    return deployments.assigned("a")?.version;
  };
  assert.equal(deployments.assigned("a"), undefined);
  assert.deepEqual([run(1), run(2, true), run(3, false), run(4, true)], [1, 1, 3, 3]);
});

// the trigger is SQLite's
Deno.test("the orders of many nodes are cancelled all or none", { ignore: ON_POSTGRES }, () => {
  const { db, deployments } = open();
  const nodes = ["a", "b", "c"];
  deployments.arm(nodes, VERSION);
  const states = () => nodes.map((node) => deployments.active(node)?.state);
  db.exec(`CREATE TEMP TRIGGER full BEFORE UPDATE ON assignments WHEN OLD.node = 'c'
    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  const ended: string[] = [];
  assert.throws(() => deployments.cancelAll(nodes, { also: (node) => ended.push(node) }), /disk is full/);
  assert.deepEqual(states(), ["armed", "armed", "armed"]);
  db.exec("DROP TRIGGER full");
  ended.length = 0;
  const cancelled = deployments.cancelAll([...nodes, "d"], { also: (node) => ended.push(node) });
  assert.deepEqual(cancelled.map(({ state }) => state), ["cancelled", "cancelled", "cancelled"]);
  assert.deepEqual([states(), ended], [[undefined, undefined, undefined], nodes]);
});

Deno.test("an old deployment that is forgotten is looked at once, not once for each node", () => {
  const { db, deployments } = open();
  const nodes = Array.from({ length: 50 }, (_, i) => `n${i}`);
  const looked: string[] = [], parts = deployments.parts.bind(deployments);
  deployments.parts = (deployment) => {
    looked.push(deployment);
    return parts(deployment);
  };
  const terms = { order: { image: "web" } as const };
  const ordered = Array.from(
    { length: 6 },
    () => deployments.arm(nodes, { ...VERSION, ...terms }).deployment,
  );
  assert.deepEqual(looked, [ordered[0]]);
  assert.equal(deployments.orderOf(ordered[1] ?? "")?.image, "web");
  const kept = db.prepare("SELECT count(*) AS n FROM deployment_orders WHERE deployment = ?");
  assert.equal(kept.get(ordered[0] ?? "")?.n, 0);
});
