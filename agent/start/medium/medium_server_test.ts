import assert from "node:assert/strict";
import { ReportAnswer } from "#contract/api.ts";
import { Identity } from "#contract/identity.ts";
import { MediumServer } from "./medium_server.ts";

const assigned = {
  hostname: "unnamed",
  interfaces: [{ kind: "ethernet" as const, addresses: "dhcp" as const, gateways: [], dns: [] }],
};
const server = new MediumServer({ identity: { mode: "ask", assigned, askSeconds: 60 } });
const claim = (body: unknown) => server.post("/node/identity", { body, schema: Identity });

Deno.test("a typed name and address become the machine's identity", async () => {
  assert.equal((await claim({ hostname: "edge7" })).hostname, "edge7");
  const { interfaces } = await claim({ hostname: "edge7", address: "10.0.0.7/24" });
  assert.deepEqual(interfaces[0]?.addresses, ["10.0.0.7/24"]);
  assert.equal((await claim({ hostname: "edge7", address: "dhcp" })).interfaces[0]?.addresses, "dhcp");
});

Deno.test("reports never cancel, and what needs a server is refused", async () => {
  const body = { step: "plan", state: "done", elapsedMs: 1 };
  const answer = await server.post("/node/report", { body, schema: ReportAnswer });
  assert.deepEqual(answer, { cancelled: false, seedOn: false });
  await server.post("/node/report", { body: { ...body, state: "running" }, schema: ReportAnswer });
  assert.deepEqual(server.steps, [body]);
  assert.equal((await server.send("POST", "/node/record", { json: assigned })).status, 204);
  await assert.rejects(server.send("GET", "/node/torrent"), /installed from a medium, without a server/);
});
