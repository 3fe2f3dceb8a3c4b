/** Schedules against a complete server: batches advance as nodes finish, failures stop the rest, rights are looked at. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import {
  AgentToken,
  DeployAnswer,
  ImageView,
  NodeView,
  Notice,
  type Order,
  ReportAnswer,
} from "#contract/api.ts";
import { TokenAnswer, UserAnswer } from "#contract/api/access.ts";
import { AuditPage } from "#contract/api/audit.ts";
import { ScheduleDetails, SchedulePreview, ScheduleView } from "#contract/api/schedules.ts";
import type { ApiClient } from "#contract/client.ts";
import { DIRECTORY_INVENTORY, MACHINE_INVENTORY } from "../support/inventory.ts";
import { waitFor } from "../support/wait_for.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";
import { TemplateUnderTest } from "./support/template_under_test.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;
const macOf = (i: number) => `52:54:00:00:00:0${i}`;
const ROLLOUT = {
  name: "rollout",
  nodes: ["@lab"],
  cron: "0 0 1 1 *",
  zone: "Europe/Vienna",
  order: { work: "deploy", image: "web" },
};

/** A server with the image "web" and machines n1 to n`nodes` of the group "lab". */
async function start(nodes: number): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  // machines are only ever sent a kernel's name, which no image of this test has
  await test.restart(() => {
    using db = new DatabaseSync(`${test.data}/rackseed.db`);
    db.exec("UPDATE version SET bootable = 1");
    return Promise.resolve();
  });
  for (let i = 1; i <= nodes; i++) {
    await test.client.put(`/nodes/n${i}`, { body: { mac: macOf(i), group: "lab" }, schema: NodeView });
  }
  return test;
}

/** The boot token in the script that the machine gets; undefined if it is sent to its own disk. */
async function bootToken(test: ServerUnderTest, i: number): Promise<string | undefined> {
  const url = `${test.server.urls.http}/boot/ipxe/${macOf(i).replaceAll(":", "-")}`;
  const script = await (await fetch(url)).text();
  assert.match(script, /^#!ipxe/);
  return /rs1\.[\w-]+\.[\w-]+/.exec(script)?.[0];
}

/** The machine boots from the network, and its agent gets to its end so. */
async function boot(
  test: ServerUnderTest,
  i: number,
  { state = "done", inventory = DIRECTORY_INVENTORY }: {
    state?: "done" | "failed";
    inventory?: typeof DIRECTORY_INVENTORY;
  } = {},
): Promise<Order> {
  const { agent, order } = await test.enrol(await bootToken(test, i), inventory);
  using _agent = agent;
  const problem = {
    title: "cannot write",
    status: 500,
    detail: "the disk is broken.",
    remedy: "replace it.",
  };
  const report = state === "done"
    ? { step: "finish", state, elapsedMs: 1, ...inventory.kind === "machine" && { reportsAs: `n${i}` } }
    : { step: "partition", state, elapsedMs: 1, problem };
  await agent.post("/node/report", { body: report, schema: ReportAnswer });
  return order;
}

const add = (client: ApiClient, change: object = {}) =>
  client.post("/schedules", { body: { ...ROLLOUT, ...change }, schema: ScheduleDetails });
const show = (test: ServerUnderTest, name = "rollout") =>
  test.client.get(`/schedules/${name}`, ScheduleDetails);
const run = (client: ApiClient, name = "rollout") =>
  client.post(`/schedules/${name}/run`, { body: {}, schema: ScheduleDetails });
const states = async (test: ServerUnderTest) =>
  (await test.client.get("/nodes", z.array(NodeView))).map(({ state }) => state).join(" ");

Deno.test("batches begin as the nodes before finish, also across a restart, and a failure stops the rest", async () => {
  await using test = await start(5);
  const told: { type: string; data: Record<string, unknown> }[] = [];
  await using receiver = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    told.push(await request.json());
    return new Response(null, { status: 204 });
  });
  const webhook = { url: `http://127.0.0.1:${receiver.addr.port}/`, events: ["schedule.failed"] };
  await test.client.send("PUT", "/webhooks/chat", { json: webhook });
  const added = await add(test.client, { batch: 2, stopAfter: 1 });
  assert.equal(added.upcoming.length, 3);
  assert.match(added.upcoming[0] ?? "", /-12-31T23:00:00.000Z$/);
  await run(test.client);
  assert.equal(await states(test), "armed armed idle idle idle");
  await boot(test, 1);
  await test.restart();
  await boot(test, 2);
  await waitFor("the next batch", async () => {
    const { done, ordered } = (await show(test)).run?.nodes ?? {};
    return done === 2 && ordered === 2 || undefined;
  });
  assert.equal(await states(test), "installed installed armed armed idle");
  await boot(test, 3, { state: "failed" });
  const { last } = await waitFor("the end", async () => {
    const schedule = await show(test);
    return schedule.run === undefined ? schedule : undefined;
  });
  // n4 had not booted: it is disarmed, too
  assert.equal(await states(test), "installed installed failed idle idle");
  assert.deepEqual([last?.outcome, last?.nodes.done, last?.nodes.waiting], ["stopped", 2, 2]);
  assert.equal(last?.reason, "1 of 5 nodes failed, so that the remaining 2 were not begun");
  assert.deepEqual(last?.failures, [{ node: "n3", problem: "cannot write: the disk is broken." }]);
  const [notice] = await test.client.get("/notices", z.array(Notice));
  assert.match(`${notice?.subject}: ${notice?.problem}`, /schedule rollout: its last run was stopped/);
  const { data } = await waitFor("the news", () => told[0]);
  assert.deepEqual([data.schedule, data.work, data.outcome, data.nodes], ["rollout", "deploy", "stopped", [
    "@lab",
  ]]);
  const { entries } = await test.client.get("/audit", AuditPage);
  const orders = entries.filter(({ who }) => who === "schedule rollout");
  assert.deepEqual(
    orders.map(({ action, nodes, images, subject, outcome }) => [
      ...[action, nodes, images, subject, outcome?.result],
    ]),
    [
      ["node.deploy", ["n3", "n4"], ["web@1"], "made by admin token", "done"],
      ["node.deploy", ["n1", "n2"], ["web@1"], "made by admin token", "done"],
    ],
  );
  using http = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${test.data}/tls/ca.pem`)] });
  const headers = { authorization: `Bearer ${await Deno.readTextFile(`${test.data}/metrics-token`)}`.trim() };
  const metrics = await (await fetch(`${test.server.urls.server}/metrics`, { client: http, headers })).text();
  assert.match(metrics, /^rackseed_schedule_runs_total\{work="deploy",outcome="stopped"\} 1$/m);
  assert.match(metrics, /^rackseed_schedules\{state="failed"\} 1$/m);
});

Deno.test("a node with an order of its own is left alone, and what is called off is no failure", async () => {
  await using test = await start(3);
  await test.deploy(["n1"]);
  const { entries: [before] } = await test.client.get("/audit", AuditPage);
  await add(test.client, { nodes: ["n[1-3]"], order: { work: "restore", image: "web" } });
  await run(test.client);
  await test.client.post("/nodes/n2/cancel", { body: {}, schema: NodeView });
  await boot(test, 3);
  const { last } = await waitFor("the end", async () => {
    const schedule = await show(test);
    return schedule.run === undefined ? schedule : undefined;
  });
  const { nodes: { done, failed, cancelled } = {}, failures } = last ?? {};
  assert.deepEqual([last?.outcome, done, failed, cancelled], ["failed", 1, 1, 1]);
  assert.match(failures?.[0]?.problem ?? "", /another order/);
  assert.equal(before?.action, "node.deploy");
  const n1 = await test.client.get("/nodes/n1", NodeView);
  assert.deepEqual([n1.state, n1.restore], ["armed", undefined]);
});

Deno.test("a run has the rights that its maker has then, and none once the maker is gone", async () => {
  await using test = await start(2);
  const { client } = test;
  const user = { name: "greta", role: "operator", groups: ["lab"] };
  await client.post("/users", { body: user, schema: UserAnswer });
  const request = { user: "greta", name: "ci", role: "operator", days: 1 };
  const { token } = await client.post("/tokens", { body: request, schema: TokenAnswer });
  using greta = await test.as(token);
  assert.equal((await add(greta)).by, "greta (token ci)");
  await client.put("/nodes/n9", { body: { group: "servers" }, schema: NodeView });
  await assert.rejects(add(greta, { name: "theirs", nodes: ["@servers"] }), { status: 403 });
  await assert.rejects(add(greta, { name: "all", nodes: ["n[1-2]", "n9"] }), { status: 403 });

  // a node of the group goes to another one: the group is resolved again, so that the run has only what is left
  await client.put("/nodes/n2", { body: { mac: macOf(2), group: "servers" }, schema: NodeView });
  await run(greta);
  assert.equal(await states(test), "armed idle idle");
  await client.post("/nodes/n1/cancel", { body: {}, schema: NodeView });
  await waitFor("the end", async () => (await show(test)).run === undefined || undefined);

  await client.put("/users/greta", { body: { groups: ["servers"] }, schema: UserAnswer });
  const outOfGroup = await run(client);
  assert.equal(outOfGroup.last?.outcome, "refused");
  assert.match(outOfGroup.last?.reason ?? "", /greta may not do this: n1 is not in the groups of greta/);
  await client.send("DELETE", "/users/greta");
  const gone = await run(client);
  assert.match(gone.last?.reason ?? "", /greta is no user of this server any more/);
  assert.equal(await states(test), "idle idle idle");
  const { entries } = await client.get("/audit?limit=3", AuditPage);
  assert.deepEqual(entries.find(({ who }) => who === "schedule rollout")?.outcome?.result, "refused");
});

Deno.test("backups are made by the nodes' agents, and a node without one fails without holding up the others", async () => {
  await using test = await ServerUnderTest.start();
  await using agents = new AsyncDisposableStack();
  for (const name of ["n1", "n2", "n3"]) {
    await test.client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
  }
  for (const name of ["n1", "n3"]) {
    const root = `${test.folder}/${name}`;
    await makeSmallTree(root);
    const { token } = await test.client.post(`/nodes/${name}/agent`, { body: {}, schema: AgentToken });
    const own = agents.use(await test.as(token));
    agents.use(await TemplateUnderTest.start(own, { name, root, state: `${root}-state` }));
  }
  await add(test.client, { nodes: ["n[1-3]"], order: { work: "backup", level: 1 } });
  await run(test.client);
  const { last } = await waitFor("the end", async () => {
    const schedule = await show(test);
    return schedule.run === undefined ? schedule : undefined;
  }, { timeoutMs: 60_000 });
  assert.deepEqual([last?.outcome, last?.nodes.done, last?.failures.map(({ node }) => node)], ["failed", 2, [
    "n2",
  ]]);
  assert.match(last?.failures[0]?.problem ?? "", /no agent runs on it/);
  const images = await test.client.get("/images", z.array(ImageView));
  assert.deepEqual(images.map(({ image, backupOf }) => [image, backupOf]).sort(), [["n1", "n1"], [
    "n3",
    "n3",
  ]]);
});

Deno.test("a preview says what a run would do to the nodes of each image, and adds nothing", async () => {
  await using test = await ServerUnderTest.start();
  for (const image of ["web", "app"]) await test.publish(image, { root: SOURCES });
  for (const name of ["n1", "n2", "n3"]) {
    await test.client.put(`/nodes/${name}`, { body: { group: "lab" }, schema: NodeView });
  }
  const preview = (order: object, nodes = ["@lab"]) =>
    test.client.post("/schedules/preview", {
      body: { nodes, cron: "0 3 * * *", zone: "UTC", windows: ["Sun 04:00-05:00"], order },
      schema: SchedulePreview,
    });
  const { upcoming, reviews: [review] } = await preview({ work: "deploy", image: "web" });
  assert.deepEqual([upcoming.length, review?.kind, review?.image, review?.losing], [
    5,
    "deployment",
    "web@1",
    3,
  ]);
  for (const { planned, begins } of upcoming) {
    assert.match(planned, /T03:00:00/);
    assert.match(begins, /T04:00:00/);
    assert.equal(new Date(begins).getUTCDay(), 0);
  }
  assert.deepEqual((await preview({ work: "check" })).reviews, []);
  await assert.rejects(preview({ work: "restore" }), { status: 409 });
  for (const [node, image] of [["n1", "web"], ["n2", "app"]] as const) {
    const body = { nodes: [node], image };
    const { nodes: [ordered] } = await test.client.post("/deployments", { body, schema: DeployAnswer });
    const { agent } = await test.enrol(ordered?.token, DIRECTORY_INVENTORY);
    using _agent = agent;
    await agent.post("/node/report", {
      body: { step: "finish", state: "done", elapsedMs: 1 },
      schema: ReportAnswer,
    });
  }
  const restored = await preview({ work: "restore", now: true }, ["n1", "n2"]);
  assert.deepEqual(restored.reviews.map(({ image, losing }) => [image, losing]), [["web@1", 1], [
    "app@1",
    1,
  ]]);
  const compared = await preview({ work: "restore", dryRun: true }, ["n1", "n2"]);
  assert.deepEqual(compared.reviews.map(({ losing }) => losing), [0, 0]);
  assert.deepEqual(await test.client.get("/schedules", z.array(ScheduleView)), []);
});

Deno.test("what can be known to fail is refused when the schedule is made", async () => {
  await using test = await start(1);
  const refused: readonly (readonly [change: object, status: number, says: RegExp])[] = [
    [{ order: { work: "deploy", image: "nothing" } }, 404, /nothing/],
    [{ order: { work: "restore" } }, 409, /no image is assigned/],
    [{ order: { work: "deploy", image: "web", keep: ["/srv"] } }, 400, /keep/],
    [{ order: { work: "backup", image: "web" } }, 400, /only a backup at boot needs/],
    [{ order: { work: "deploy", image: "web", passphrase: "correct horse" } }, 409, /no encrypted volume/],
    [{ nodes: ["@empty"] }, 400, /the group empty has no nodes/],
    [{ nodes: ["n7"] }, 404, /no node has this name/],
    [{ cron: "0 0 31 2 *" }, 400, /never comes/],
    [{ windows: ["22:00-22:00"] }, 400, /never open/],
  ];
  for (const [change, status, says] of refused) {
    await assert.rejects(
      add(test.client, change),
      (error: { status: number; reason: string; title: string }) => {
        assert.match(`${error.title}: ${error.reason}`, says);
        assert.equal(error.status, status);
        return true;
      },
    );
  }
  assert.deepEqual(await test.client.get("/schedules", z.array(ScheduleView)), []);
});

Deno.test("a node is restored at every boot until that is called off, also after a restart of the server", async () => {
  await using test = await start(1);
  const view = () => test.client.get("/nodes/n1", NodeView);
  const machine = { inventory: { ...MACHINE_INVENTORY, nics: [{ name: "eth0", mac: macOf(1) }] } };
  await test.deploy(["n1"]);
  await boot(test, 1);
  const json = { nodes: ["n1"], everyBoot: true, keep: ["/srv"] };
  await assert.rejects(test.client.send("POST", "/restores", { json: { ...json, dryRun: true } }), {
    status: 400,
  });
  await test.client.send("POST", "/restores", { json });
  assert.deepEqual([(await view()).state, (await view()).everyBoot?.by], ["armed", "admin token"]);
  const first = await boot(test, 1, machine);
  assert.deepEqual(first.restore?.keep, ["/srv"]);
  assert.equal(await bootToken(test, 1), undefined, "the restart leads to the own disk");
  const { url, token } = first.firstBoot ?? assert.fail("no first boot is expected");
  const body = `token ${token}\nhostname n1\nuptime 1\n`;
  assert.equal((await fetch(url, { method: "POST", body })).ok, true);
  assert.equal((await view()).state, "running");

  await test.restart();
  const second = await boot(test, 1, machine);
  assert.notEqual(second.deployment, first.deployment);
  assert.deepEqual([second.restore?.keep, second.restore?.dryRun], [["/srv"], false]);
  const { entries } = await test.client.get("/audit?node=n1", AuditPage);
  const [latest] = entries;
  assert.deepEqual([latest?.who, latest?.subject, latest?.outcome?.result], [
    "restore at every boot",
    "ordered by admin token",
    "done",
  ]);
  await assert.rejects(test.client.send("DELETE", "/nodes/n1"), { status: 409 });

  // a scheduled deployment takes the place of what the next boot would do, once
  await test.client.send("POST", "/restores", { json });
  await add(test.client);
  await run(test.client);
  const deployed = await test.client.get("/nodes/n1", NodeView);
  assert.deepEqual([deployed.state, deployed.restore, deployed.everyBoot?.by], [
    "armed",
    undefined,
    "admin token",
  ]);
  await test.client.send("DELETE", "/schedules/rollout");
  assert.equal((await view()).armed, false);

  // a named image binds: another deployment would be undone by the next boot
  await test.client.send("POST", "/restores", { json: { ...json, image: "web" } });
  await assert.rejects(test.deploy(["n1"]), { status: 409, reason: /each boot restores another image/ });
  const cancelled = await test.client.post("/nodes/n1/cancel", { body: {}, schema: NodeView });
  assert.deepEqual([cancelled.armed, cancelled.everyBoot], [false, undefined]);
  assert.equal(await bootToken(test, 1), undefined);
  await assert.rejects(test.client.send("POST", "/nodes/n1/cancel", { json: {} }), { status: 409 });
});

Deno.test("a schedule starts its nodes by their power control, and refuses at once if one has none", async () => {
  await using test = await start(2);
  const order = { work: "deploy", image: "web", power: { pauseSeconds: 0 } };
  await assert.rejects(add(test.client, { order }), {
    message: /cannot deploy and start these nodes: .*n1/,
  });
  const power = { method: "wol", broadcast: "127.0.0.1" };
  const json = ["n1", "n2"].map((node) => ({ node, power }));
  await test.client.send("PUT", "/power", { json });
  await assert.rejects(add(test.client, { order: { ...order, now: true } }), {
    message: /would both restart the nodes/,
  });
  await add(test.client, { order });
  await run(test.client);
  await waitFor("the nodes to be switched on", async () => {
    const nodes = await test.client.get("/nodes", z.array(NodeView));
    return nodes.every(({ power }) => power?.start?.state === "awaited") || undefined;
  });
});
