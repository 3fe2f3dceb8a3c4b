/** Distribution of an image, through the API of a complete server: limits, racks, seeding, the slowest node. */
import assert from "node:assert/strict";
import {
  DeployAnswer,
  DeploymentView,
  NodeView,
  type Order,
  ReportAnswer,
  type StepReport,
} from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import {
  type InstallTimes,
  type SeedPolicy,
  type SwarmChange,
  SwarmSettings,
} from "#contract/api/distribution.ts";
import { SwarmTerms } from "../../agent/steps/swarm_terms.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/contract", import.meta.url).pathname;
const TIMES: InstallTimes = {
  workers: 1,
  starvedMs: 9000,
  busyMs: 1000,
  blockedMs: 0,
  mainMs: 100,
  fetchedBytes: 1e8,
  fetchMs: 10_000,
};
const step = (name: StepReport["step"], over: Partial<StepReport> = {}): StepReport => ({
  step: name,
  state: "running",
  elapsedMs: 10,
  ...over,
});

interface Agent extends Disposable {
  readonly order: Order;
  report(report: StepReport): Promise<ReportAnswer>;
}

/** A server that has ordered the deployment of the image "web" to the given nodes. */
async function deployed(
  nodes: Record<string, NodeView["settings"]>,
  { seed, site }: { seed?: SeedPolicy; site?: SwarmChange } = {},
) {
  const test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  if (site) await set(test.client, site);
  for (const [name, body] of Object.entries(nodes)) {
    await test.client.put(`/nodes/${name}`, { body, schema: NodeView });
  }
  const answer = await test.client.post("/deployments", {
    body: { nodes: Object.keys(nodes), image: "web", ...(seed && { seed }) },
    schema: DeployAnswer,
  });
  return { test, deployment: answer.deployment, tokens: answer.nodes.map((n) => n.token) };
}

async function enrol(test: ServerUnderTest, token = ""): Promise<Agent> {
  const { agent, order } = await test.enrol(token);
  return {
    order,
    report: (body) => agent.post("/node/report", { body, schema: ReportAnswer }),
    [Symbol.dispose]: () => agent[Symbol.dispose](),
  };
}

const set = (client: ApiClient, body: SwarmChange) => client.post("/swarm", { body, schema: SwarmSettings });
const nodeView = (test: ServerUnderTest, name: string) => test.client.get(`/nodes/${name}`, NodeView);

Deno.test("the site's settings survive a restart, and null clears one", async () => {
  await using test = await ServerUnderTest.start();
  await set(test.client, { uploadLimit: 100e6, rackPrefix: 24, seed: { mode: "for", seconds: 60 } });
  await test.restart();
  const wanted = { uploadLimit: 100e6, rackPrefix: 24, seed: { mode: "for", seconds: 60 } };
  assert.deepEqual(await test.client.get("/swarm", SwarmSettings), wanted);
  const { uploadLimit } = await set(test.client, { uploadLimit: null });
  assert.equal(uploadLimit, undefined);
});

Deno.test("a node's own limit overrides the site's, and changes of either reach an installing node", async () => {
  const { test, tokens } = await deployed(
    { n1: {}, n2: { uploadLimit: 2e6 }, n3: { uploadLimit: "off" } },
    { site: { nodeUploadLimit: 5e6 } },
  );
  await using _test = test;
  const agents = await Promise.all(tokens.map((token) => enrol(test, token)));
  using _agents = disposing(agents);
  assert.deepEqual(agents.map(({ order }) => order.swarm.uploadLimit), [5e6, 2e6, undefined]);
  await set(test.client, { nodeUploadLimit: 1e6 });
  await test.client.put("/nodes/n3", { body: { uploadLimit: 3e6 }, schema: NodeView });
  const answers = await Promise.all(agents.map((agent) => agent.report(step("install"))));
  assert.deepEqual(answers.map((a) => a.uploadLimit), [1e6, 2e6, 3e6]);
});

Deno.test("nodes learn which peers share their rack, by label if known, else by subnet", async () => {
  const { test, tokens } = await deployed({ n1: { rack: "a" }, n2: { rack: "a" }, n3: {} });
  await using _test = test;
  using labelled = await enrol(test, tokens[0]);
  using free = await enrol(test, tokens[2]);
  const terms = new SwarmTerms(labelled.order.swarm), freeTerms = new SwarmTerms(free.order.swarm);
  assert.deepEqual([terms.ownRack, freeTerms.ownRack], ["a", undefined]);

  await set(test.client, { rackPrefix: 24 });
  for (const [agent, t] of [[labelled, terms], [free, freeTerms]] as const) {
    t.follow(await agent.report(step("install", { racks: t.racksRevision })));
  }
  // All nodes of this test have the loopback address.
  assert.deepEqual([terms.ownRack, terms.rackOf("127.0.0.1"), terms.rackOf("10.0.0.1")], [
    "a",
    "a",
    "10.0.0.0/24",
  ]);
  assert.deepEqual([freeTerms.ownRack, freeTerms.rackOf("127.0.0.9")], ["127.0.0.0/24", "127.0.0.0/24"]);
  const again = await labelled.report(step("install", { racks: terms.racksRevision }));
  assert.equal(again.racks, undefined, "what it already knows is not sent again");
});

Deno.test("a finished node seeds while another fetches, the operator sees for whom, and then it stops", async () => {
  const { test, tokens } = await deployed({ n1: {}, n2: {} });
  await using _test = test;
  using n1 = await enrol(test, tokens[0]);
  assert.equal((await n1.report(step("seed"))).seedOn, false, "n2 was not even switched on");
  using n2 = await enrol(test, tokens[1]);
  await n2.report(
    step("install", { progress: { bytesDone: 1, bytesTotal: 9, peers: 1, bytesPerSecond: 1 } }),
  );
  assert.equal((await n1.report(step("seed"))).seedOn, true);
  assert.deepEqual((await nodeView(test, "n1")).seeding, { reason: "keeps seeding for n2", for: ["n2"] });
  await n2.report(step("install", { state: "done", times: TIMES }));
  assert.equal((await n1.report(step("seed"))).seedOn, false);
});

Deno.test("a deployment's own seeding policy overrides the site's, also in the order", async () => {
  const { test, tokens, deployment } = await deployed({ n1: {}, n2: {} }, {
    seed: { mode: "none" },
    site: { seed: { mode: "for", seconds: 600 } },
  });
  await using _test = test;
  using n1 = await enrol(test, tokens[0]);
  using n2 = await enrol(test, tokens[1]);
  assert.equal(n1.order.swarm.seedSeconds, 0);
  await n2.report(step("install"));
  assert.equal((await n1.report(step("seed"))).seedOn, false);
  const { seed } = await test.client.get(`/deployments/${deployment}`, DeploymentView);
  assert.deepEqual(seed, { mode: "none" });
});

Deno.test("a batch reports its slowest node and the reason, also after a restart", async () => {
  const { test, tokens, deployment } = await deployed({ n1: {}, n2: {} });
  await using _test = test;
  const slow = { ...TIMES, blockedMs: 40_000 };
  for (const [i, times] of [TIMES, slow].entries()) {
    using agent = await enrol(test, tokens[i]);
    const elapsedMs = times === slow ? 50_000 : 10_000;
    await agent.report(step("install", { state: "done", elapsedMs, times }));
    await agent.report(step("finish", { state: "done" }));
  }
  for (const restarted of [false, true]) {
    if (restarted) await test.restart();
    const { nodes, slowest } = await test.client.get(`/deployments/${deployment}`, DeploymentView);
    assert.deepEqual(nodes, [
      { node: "n1", state: "installed", limit: "link" },
      { node: "n2", state: "installed", limit: "disk" },
    ]);
    assert.deepEqual([slowest?.node, slowest?.limit, slowest?.seconds], ["n2", "disk", 50]);
    assert.deepEqual((await nodeView(test, "n2")).slowest, slowest);
    assert.equal((await nodeView(test, "n1")).slowest, undefined);
  }
});

function disposing(agents: readonly Agent[]): Disposable {
  return { [Symbol.dispose]: () => agents.forEach((agent) => agent[Symbol.dispose]()) };
}
