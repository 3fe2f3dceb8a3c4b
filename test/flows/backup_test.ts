import assert from "node:assert/strict";
import { z } from "zod";
import { AgentToken, CaptureView, DeployAnswer, NodeView, VersionView } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { runInstall } from "../../agent/install_command.ts";
import { describeTree } from "../oddities/describe_tree.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";
import { TemplateUnderTest } from "./support/template_under_test.ts";

const ok = z.unknown();

Deno.test("a node is backed up with its own token, shares the image's data, and can be restored", async () => {
  await using test = await ServerUnderTest.start();
  const { client, folder } = test;
  const image = `${folder}/image`, root = `${folder}/n1`;
  await makeSmallTree(image);
  await test.publish("web", { root: image });
  for (const node of ["n1", "n2"]) await client.put(`/nodes/${node}`, { body: {}, schema: NodeView });
  const deploy = (node: string, ref: string, more = {}) =>
    client.post("/deployments", { body: { nodes: [node], image: ref, ...more }, schema: DeployAnswer });
  await deploy("n1", "web");

  // The node goes on working.
  await sh(`cp -a ${image} ${root}; mkdir ${root}/var; head -c 50000 /dev/urandom > ${root}/var/data`);
  const { token } = await client.post("/nodes/n1/agent", { body: {}, schema: AgentToken });
  using own = await test.as(token);
  const backup = () => client.post("/nodes/n1/backup", { body: { level: 1 }, schema: CaptureView });
  await assert.rejects(
    backup(),
    (error: Error) => /no agent runs on it.*rackseed node agent n1/.test(error.message),
  );
  const agent = await TemplateUnderTest.start(own, { name: "n1", root, state: `${folder}/state` });
  await using _ = agent;
  const first = await agent.published(client, await backup());
  assert.equal(first.version, 1);
  assert.equal(first.sent.sent.bytesSent, 50_000);
  assert.equal((await client.get("/images/n1@1", VersionView)).backupOf, "n1");

  // The image may be deleted: data that the backup shares with it stays, and the next backup need not send it again.
  await client.send("POST", "/nodes/n1/cancel");
  await client.send("DELETE", "/images/web@1");
  await sh(`head -c 1000 /dev/urandom > ${root}/var/more; rm ${root}/var/data`);
  const second = await agent.published(client, await backup());
  assert.equal(second.version, 2);
  assert.equal(second.sent.sent.bytesSent, 1000);
  for (const ref of ["n1@1", "n1@2"]) {
    const events = await (await client.send("POST", `/images/${ref}/verify`)).text();
    assert.match(events, /"damaged":0/);
  }

  await assert.rejects(deploy("n2", "n1"), { status: 409 });
  await deploy("n2", "n1", { force: true });
  for (const [node, isBackup] of [["n1", true], ["n2", false]] as const) {
    const { nodes: [ordered] } = await deploy(node, "n1@2", { force: true });
    const { agent, order } = await test.enrol(ordered?.token);
    agent[Symbol.dispose]();
    assert.equal(order.identity.isBackup, isBackup);
    await client.send("POST", `/nodes/${node}/cancel`);
  }
  const { nodes } = await deploy("n1", "n1@2");
  const target = `${folder}/target`;
  await Deno.mkdir(target);
  const { server } = test.server.urls;
  await runInstall({ server, token: nodes[0]?.token, target, signal: new AbortController().signal });
  assert.deepEqual(describeTree(target), describeTree(root));
});

Deno.test("a node's token permits nothing but captures of that node", async () => {
  await using test = await ServerUnderTest.start();
  const { client, folder } = test;
  await makeSmallTree(`${folder}/tree`);
  await test.publish("web", { root: `${folder}/tree` });
  for (const node of ["n1", "n2"]) await client.put(`/nodes/${node}`, { body: {}, schema: NodeView });
  const tokenOf = async (node: string) =>
    (await client.post(`/nodes/${node}/agent`, { body: {}, schema: AgentToken })).token;
  using n1 = await test.as(await tokenOf("n1"));
  using n2 = await test.as(await tokenOf("n2"));
  const announce = (as: ApiClient, name: string) =>
    as.post("/templates", { body: { name, lacks: [] }, schema: Id });
  await assert.rejects(announce(n1, "n2"), { status: 403 });
  await assert.rejects(announce(n1, "golden"), { status: 403 });
  const { id } = await announce(n1, "n1");
  const refused: [as: ApiClient, method: "GET" | "POST" | "DELETE", path: string][] = [
    ...["/images", "/nodes", "/templates", "/captures", "/events", "/images/web/export", "/nodes/n1"].map((
      path,
    ) => [n1, "GET", path] as [ApiClient, "GET", string]),
    [n1, "DELETE", "/images/web@1"],
    [n1, "POST", "/nodes/n1/agent"],
    [n1, "POST", "/nodes/n1/backup"],
    [n2, "GET", `/templates/${id}/orders`],
  ];
  for (const [as, method, path] of refused) {
    await assert.rejects(as.send(method, path), { status: 401 }, `${method} ${path}`);
  }
  const waiting = n1.send("GET", `/templates/${id}/orders`);
  const capture = await client.post("/nodes/n1/backup", { body: {}, schema: CaptureView });
  await (await waiting).body?.cancel();
  const known = (as: ApiClient) =>
    as.send("POST", `/captures/${capture.id}/known`, { body: new Uint8Array(32) });
  await (await known(n1)).body?.cancel();
  await assert.rejects(known(n2), { status: 401 });
  await assert.rejects(n1.send("GET", `/captures/${capture.id}`), { status: 401 });
  await client.send("DELETE", `/captures/${capture.id}`);

  // A backup is not an image, nor an image a backup.
  const clash = { body: { template: "n1", image: "n1" }, schema: CaptureView };
  const made = await client.post("/captures", clash);
  await client.send("DELETE", `/captures/${made.id}`);
  await test.publish("n1", { root: `${folder}/tree` });
  await assert.rejects(client.post("/nodes/n1/backup", { body: {}, schema: ok }), { status: 409 });

  // A new token invalidates the previous one, and so does deleting the node.
  using again = await test.as(await tokenOf("n1"));
  await assert.rejects(announce(n1, "n1"), { status: 401 });
  await announce(again, "n1");
  await client.send("DELETE", "/nodes/n1");
  await assert.rejects(announce(again, "n1"), { status: 401 });
});

const Id = z.object({ id: z.string() });

async function sh(script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", { args: ["-ec", script] }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
