/** The Ansible module rackseed_deployment, run by the real Ansible against a real server, in two minutes: `deno task ansible`. */
import assert from "node:assert/strict";
import { z } from "zod";
import { AuditPage } from "#contract/api/audit.ts";
import { DeploymentSummary, DeploymentView, NodeView } from "#contract/api.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { Ansible, type Task, type TaskResult } from "../support/ansible.ts";
import { waitFor } from "../support/wait_for.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;

/** A server with web@1 and the nodes n1 to n4. */
async function start(): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  const json = [1, 2, 3, 4].map((i) => ({ node: `n${i}`, settings: {} }));
  await test.client.send("PUT", "/nodes", { json });
  return test;
}

function accessTo({ server }: ServerUnderTest): Record<string, string> {
  return { RACKSEED_SERVER: server.urls.server, RACKSEED_TOKEN: server.token };
}

const order = (args: object, check?: true): Task => ({ module: "deployment", args, ...check && { check } });
/** What it did with the nodes, or why it failed. */
const did = ({ changed, ordered, under_way, unchanged, failed, msg }: TaskResult) =>
  failed ? msg : { changed, ordered, under_way, unchanged };

Deno.test("nodes are ordered once, after check mode has shown which, and those that are not done are named", async () => {
  await using ansible = await Ansible.install();
  if (!ansible) return;
  await using test = await start();
  const both = { nodes: ["n1", "n2"], image: "web", wait: false };
  const results = await ansible.play([
    order(both, true),
    order(both),
    order({ ...both, nodes: ["n2", "n1", "n2"] }),
    order({ ...both, wait: true, wait_timeout: 1 }),
    order({ ...both, nodes: ["n1", "n8", "n9"] }),
    order({ ...both, image: "nothing" }),
    order({ ...both, keep: ["/srv"] }),
    order({ nodes: ["n3"], kind: "restore", wait: false }),
    order({ ...both, nodes: ["n3"], power: {} }),
  ], accessTo(test));
  const [checked, ordered, again, late, unknown, noImage, keeps, nothingToRestore, noPower] = results;
  assert.ok(checked && ordered && again && late);
  assert.deepEqual(did(checked), { changed: true, ordered: ["n1", "n2"], under_way: [], unchanged: [] });
  assert.deepEqual(checked.diff, {
    before: { n1: "no image, idle", n2: "no image, idle" },
    after: { n1: "web@1", n2: "web@1" },
  });
  const plans = z.array(z.looseObject({ node: z.string(), outcome: z.string() })).parse(checked.plans);
  assert.deepEqual(plans.map(({ node, outcome }) => [node, outcome]), [["n1", "unknown"], ["n2", "unknown"]]);
  assert.deepEqual(did(ordered), did(checked));
  assert.deepEqual(did(again), {
    changed: false,
    ordered: [],
    under_way: ["n2", "n1"],
    unchanged: [],
  });
  assert.match(
    late.msg ?? "",
    /^2 of 2 nodes failed\. n1: it was not done within 1 s: .*waiting for its network boot/,
  );
  assert.match(unknown?.msg ?? "", /^cannot find n8, n9: /);
  assert.match(noImage?.msg ?? "", /nothing.*Remedy: /);
  assert.equal(keeps?.msg, "kind=deployment does not take keep.");
  assert.match(nothingToRestore?.msg ?? "", /no image is assigned to it/);
  assert.match(noPower?.msg ?? "", /n3.*Remedy: /);

  const deployment = z.string().parse(ordered.deployment);
  const { nodes } = await test.client.get(`/deployments/${deployment}`, DeploymentView);
  assert.deepEqual(nodes.map(({ node, state }) => [node, state]), [["n1", "armed"], ["n2", "armed"]]);
  assert.equal((await test.client.get("/deployments", z.array(DeploymentSummary))).length, 1);
  const { entries } = await test.client.get("/audit", AuditPage);
  const done = entries.filter(({ action, outcome }) =>
    action === "node.deploy" && outcome?.result === "done"
  );
  assert.equal(done.length, 1);
});

const PROBLEM = { title: "cannot write n3", detail: "its disk is gone.", remedy: "replace it.", status: 500 };

Deno.test("the wait ends when all are done or failed, with each failure's cause, and done nodes are left alone", async () => {
  await using ansible = await Ansible.install();
  if (!ansible) return;
  await using test = await start();
  const tokens = await test.deploy(["n3", "n4"]);
  const playing = ansible.play([
    order({ nodes: ["n2", "n3", "n4"], image: "web", wait_timeout: 600 }),
    order({ nodes: ["n4"], image: "web" }),
    order({ nodes: ["n4"], image: "web", force: true }, true),
    order({ nodes: ["n3"], image: "web", wait: false }, true),
    order({ nodes: ["n4"], kind: "restore", force: true, wait: false, keep: ["/srv"] }),
    order({ nodes: ["n4"], kind: "restore", wait: false }),
  ], accessTo(test));
  const ends = [{ step: "partition", state: "failed", problem: PROBLEM }, { step: "finish", state: "done" }];
  // it has looked at all of them
  await waitFor("n2 to be ordered", async () => {
    return (await test.client.get("/nodes/n2", NodeView)).armed || undefined;
  }, { timeoutMs: 300_000, everyMs: 100 });
  for (const [i, token] of tokens.entries()) {
    const { agent } = await test.enrol(token);
    await agent.send("POST", "/node/report", { json: { elapsedMs: 1, ...ends[i] } });
    agent[Symbol.dispose]();
  }
  await test.client.send("POST", "/nodes/n2/cancel");
  const [failed, unchanged, forced, retried, restored, again] = await playing;
  assert.ok(failed && unchanged && forced && retried && restored && again);
  assert.equal(
    failed.msg,
    "2 of 3 nodes failed. n2: the order was cancelled: the node is idle. Remedy: order it again, if it is still " +
      "wanted. n3: cannot write n3: its disk is gone. Remedy: replace it.",
  );
  const views = await Promise.all(["n3", "n4"].map((name) => test.client.get(`/nodes/${name}`, NodeView)));
  const shown = z.array(z.looseObject({ name: z.string() })).parse(failed.nodes);
  assert.deepEqual(shown.map(({ name }) => name), ["n2", "n3", "n4"]);
  assert.deepEqual(shown.slice(1), [
    { name: "n3", id: views[0]?.id, state: "failed", image: "web@1", problem: PROBLEM },
    { name: "n4", id: views[1]?.id, state: "installed", image: "web@1" },
  ]);
  assert.deepEqual(did(unchanged), { changed: false, ordered: [], under_way: [], unchanged: ["n4"] });
  assert.deepEqual([forced.changed, forced.ordered], [true, ["n4"]]);
  assert.deepEqual([retried.changed, retried.ordered], [true, ["n3"]]);
  assert.deepEqual([restored.changed, restored.image], [true, "web@1"]);
  assert.deepEqual([again.changed, again.under_way], [false, ["n4"]]);
  assert.deepEqual([views[1]?.state, views[1]?.restore?.keep], ["armed", ["/srv"]]);
});
