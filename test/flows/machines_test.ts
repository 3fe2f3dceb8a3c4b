/** Machines that appear: they are listed, become nodes when an operator says so, and never else. */
import assert from "node:assert/strict";
import { z } from "zod";
import { MachineView, NodeView } from "#contract/api.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const MACS = ["bc:24:11:00:00:01", "bc:24:11:00:00:02", "bc:24:11:00:00:03"];
const [FIRST = "", SECOND = "", THIRD = ""] = MACS;

/** Fetches its script, as a machine's iPXE does. */
async function boots(test: ServerUnderTest, mac: string): Promise<string> {
  return await (await fetch(`${test.server.urls.http}/boot/ipxe/${mac.replaceAll(":", "-")}`)).text();
}

const machines = (test: ServerUnderTest) => test.client.get("/machines", z.array(MachineView));
const nodes = (test: ServerUnderTest) => test.client.get("/nodes", z.array(NodeView));

Deno.test("machines are listed in the order of their appearance, over a restart, and are no nodes", async () => {
  await using test = await ServerUnderTest.start();
  for (const mac of MACS) await boots(test, mac);
  await boots(test, FIRST);
  await test.restart();
  const found = await machines(test);
  assert.deepEqual(found.map(({ mac }) => mac), MACS);
  const [{ vendor, sighting }] = found as [MachineView];
  assert.equal(vendor, "Proxmox virtual machine");
  assert.deepEqual([sighting.appearances, sighting.by, sighting.boots], [1, ["http"], true]);
  assert.deepEqual(await nodes(test), []);
});

Deno.test("machines are adopted all or none, with their settings, and boot their own disk until deployed", async () => {
  await using test = await ServerUnderTest.start();
  for (const mac of MACS) await boots(test, mac);
  await test.client.put("/nodes/n9", { body: { address: "10.0.0.9/24" }, schema: NodeView });
  const adopt = (body: object) => test.client.post("/machines/adopt", { body, schema: z.array(NodeView) });
  const one = (node: string, mac: string, settings = {}) => ({ node, mac, settings });
  const refused: [body: object, status: number, reason: RegExp][] = [
    [[one("n1", FIRST), one("n9", SECOND)], 409, /belong to nodes already: n9/],
    [
      [one("n1", FIRST), one("n2", SECOND, { address: "10.0.0.9/24" })],
      409,
      /10\.0\.0\.9 belongs to the node n9/,
    ],
    [[one("n1", FIRST), one("n2", "02:00:00:00:00:01")], 404, /no machine with this MAC has appeared/],
    [[one("n1", FIRST), one("n1", SECOND)], 409, /given twice: n1/],
  ];
  for (const [body, status, reason] of refused) {
    await assert.rejects(adopt(body), { status, reason });
    assert.equal((await machines(test)).length, 3);
  }
  const adopted = await adopt([one("n1", FIRST, { group: "g" }), one("n2", SECOND)]);
  assert.deepEqual(adopted.map(({ name, settings, armed }) => [name, settings.mac, settings.group, armed]), [
    ["n1", FIRST, "g", false],
    ["n2", SECOND, undefined, false],
  ]);
  assert.deepEqual((await machines(test)).map(({ mac }) => mac), [THIRD]);
  assert.doesNotMatch(await boots(test, FIRST), /kernel|token/);
  await assert.rejects(adopt([one("n3", FIRST)]), { status: 404, reason: /is the node n1 already/ });
});
