/** Keep, assign and ask through the API: the identity a node is sent, may claim, and is recorded with. */
import assert from "node:assert/strict";
import { z } from "zod";
import { NodeView, type Order } from "#contract/api.ts";
import { Identity, type NetworkInterface } from "#contract/identity.ts";
import type { ApiClient } from "#contract/client.ts";
import { ImageSettings } from "#contract/api/restore.ts";
import { setImage } from "../../server/cli/images.ts";
import { setNodes } from "../../server/cli/node_set.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/contract", import.meta.url).pathname;
const MAC = "52:54:00:00:00:01";

async function enrol(
  test: ServerUnderTest,
  node: string,
  terms: object = {},
): Promise<{ agent: ApiClient; order: Order }> {
  const [token] = await test.deploy([node], terms);
  return await test.enrol(token);
}
const claim = (agent: ApiClient, body: object) => agent.post("/node/identity", { body, schema: Identity });
const put = (test: ServerUnderTest, node: string, body: object) =>
  test.client.put(`/nodes/${node}`, { body, schema: NodeView });
const view = (test: ServerUnderTest, node: string) => test.client.get(`/nodes/${node}`, NodeView);

async function start(): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  return test;
}

Deno.test("the identity mode is the deployment's, else the node's, else assign", async () => {
  await using test = await start();
  await put(test, "n1", {});
  const modes: string[] = [];
  for (
    const [settings, terms] of [[{}, {}], [{ identity: "keep" }, {}], [{ identity: "keep" }, {
      identity: "ask",
    }]]
  ) {
    await put(test, "n1", settings ?? {});
    const { agent, order } = await enrol(test, "n1", terms);
    modes.push(order.identity.mode);
    await test.client.send("POST", "/nodes/n1/cancel", { json: {} });
    await assert.rejects(claim(agent, { hostname: "late" }), { status: 409 }, "its order was cancelled");
    agent[Symbol.dispose]();
  }
  assert.deepEqual(modes, ["assign", "keep", "ask"]);
});

Deno.test("another node's name or address is refused, with its holder; a free one is recorded", async () => {
  await using test = await start();
  await put(test, "n1", {});
  await put(test, "n2", { mac: MAC, hostname: "web", address: "10.0.0.5/24" });
  const { agent } = await enrol(test, "n1", { identity: "ask", askSeconds: 7 });
  using _agent = agent;
  await assert.rejects(claim(agent, { hostname: "WEB" }), { status: 409, reason: /belongs to the node n2/ });
  await assert.rejects(claim(agent, { hostname: "db", address: "10.0.0.5/16" }), {
    status: 409,
    reason: /n2/,
  });
  await assert.rejects(claim(agent, { hostname: "not a name" }), { status: 400 });
  assert.equal((await view(test, "n1")).settings.hostname, undefined);
  const { hostname } = await claim(agent, { hostname: "db", address: "10.0.0.6/24" });
  const { settings } = await view(test, "n1");
  assert.deepEqual([hostname, settings.hostname, settings.address], ["db", "db", "10.0.0.6/24"]);
});

Deno.test("a machine at which a listed node's name is typed becomes that node, with its settings", async () => {
  await using test = await start();
  await put(test, "web7", { address: "10.0.0.7/24", rack: "a3" });
  await put(test, "spare", {});
  const { agent } = await enrol(test, "spare", { identity: "ask" });
  using _agent = agent;
  const identity = await claim(agent, { hostname: "web7" });
  assert.deepEqual([identity.hostname, identity.interfaces[0]?.addresses], ["web7", ["10.0.0.7/24"]]);
  const node = await view(test, "web7");
  assert.deepEqual([node.settings.rack, node.armed], ["a3", true]);
  await assert.rejects(view(test, "spare"), { status: 404 });
});

Deno.test("an image's additional machine-own paths are a setting of their own, and sent with each order", async () => {
  await using test = await start();
  await put(test, "n1", {});
  const { server } = test.server.urls;
  const signal = new AbortController().signal;
  const set = (own: string[]) =>
    setImage("web", { server, token: test.server.token, own, json: true, signal });
  const settings = () => test.client.get("/images/web/settings", ImageSettings);
  await set(["/etc/agent/id", "/opt/agent/state/"]);
  await test.client.put("/images/web/settings", {
    body: { ...await settings(), keep: ["/srv"] },
    schema: ImageSettings,
  });
  const { agent, order } = await enrol(test, "n1");
  using _agent = agent;
  assert.deepEqual(order.identity.own, ["/etc/agent/id", "/opt/agent/state"]);
  assert.equal(order.identity.isBackup, false);
  await assert.rejects(set(["/etc"]), /no clone works without it/);
  await assert.rejects(set(["etc/agent/id"]), /absolute/);
  await assert.rejects(
    test.client.send("PUT", "/images/web/settings", { json: { own: ["/usr/lib"] } }),
    { status: 400 },
  );
  await set(["none"]);
  assert.deepEqual(await settings(), { keep: ["/srv"], own: [] });
});

Deno.test("a node with an assigned identity cannot claim another, neither a listed nor a free one", async () => {
  await using test = await start();
  await put(test, "web7", { address: "10.0.0.7/24" });
  await put(test, "n1", {});
  const { agent } = await enrol(test, "n1");
  using _agent = agent;
  for (
    const body of [{ hostname: "web7" }, { hostname: "free" }, { hostname: "n1", address: "10.0.0.9/24" }]
  ) {
    await assert.rejects(claim(agent, body), { status: 409, reason: /this server assigns its name/ });
  }
  assert.equal((await view(test, "web7")).settings.address, "10.0.0.7/24");
  assert.deepEqual((await view(test, "n1")).settings, {});
});

Deno.test("a node that keeps its identity cannot take the place of a listed node, even one without a machine", async () => {
  await using test = await start();
  await put(test, "web7", { address: "10.0.0.7/24" });
  await put(test, "n1", {});
  const { agent } = await enrol(test, "n1", { identity: "keep" });
  using _agent = agent;
  await assert.rejects(claim(agent, { hostname: "web7" }), {
    status: 409,
    reason: /belongs to the node web7/,
  });
  assert.equal((await view(test, "web7")).settings.address, "10.0.0.7/24");
});

Deno.test("typing the name of a node that has a machine does not take its place", async (t) => {
  await using test = await start();
  const withMachine: Record<string, (name: string) => Promise<unknown>> = {
    "a network card": (name) => put(test, name, { mac: MAC }),
    "an agent": (name) => test.client.send("POST", `/nodes/${name}/agent`, { json: {} }),
    "an installation": async (name) => (await enrol(test, name)).agent[Symbol.dispose](),
    "an installation that was cancelled": async (name) => {
      (await enrol(test, name)).agent[Symbol.dispose]();
      await test.client.send("POST", `/nodes/${name}/cancel`, { json: {} });
    },
  };
  let number = 0;
  for (const [what, give] of Object.entries(withMachine)) {
    await t.step(what, async () => {
      const name = `taken${++number}`, spare = `spare${number}`;
      await put(test, name, {});
      await put(test, spare, {});
      await give(name);
      const { id } = await view(test, name);
      const { agent } = await enrol(test, spare, { identity: "ask" });
      using _agent = agent;
      await assert.rejects(claim(agent, { hostname: name }), { status: 409, reason: /belongs to the node/ });
      assert.equal((await view(test, name)).id, id);
    });
  }
});

Deno.test("a node's identity is recorded in case its disk dies, and sent to that node only", async () => {
  await using test = await start();
  await put(test, "n1", { identity: "keep" });
  const secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nvery secret\n";
  const interfaces: NetworkInterface[] = [
    { kind: "ethernet", mac: MAC, addresses: ["10.0.0.5/24"], gateways: [], dns: [] },
  ];
  const identity: Identity = {
    hostname: "db7",
    interfaces,
    machineId: "a".repeat(32),
    hostKeys: [{ name: "ssh_host_rsa_key", privateKey: secret, publicKey: "ssh-rsa AAAA\n" }],
    files: [{ path: "/etc/krb5.keytab", base64: btoa("very secret") }],
  };
  {
    const { agent, order } = await enrol(test, "n1");
    using _agent = agent;
    assert.equal(order.identity.recorded, undefined);
    await agent.send("POST", "/node/record", { json: identity });
    await claim(agent, { hostname: "db7", interfaces });
    await test.client.send("POST", "/nodes/n1/cancel", { json: {} });
  }
  const { id, settings } = await view(test, "n1");
  assert.deepEqual([settings.hostname, settings.address], ["db7", "10.0.0.5/24"]);
  const path = `${test.folder}/data/identities/${id}.json`;
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  for (const open of ["/nodes", "/nodes/n1", "/nodes/n1/log"]) {
    const shown = await (await test.client.send("GET", open)).text();
    assert.doesNotMatch(shown, /very secret/);
    assert.ok(!shown.includes(btoa("very secret")));
  }
  await test.restart();
  {
    const { agent, order } = await enrol(test, "n1");
    agent[Symbol.dispose]();
    assert.deepEqual(order.identity.recorded, identity);
    await test.client.send("POST", "/nodes/n1/cancel", { json: {} });
  }
  const { agent, order } = await enrol(test, "n1", { identity: "assign" });
  agent[Symbol.dispose]();
  assert.equal(order.identity.recorded, undefined, "secrets are sent only if they are needed");
  await test.client.send("POST", "/nodes/n1/cancel", { json: {} });
  await test.client.send("DELETE", "/nodes/n1");
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("node set changes many nodes at once, all or none, and can assign the next free addresses and a group", async () => {
  await using test = await ServerUnderTest.start();
  const { signal } = new AbortController();
  const set = (words: string[], settings: Parameters<typeof setNodes>[1]["settings"]) =>
    setNodes(words, { server: test.server.urls.server, token: test.server.token, settings, signal });
  const table = async () =>
    (await test.client.get("/nodes", z.array(NodeView))).map(({ name, settings }) =>
      [name, settings.address, settings.identity].filter(Boolean).join(" ")
    );
  await put(test, "other", { address: "10.0.0.12/24" });
  await set(["node[01-03]"], { address: "10.0.0.11-10.0.0.99/24", group: "compute" });
  await set(["@compute"], { identity: "keep" });
  const expected = [
    ...["node01 10.0.0.11/24 keep", "node02 10.0.0.13/24 keep", "node03 10.0.0.14/24 keep"],
    "other 10.0.0.12/24",
  ];
  assert.deepEqual(await table(), expected);
  await assert.rejects(set(["new[1-9]"], { address: "10.0.0.{n+10}/24" }), { status: 409, reason: /node01/ });
  assert.deepEqual(await table(), expected);
});
