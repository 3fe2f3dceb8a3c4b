/** A machine that a medium installed becomes a node by the report that its clone keeps. */
import assert from "node:assert/strict";
import { NodeView, VersionView } from "#contract/api.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

Deno.test("a report makes an installed node, which is not armed; another version or machine is refused", async () => {
  await using test = await ServerUnderTest.start();
  const { client, folder } = test, root = `${folder}/image`;
  await makeSmallTree(root);
  await test.publish("web", { root });
  const { id: manifest } = await client.get("/images/web", VersionView);
  const mac = "52:54:00:00:00:07", inventory = { ...MACHINE_INVENTORY, nics: [{ name: "eth0", mac }] };
  const report = {
    format: 1,
    medium: "1a2b3c4d",
    image: "web@1",
    manifest,
    hostname: "edge7",
    interfaces: [{ kind: "ethernet", addresses: ["10.7.0.7/24"] }],
    inventory,
    steps: [
      {
        step: "plan",
        state: "done",
        elapsedMs: 12,
        message: "the only disk",
        disks: [{ layoutDisk: 0, serial: "D1" }],
      },
      { step: "install", state: "done", elapsedMs: 34 },
    ],
    installed: "2026-11-30T12:00:00Z",
  };
  const adopt = (change: object = {}) =>
    client.post("/media/reports", { body: { ...report, ...change }, schema: NodeView });
  const node = await adopt();
  assert.equal(node.name, "edge7");
  assert.equal(node.state, "installed");
  assert.equal(node.settings.address, "10.7.0.7/24");
  assert.equal((await adopt()).state, "installed");
  await assert.rejects(adopt({ manifest: "0".repeat(64) }), /carried another web@1 than this server has/);
  await assert.rejects(adopt({ image: "web@9" }), { status: 404 });
  await client.put("/nodes/edge8", { body: { mac }, schema: NodeView });
  await assert.rejects(
    adopt({ hostname: "edge8", mac: "52:54:00:00:00:99" }),
    /has the MAC 52:54:00:00:00:07/,
  );
  // nothing but the finished installation is left
  await assert.rejects(client.send("POST", "/nodes/edge7/cancel"), { status: 409 });
});
