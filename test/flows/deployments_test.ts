/** Deployments as a whole, with a real swarm of agents and through the API of a complete server. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  DeployAnswer,
  DeploymentComparison,
  DeploymentProgress,
  DeploymentSummary,
  DeploymentView,
  NodeView,
  type StepReport,
} from "#contract/api.ts";
import { SwarmSettings } from "#contract/api/distribution.ts";
import { z } from "zod";
import { runInstall } from "../../agent/install_command.ts";
import { waitFor } from "../support/wait_for.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;
const FILE_BYTES = 8 << 20, FILES = 3;
const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`);

async function order(
  test: ServerUnderTest,
  nodes: readonly string[],
  terms: object = {},
): Promise<DeployAnswer> {
  const body = { nodes, image: "web", ...terms };
  return await test.client.post("/deployments", { body, schema: DeployAnswer });
}

async function addNodes({ client }: ServerUnderTest, nodes: readonly string[]): Promise<void> {
  for (const name of nodes) await client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
}

const viewOf = ({ client }: ServerUnderTest, id: string) => client.get(`/deployments/${id}`, DeploymentView);

Deno.test("a real swarm of agents leaves a curve that says who fed it, kept over a restart and compared", async () => {
  await using test = await ServerUnderTest.start();
  const root = `${test.folder}/image`, { server } = test.server.urls;
  await Deno.mkdir(root);
  for (let i = 0; i < FILES; i++) await Deno.writeFile(`${root}/${i}`, randomBytes(FILE_BYTES));
  await test.publish("web", { root });
  await addNodes(test, names(3));
  // slow enough that the nodes feed each other
  await test.client.post("/swarm", { body: { uploadLimit: 10e6 }, schema: SwarmSettings });
  const ids: string[] = [];
  for (const round of [1, 2]) {
    const { deployment, nodes } = await order(test, names(3));
    ids.push(deployment);
    await Promise.all(nodes.map(({ node, token }) => {
      const target = `${test.folder}/${node}-${round}`;
      return Deno.mkdir(target).then(() =>
        runInstall({ server, token, target, signal: new AbortController().signal })
      );
    }));
  }
  const progressOf = (id: string) => test.client.get(`/deployments/${id}/progress`, DeploymentProgress);
  const [first = "", second = ""] = ids;
  const { curve, started = "", ended = "", secondsLeft } = await waitFor("the end", async () => {
    const progress = await progressOf(second);
    return progress.ended !== undefined && progress;
  });
  const last = <T>(column: readonly T[]) => column.at(-1);
  assert.deepEqual([last(curve.begun), last(curve.done), last(curve.failed), last(curve.other)], [
    3,
    3,
    0,
    0,
  ]);
  assert.equal(secondsLeft, undefined);
  assert.ok(Date.parse(ended) > Date.parse(started));
  const total = (last(curve.server) ?? 0) + (last(curve.web) ?? 0) + (last(curve.peers) ?? 0);
  const image = FILES * FILE_BYTES;
  assert.ok(total >= 3 * image && total < 3.6 * image, `${total} bytes came in, and the image has ${image}`);
  assert.ok((last(curve.peers) ?? 0) > image / 2, `the nodes gave each other ${last(curve.peers)}`);
  await test.restart();
  assert.deepEqual((await progressOf(second)).curve, curve);
  const compared = await test.client.get(`/deployments/${second}/comparison`, DeploymentComparison);
  assert.deepEqual(compared.map(({ id, done }) => [id, done]), [[second, 3], [first, 3]]);
  for (const { p50Seconds = 0, p90Seconds = 0, wallSeconds = 0, steps, bytes } of compared) {
    assert.ok(0 < p50Seconds && p50Seconds <= p90Seconds && wallSeconds > 0);
    assert.ok(steps.some(({ step }) => step === "install"));
    assert.ok(bytes.server > 0);
  }
  const listed = await test.client.get("/deployments", z.array(DeploymentSummary));
  assert.deepEqual(listed.map(({ id, by, ended }) => [id, by, ended !== undefined]), [
    [second, "admin token", true],
    [first, "admin token", true],
  ]);
});

Deno.test("failures are grouped by cause, and the failed nodes alone are ordered again, by the same terms", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  await test.publish("web", { root: SOURCES });
  await addNodes(test, names(5));
  const terms = { image: "web@1", identity: "keep", seed: { mode: "none" }, firstBootSeconds: 77 };
  const { deployment, nodes } = await order(test, names(5), terms);
  for (const [i, { token }] of nodes.slice(0, 4).entries()) {
    const { agent } = await test.enrol(token);
    using _agent = agent;
    const report = (json: StepReport) => agent.send("POST", "/node/report", { json });
    const title = `cannot format /dev/sd${"abcd"[i]}1 of n${i + 1}`;
    const problem = { title, status: 500, detail: "busy.", remedy: "detach it." };
    if (i < 3) await report({ step: "format", state: "failed", elapsedMs: 5, problem });
    else await report({ step: "install", state: "running", elapsedMs: 5 });
  }
  await test.client.post("/nodes/n4/cancel", { body: {}, schema: NodeView });
  const { failures = [] } = await viewOf(test, deployment);
  assert.deepEqual(failures.map(({ step, title, nodes, remedy }) => [step, title, nodes, remedy]), [
    ["format", "cannot format /dev/… of …", ["n1", "n2", "n3"], "detach it."],
    ["install", "cancelled during the installation", ["n4"], "deploy the node again."],
  ]);
  // it has another order since
  await order(test, ["n3"]);
  const retry = (body: object) =>
    test.client.post(`/deployments/${deployment}/retry`, { body, schema: DeployAnswer });
  await assert.rejects(retry({ nodes: ["n3"] }), { status: 409, reason: /another order since: n3/ });
  await assert.rejects(retry({ nodes: ["n5"] }), { status: 409, reason: /have not failed/ });
  const again = await retry({});
  assert.deepEqual([again.image, again.nodes.map(({ node }) => node)], ["web@1", ["n1", "n2", "n4"]]);
  const { seed } = await viewOf(test, again.deployment);
  assert.deepEqual(seed, { mode: "none" });
  const { agent, order: given } = await test.enrol(again.nodes[0]?.token);
  agent[Symbol.dispose]();
  assert.equal(given.identity.mode, "keep");
  await assert.rejects(retry({}), { status: 409 });
});

Deno.test("a deployment is cancelled in part, then as a whole, and a paused one says who paused it", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  await addNodes(test, names(4));
  const { deployment, nodes } = await order(test, names(4));
  (await test.enrol(nodes[0]?.token)).agent[Symbol.dispose]();
  const post = (verb: string, body: object = {}) =>
    test.client.post(`/deployments/${deployment}/${verb}`, { body, schema: z.unknown() });
  await post("pause");
  assert.equal((await viewOf(test, deployment)).paused?.by, "admin token");
  assert.equal((await test.client.get("/nodes/n2", NodeView)).paused, true);
  await post("resume");
  assert.deepEqual(await post("cancel", { nodes: ["n2"] }), { nodes: ["n2"] });
  await assert.rejects(post("cancel", { nodes: ["n2"] }), { status: 409, reason: /not part of it: n2/ });
  assert.deepEqual(await post("cancel"), { nodes: ["n1", "n3", "n4"] });
  const { nodes: left } = await viewOf(test, deployment);
  assert.deepEqual(left.map(({ node, state }) => [node, state]), [["n1", "aborted"]]);
  await assert.rejects(post("cancel"), { status: 409 });
});
