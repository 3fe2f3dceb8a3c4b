/** From the end of an installation to the clone's own report, against a complete server. */
import assert from "node:assert/strict";
import { NodeView, type Order, ReportAnswer, StepReport } from "#contract/api.ts";
import { z } from "zod";
import { runScript } from "../../agent/install/first_boot/run_script.ts";
import { serverEvents } from "../../server/cli/events.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/torrent", import.meta.url).pathname;

/** Acts as a machine's agent, from enrolment to the last step. */
async function installed(
  test: ServerUnderTest,
  { hostname, firstBootSeconds = 600 }: { hostname: string; firstBootSeconds?: number },
): Promise<Order> {
  await test.publish("web", { root: SOURCES });
  await test.client.put("/nodes/n1", { body: { hostname }, schema: NodeView });
  const [token] = await test.deploy(["n1"], { firstBootSeconds });
  const { agent, order } = await test.enrol(token, MACHINE_INVENTORY);
  using _agent = agent;
  const finish: StepReport = { step: "finish", state: "done", elapsedMs: 1, reportsAs: hostname };
  await agent.post("/node/report", { body: finish, schema: ReportAnswer });
  return order;
}

/** Runs the clone's first-boot script, in a folder of its own. */
async function boot(test: ServerUnderTest, order: Order): Promise<void> {
  assert(order.firstBoot);
  const folder = `${test.folder}/clone/first-boot`;
  await Deno.mkdir(folder, { recursive: true });
  const { url, token, tryForSeconds } = order.firstBoot;
  const clients = ["bash"] as const;
  const script = runScript({
    url,
    tryForSeconds,
    clients,
    hooks: [],
    environment: {},
    folder,
    belongings: [],
  });
  await Deno.writeTextFile(`${folder}/run`, script);
  await Deno.writeTextFile(`${folder}/token`, token);
  assert((await new Deno.Command("sh", { args: [`${folder}/run`] }).output()).success);
  await assert.rejects(Deno.stat(`${test.folder}/clone`), Deno.errors.NotFound);
}

const node = (test: ServerUnderTest) => test.client.get("/nodes/n1", NodeView);

Deno.test('a node is "installed" until its clone reports, then "running", also after a restart', async () => {
  await using test = await ServerUnderTest.start();
  const order = await installed(test, { hostname: Deno.hostname() });
  const before = await node(test);
  assert.deepEqual([before.state, before.armed, before.firstBoot?.reported], ["installed", false, undefined]);
  await boot(test, order);
  const after = await node(test);
  assert.deepEqual([after.state, after.armed, after.image], ["running", false, "web@1"]);
  assert.deepEqual([after.firstBoot?.hostname, after.firstBoot?.problem], [Deno.hostname(), undefined]);
  const log = await test.client.get("/nodes/n1/log", z.array(StepReport));
  assert.deepEqual([log.at(-1)?.step, log.at(-1)?.state], ["first-boot", "done"]);
  await test.restart();
  assert.deepEqual(await node(test).then(({ state, firstBoot }) => [state, firstBoot]), [
    "running",
    after.firstBoot,
  ]);
  await test.client.send("DELETE", "/nodes/n1");
});

Deno.test("a clone that reports under another name is running, and flagged", async () => {
  await using test = await ServerUnderTest.start();
  await boot(test, await installed(test, { hostname: "somebody-else" }));
  const { state, firstBoot } = await node(test);
  assert.equal(state, "running");
  assert.match(firstBoot?.problem?.title ?? "", /under another name/);
});

Deno.test("a clone that stays silent is flagged to watching clients", async () => {
  await using test = await ServerUnderTest.start();
  await installed(test, { hostname: "n1", firstBootSeconds: 1 });
  for await (const event of serverEvents(test.client, AbortSignal.timeout(60_000))) {
    if (event.type === "node" && event.node.firstBoot?.problem) break;
  }
  assert.equal((await node(test)).state, "installed");
});

Deno.test("over plain HTTP only a report with a known token is accepted", async () => {
  await using test = await ServerUnderTest.start();
  const { firstBoot } = await installed(test, { hostname: "n1" });
  assert(firstBoot);
  const cases: [body: string, status: number][] = [
    ["", 400],
    ["hostname n1\n", 400],
    ["token nonsense\nhostname n1\n", 410],
    ["x".repeat(2 << 20), 413],
  ];
  for (const [body, status] of cases) {
    assert.equal((await fetch(firstBoot.url, { method: "POST", body })).status, status);
  }
  const got = await fetch(firstBoot.url);
  await got.body?.cancel();
  assert.equal(got.status, 405);
  assert.equal((await node(test)).state, "installed");
});
