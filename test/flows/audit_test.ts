/** The audit log of a complete server: what is recorded, and what a person finds in it. */
import assert from "node:assert/strict";
import { type AuditEntry, AuditPage } from "#contract/api/audit.ts";
import { NodeView } from "#contract/api.ts";
import { verifyLines } from "../../server/cli/audit.ts";
import { openDatabase } from "../../server/store/database.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;

const shortly = ({ who, action, nodes, images, subject, outcome }: AuditEntry) =>
  [who, action, ...nodes, ...images, subject, outcome?.result].filter((part) => part !== undefined).join(" ");

async function entriesOf(test: ServerUnderTest, query = ""): Promise<string[]> {
  const { entries } = await test.client.get(`/audit${query}`, AuditPage);
  return entries.map(shortly);
}

async function verify(test: ServerUnderTest): Promise<readonly string[]> {
  const { body } = await test.client.send("GET", "/audit/export");
  return (await verifyLines(body ?? ReadableStream.from([]), undefined)).faults;
}

Deno.test("changes and shown secrets are recorded with nodes, images and outcome; reading is not", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  const { id } = await test.client.put("/nodes/n1", {
    body: { group: "rack1" },
    schema: NodeView,
  });
  await test.deploy([id]);
  await test.client.send("POST", "/nodes/n1/cancel");
  await assert.rejects(test.client.send("POST", "/restores", { json: { nodes: ["n9"], image: "web" } }));
  await assert.rejects(test.client.send("POST", "/deployments", { json: { nodes: "n1" } }));
  await (await test.client.send("GET", "/images/web/export")).body?.cancel();
  const json = { script: "true", optional: false, timeoutSeconds: 5 };
  await test.client.send("PUT", "/hooks/node:n1/first-boot/x", { json });
  for (const path of ["/nodes", "/nodes/n1", "/images", "/audit"]) await test.client.send("GET", path);
  const all = await entriesOf(test);
  const [begun] = all.at(-1)?.split(" web") ?? [];
  assert.equal(begun, "admin token capture.begin");
  assert.deepEqual(all.slice(0, -2), [
    "admin token hook.set node:n1 first-boot x done",
    "admin token image.export web done",
    "admin token node.deploy refused",
    "admin token node.restore n9 web refused",
    "admin token node.cancel n1 done",
    "admin token node.deploy n1 web done",
    "admin token node.set n1 done",
  ]);
  assert.match(all.at(-2) ?? "", /^admin token capture\.publish \S+ done$/);
  assert.deepEqual(await entriesOf(test, "?node=n1&limit=1"), ["admin token node.cancel n1 done"]);
  assert.deepEqual(await entriesOf(test, "?user=anna"), []);
  assert.deepEqual(await verify(test), []);
});

Deno.test("a line that was removed while the server was stopped is named", async () => {
  await using test = await ServerUnderTest.start();
  for (const node of ["n1", "n2", "n3"]) await test.client.send("PUT", `/nodes/${node}`, { json: {} });
  await test.restart(() => {
    using db = openDatabase(`${test.data}/rackseed.db`);
    db.exec("DROP TRIGGER audit_undeleted; DELETE FROM audit WHERE number = 3");
    return Promise.resolve();
  });
  await test.client.send("PUT", "/nodes/n4", { json: {} });
  assert.deepEqual(await verify(test), ["line 3 is missing"]);
});

Deno.test("an export that was cut off, or that is something else, is not taken for a whole one", async () => {
  await using test = await ServerUnderTest.start();
  await test.client.send("PUT", "/nodes/n1", { json: {} });
  const text = await (await test.client.send("GET", "/audit/export")).text();
  const faults = async (content: string) =>
    (await verifyLines(ReadableStream.from([new TextEncoder().encode(content)]), undefined)).faults;
  assert.deepEqual(await faults(text), []);
  assert.deepEqual(await faults(text.split("\n")[0] ?? ""), ["the export breaks off after line 1"]);
  assert.equal((await faults("nonsense\n")).length, 2);
});
