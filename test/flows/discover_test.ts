/** The discovery of hardware: an order that only reads; and what is flagged before a deployment. */
import assert from "node:assert/strict";
import { z } from "zod";
import { DeployAnswer, DiscoverOrder, type Inventory, NodeView, PlanPreview } from "#contract/api.ts";
import { HardwareRecord } from "#contract/api/hardware_history.ts";
import { disk, GIB, header } from "../../server/plan/testing/templates.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

const MAC = "52:54:00:00:00:01";
const DIMMS = ["A1", "A2"].map((slot) => ({ slot, sizeBytes: 32 * GIB }));

type Disk = Inventory["disks"][number];

function machine(
  { dimms = DIMMS, health }: { dimms?: typeof DIMMS; health?: Disk["health"] } = {},
): Inventory {
  const { kind, names, uses, partitions: _, signatures: __, ...facts } = disk({ sizeBytes: 20 * GIB });
  return {
    ...MACHINE_INVENTORY,
    nics: [{ name: "eth0", mac: MAC }],
    memory: { slots: 4, dimms },
    disks: [{
      ...facts,
      kind,
      names: [...names],
      byPath: names[0],
      uses: [...uses],
      content: "",
      labels: [],
      serial: "S1",
      ...(health && { health }),
    }],
  };
}

async function start(): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  const { layout, source } = header();
  await test.publish("web", { root, layout, source });
  return test;
}

/** Orders the discovery of a node or machine, and enrols as its agent. */
async function discover(test: ServerUnderTest, key: string, inventory: Inventory) {
  const body = { nodes: [key], image: "web" };
  const { nodes: [node] } = await test.client.post("/discoveries", { body, schema: DeployAnswer });
  const agent = await test.as(node?.token ?? "");
  const order = await agent.post("/node/enrol", { body: { inventory }, schema: DiscoverOrder });
  agent.useSession(order.session);
  const finish = () =>
    agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
  return { agent, order, finish, [Symbol.dispose]: () => agent[Symbol.dispose]() };
}

const node = (test: ServerUnderTest, key = "n1") => test.client.get(`/nodes/${key}`, NodeView);

Deno.test("a discovery reads hardware, and nothing of its order lets the machine install", async () => {
  await using test = await start();
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  using found = await discover(test, "n1", machine());
  assert.deepEqual(Object.keys(found.order).sort(), ["deployment", "discover", "node", "session"]);
  assert.equal((await node(test)).state, "installing");
  for (const path of ["/node/extents", "/node/identity", "/node/record", "/node/backup"]) {
    await assert.rejects(
      found.agent.send("POST", path, { json: {} }),
      (error: { status: number }) => [400, 409].includes(error.status),
      path,
    );
  }
  await assert.rejects(found.agent.send("GET", "/node/torrent"), { status: 409 });
  const nics = [{
    name: "eth0",
    mac: MAC,
    link: true,
    neighbour: { chassis: "c", system: "leaf1", port: "1/7" },
  }];
  await found.agent.send("POST", "/node/inventory", { json: { inventory: { ...machine(), nics } } });
  await found.finish();
  const { inventory, state, armed, discover: isDiscovery, image, warnings } = await node(test);
  assert.deepEqual([inventory?.nics, state, armed, isDiscovery, image, warnings], [
    nics,
    "idle",
    false,
    true,
    undefined,
    undefined,
  ]);
  await assert.rejects(found.agent.send("POST", "/node/inventory", { json: { inventory: machine() } }), {
    status: 409,
  });
  const history = await test.client.get("/nodes/n1/hardware", z.array(HardwareRecord));
  assert.deepEqual(history.map((record) => [record.changes, record.inventory.nics]), [[[], nics]]);
});

Deno.test("a node with another order is not discovered, and a directory never", async () => {
  await using test = await start();
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  await test.deploy(["n1"]);
  await assert.rejects(test.client.send("POST", "/discoveries", { json: { nodes: ["n1"] } }), {
    status: 409,
    remedy: /rackseed node cancel n1/,
  });
  await test.client.send("POST", "/nodes/n1/cancel");
  const directory = { ...machine(), kind: "directory" as const };
  await assert.rejects(discover(test, "n1", directory), { status: 409, title: /from a directory/ });
});

Deno.test("a lost DIMM is flagged wherever a deployment is decided, until it is accepted", async () => {
  await using test = await start();
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  for (const dimms of [DIMMS, DIMMS.slice(0, 1)]) {
    using found = await discover(test, "n1", machine({ dimms }));
    await found.finish();
  }
  const expected = ["the memory module A2 (32 GiB) is gone"];
  assert.deepEqual((await node(test)).warnings?.map(({ what }) => what), expected);
  const preview = await test.client.get("/nodes/n1/plan?image=web", PlanPreview);
  assert.deepEqual([preview.outcome, preview.warnings], ["planned", expected]);
  assert.match(await (await test.client.send("GET", "/nodes/n1/hardware")).text(), /A2 \(32 GiB\) is gone/);
  await test.restart();
  const body = { nodes: ["n1"], image: "web" };
  const answer = await test.client.post("/deployments", { body, schema: DeployAnswer });
  assert.deepEqual(answer.nodes[0]?.warnings, expected);
  const accepted = await test.client.post("/nodes/n1/accept-hardware", { body: {}, schema: NodeView });
  assert.equal(accepted.warnings, undefined);
});

Deno.test("no deployment to a disk that is failing, unless it is forced", async () => {
  await using test = await start();
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const health = { verdict: "failing" as const, reasons: ["its reliability is degraded"] };
  using found = await discover(test, "n1", machine({ health }));
  await found.finish();
  const preview = await test.client.get("/nodes/n1/plan?image=web", PlanPreview);
  assert.match(preview.failing?.join() ?? "", /sda .*serial S1.* is failing: its reliability is degraded/);
  for (const terms of [{}, { planCheck: false }]) {
    await assert.rejects(test.deploy(["n1"], terms), {
      status: 409,
      reason: /is failing/,
      remedy: /--force/,
    });
  }
  assert.equal((await node(test)).armed, false);
  await test.deploy(["n1"], { force: true });
  assert.equal((await node(test)).armed, true);
});
