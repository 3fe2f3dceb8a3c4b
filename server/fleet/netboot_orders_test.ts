import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Deployments } from "../store/deployments.ts";
import { Nodes } from "../store/nodes.ts";
import { NetbootOrders } from "./netboot_orders.ts";

const MAC = "52:54:00:00:00:01";

Deno.test("DHCP learns whether a machine may have an order without using up a boot token", () => {
  using db = new DatabaseSync(":memory:");
  const now = () => 0;
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  let restoredAtBoot: string | undefined;
  const orders = new NetbootOrders({
    nodes,
    deployments,
    bootRestores: {
      view: (node) => node === restoredAtBoot ? { by: "anna", since: "2026-06-01T08:00:00.000Z" } : undefined,
      atBoot: () => assert.fail("the machine has not asked for its script"),
    },
    pin: "A".repeat(43),
    onChange: () => {},
    onForgotten: () => {},
  });
  assert.equal(orders.mayBootAgent(MAC), false, "never seen");
  orders.noteSeen(MAC, { by: "dhcp" });
  assert.equal(orders.mayBootAgent(MAC), false, "no node");
  const { id } = nodes.put("n1", { mac: MAC });
  assert.equal(orders.mayBootAgent(MAC), false, "not armed");
  restoredAtBoot = id;
  assert.equal(orders.mayBootAgent(MAC), true, "restored at every boot");
  restoredAtBoot = undefined;
  deployments.arm([id], { image: "web", version: 1 });
  const secret = deployments.issueBootSecret(id);
  assert.equal(orders.mayBootAgent(MAC), true, "armed");
  assert.ok(deployments.enrol(secret ?? ""), "the token that was issued before is still good");
});
