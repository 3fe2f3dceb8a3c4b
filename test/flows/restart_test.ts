/** Orders to restart a running node into the installer: who may get one, and what is refused before a node is armed. */
import assert from "node:assert/strict";
import { z } from "zod";
import { AgentToken, NodeView, type RestartAbility } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { makeSmallTree } from "./support/small_tree.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const MAC = "52:54:00:00:00:01";
const ABLE: RestartAbility = { macs: [MAC], signedOnly: false, availableBytes: 4 << 30 };
const Id = z.object({ id: z.string() });

Deno.test("a node is restarted only through its own agent, and nothing is armed if that cannot be", async () => {
  await using test = await ServerUnderTest.start();
  const { client, folder } = test;
  await makeSmallTree(`${folder}/tree`);
  await test.publish("web", { root: `${folder}/tree` });
  for (const node of ["n1", "n2"]) await client.put(`/nodes/${node}`, { body: {}, schema: NodeView });
  const { token } = await client.post("/nodes/n1/agent", { body: {}, schema: AgentToken });
  using own = await test.as(token);
  const announce = async (as: ApiClient, restart?: RestartAbility) =>
    (await as.post("/templates", { body: { name: "n1", lacks: [], restart }, schema: Id })).id;
  const refused = async (says: RegExp, nodes = ["n1"]) => {
    const json = { nodes, image: "web", now: true };
    await assert.rejects(client.send("POST", "/deployments", { json }), (error: Error) => {
      assert.match(error.message, says);
      return true;
    });
    for (const node of ["n1", "n2"]) {
      assert.equal((await client.get(`/nodes/${node}`, NodeView)).state, "idle", node);
    }
  };
  await refused(/cannot restart n1 into the installer: no agent runs on it.*rackseed node agent n1/);
  // an agent with a person's token does not get the secret that opens the image
  await announce(client, ABLE);
  await refused(/earlier release, or runs with a token that is not the node's own/);
  const obstacle = { reason: "it is a container (lxc), and no machine.", remedy: "name the machine itself." };
  const id = await announce(own, { ...ABLE, obstacle });
  await refused(/it is a container \(lxc\)/);
  await announce(own, ABLE);
  await refused(/cannot restart n1, n2 into the installer: .*\n {2}n2: no agent runs on it/, ["n1", "n2"]);
  // this image was made of a directory
  await refused(/no sound kernel and initramfs/);
  await client.put("/nodes/n1", { body: { mac: "52:54:00:00:00:02" }, schema: NodeView });
  await refused(/cannot boot a machine|and not over its NIC 52:54:00:00:00:02/);

  // without an order there is nothing to fetch, and nothing to report
  for (const [method, path] of [["GET", "boot/vmlinuz"], ["POST", "restart"]] as const) {
    const json = method === "POST" ? { state: "done", elapsedMs: 1 } : undefined;
    await assert.rejects(own.send(method, `/templates/${id}/${path}`, { json }), { status: 409 });
  }
  // an order that waits for a network boot is not for the agent
  await client.put("/nodes/n1", { body: { finish: "kexec" }, schema: NodeView });
  const [boot] = await test.deploy(["n1"]);
  const stop = new AbortController();
  const waiting = own.send("GET", `/templates/${id}/orders`, { signal: stop.signal });
  const { agent, order } = await test.enrol(boot);
  agent[Symbol.dispose]();
  assert.equal(order.finish, "kexec");
  stop.abort(new Error("nothing came"));
  await assert.rejects(waiting, /nothing came/);
  const [again] = await test.deploy(["n2"], { finish: "kexec" });
  const second = await test.enrol(again);
  second.agent[Symbol.dispose]();
  assert.equal(second.order.finish, "kexec");
});
