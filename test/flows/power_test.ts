/** Nodes that a deployment starts by itself, through real HTTPS: a BMC that works, a dead one, and those that lie. */
import assert from "node:assert/strict";
import { z } from "zod";
import { DeployAnswer, NodeView } from "#contract/api.ts";
import type { PowerChange, PowerRequest, PowerResult } from "#contract/api/power.ts";
import { bmcConnection } from "../../server/power/bmc_connection.ts";
import { RedfishDriver } from "../../server/power/redfish/redfish_driver.ts";
import { cycle, switchOn } from "../../server/power/switching.ts";
import { TestBmc } from "../../server/power/testing/test_bmc.ts";
import { serveBmc } from "../support/https_bmc.ts";
import { freePort } from "../support/python_bmcs.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;
const PASSWORD = "hunter22-of-the-bmc";

const change = (node: string, port: number): PowerChange => ({
  node,
  power: { method: "redfish", host: "127.0.0.1", port, user: "admin" },
  secret: PASSWORD,
});

async function withPower(test: ServerUnderTest, ports: Record<string, number>): Promise<NodeView[]> {
  for (const node of Object.keys(ports)) {
    await test.client.put(`/nodes/${node}`, { body: {}, schema: NodeView });
  }
  const body = Object.entries(ports).map(([node, port]) => change(node, port));
  return await test.client.put("/power", { body, schema: z.array(NodeView) });
}

async function switched(test: ServerUnderTest, request: Partial<PowerRequest>): Promise<PowerResult[]> {
  const response = await test.client.send("POST", "/power", { json: request });
  const lines = (await response.text()).trim().split("\n").map((line) => JSON.parse(line) as PowerResult);
  return lines.sort((a, b) => a.node.localeCompare(b.node));
}

Deno.test("one command starts the nodes from the network; a dead BMC and one that lies are named, the rest finish", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  const tokens: (string | undefined)[] = [];
  const good = new TestBmc({
    password: PASSWORD,
    isOn: true,
    intercept: ({ body }) => {
      const { ResetType } = (body ?? {}) as { ResetType?: string };
      // the machine boots, and its agent enrols
      if (ResetType === "On") void test.enrol(tokens[0]).then(({ agent }) => agent[Symbol.dispose]());
      return undefined;
    },
  });
  // says "On" from then on; no machine is there
  const liar = new TestBmc({ password: PASSWORD });
  await using works = await serveBmc(good);
  await using lies = await serveBmc(liar);
  await withPower(test, { n1: works.port, n2: freePort("tcp"), n3: lies.port });

  const body = {
    nodes: ["n1", "n2", "n3"],
    image: "web",
    power: { atOnce: 3, pauseSeconds: 0, arriveSeconds: 8 },
  };
  const answer = await test.client.post("/deployments", { body, schema: DeployAnswer });
  tokens.push(answer.nodes[0]?.token);
  let views: NodeView[] = [];
  for (let i = 0; i < 300; i++) {
    views = await test.client.get("/nodes", z.array(NodeView));
    if (views.every(({ power }) => ["arrived", "failed"].includes(power?.start?.state ?? ""))) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const [n1, n2, n3] = views;
  assert.deepEqual([n1?.power?.start?.state, n1?.state], ["arrived", "installing"]);
  assert.match(n2?.power?.start?.problem?.detail ?? "", /does not answer/);
  assert.match(
    n3?.power?.start?.problem?.detail ?? "",
    /says that it is on, but its agent has not enrolled within 8 s/,
  );
  assert.equal(n2?.armed, true, "it can still be started by hand");
  assert.deepEqual(good.orders.slice(0, 3), ["ForceOff", "PATCH Once Pxe UEFI", "On"]);
  const isLeft = () => good.boot?.BootSourceOverrideEnabled === "Disabled" && good.sessions === 0;
  for (let i = 0; i < 100 && !isLeft(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(
    good.boot?.BootSourceOverrideEnabled,
    "Disabled",
    "the BMC kept the override, so it was put back",
  );
  assert.equal(good.sessions, 0);
  await test.restart();
  const { power } = await test.client.get("/nodes/n3", NodeView);
  assert.equal(power?.start?.state, "failed", "a restarted server still knows it");
});

Deno.test("nodes are switched by order; the password stays sealed, and goes to no other address", async () => {
  await using test = await ServerUnderTest.start();
  const bmc = new TestBmc({ password: PASSWORD });
  await using https = await serveBmc(bmc);
  const [view] = await withPower(test, { n1: https.port, n2: freePort("tcp") });
  assert.equal(view?.power?.hasSecret, true);

  const nodes = ["n1", "n2"];
  const [on, dead] = await switched(test, { nodes, action: "on" });
  assert.deepEqual(on, { node: "n1", state: "on" });
  assert.match(dead?.problem?.detail ?? "", /does not answer/);
  assert.deepEqual(await switched(test, { nodes: ["n1"], action: "status" }), [{ node: "n1", state: "on" }]);
  assert.deepEqual(await switched(test, { nodes: ["n1"], action: "off", hard: true }), [{
    node: "n1",
    state: "off",
  }]);
  assert.equal(
    (await test.client.get("/nodes/n1", NodeView)).power?.pin?.length,
    64,
    "its certificate is pinned",
  );

  const text = JSON.stringify(await test.client.get("/nodes", z.unknown()));
  const stored = await Deno.readFile(`${test.folder}/data/rackseed.db-wal`);
  for (const bytes of [Buffer.from(text), Buffer.from(stored)]) assert.ok(!bytes.includes(PASSWORD));
  const elsewhere = { ...change("n1", 1), secret: undefined };
  await assert.rejects(test.client.put("/power", { body: [elsewhere], schema: z.unknown() }), {
    status: 400,
    reason: /not used for another address/,
  });
  await test.client.put("/nodes/n3", { body: {}, schema: NodeView });
  await test.publish("web", { root: SOURCES });
  await assert.rejects(test.deploy(["n1", "n3"], { power: {} }), {
    status: 409,
    reason: "the server does not know how to switch n3.",
  });
  assert.equal((await test.client.get("/nodes/n1", NodeView)).armed, false, "none was armed");
});

const TITLE = "cannot start n1";
const { signal } = new AbortController();
const pause = () => Promise.resolve();
const context = { title: TITLE, signal, pause };

function driverAt(port: number, pin?: string) {
  const onCertificate = () => {};
  const send = bmcConnection({ host: "127.0.0.1", port, pin: () => pin, onCertificate, answerMs: 500 });
  const access = {
    send,
    address: `127.0.0.1:${port}`,
    user: "admin",
    password: PASSWORD,
    title: TITLE,
    signal,
    pause,
  };
  return new RedfishDriver(access, { system: undefined, firmware: undefined });
}

Deno.test("over real HTTPS: a BMC that answers 200 and does nothing, one that hangs, one with another certificate", async () => {
  const idle = new TestBmc({
    password: PASSWORD,
    intercept: ({ path }) => path.endsWith(".Reset") ? { status: 200, json: {} } : undefined,
  });
  await using idles = await serveBmc(idle);
  await assert.rejects(switchOn(driverAt(idles.port), context), /60 s later the machine is still off/);
  idle.isOn = true;
  await assert.rejects(cycle(driverAt(idles.port), context), /60 s later the machine is still on/);

  await using hangs = await serveBmc(new TestBmc({ password: PASSWORD }), { delayMs: 1500 });
  await assert.rejects(driverAt(hangs.port).status(), /does not answer: no answer for 0.5 s/);

  const bmc = new TestBmc({ password: PASSWORD });
  await using other = await serveBmc(bmc);
  await assert.rejects(
    driverAt(other.port, "0".repeat(64)).status(),
    /shows another certificate than before/,
  );
  assert.deepEqual(bmc.requests, [], "nothing was sent, the password least of all");
});
