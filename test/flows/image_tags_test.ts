import assert from "node:assert/strict";
import { z } from "zod";
import {
  DeployAnswer,
  type DeploymentSummary,
  ImageView,
  NodeView,
  PruneAnswer,
  VersionView,
} from "#contract/api.ts";
import { TagView, VersionUses } from "#contract/api/image_tags.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

async function withVersions(versions: number): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await Deno.mkdir(root);
  for (let version = 1; version <= versions; version++) {
    // each has content of its own, and shares the rest
    await Deno.writeTextFile(`${root}/shared`, "the same in all versions");
    await Deno.writeTextFile(`${root}/own`, `of version ${version}`);
    await test.publish("web", { root });
  }
  return test;
}

const ANY = z.unknown();

Deno.test("a tag stands wherever a version does, and an order keeps the version that it named then", async () => {
  await using test = await withVersions(3);
  const { client } = test;
  const tag = (version: number, name = "stable") =>
    client.put(`/images/web/tags/${name}`, { body: { version }, schema: TagView });
  assert.deepEqual(await tag(1), { image: "web", tag: "stable", version: 1 });
  assert.equal((await client.get("/images/web@stable", VersionView)).version, 1);
  for (const name of ["n1", "n2"]) await client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
  const deployed = await client.post("/deployments", {
    body: { nodes: ["n1"], image: "web@stable" },
    schema: DeployAnswer,
  });
  assert.equal(deployed.image, "web@1");
  const plan = await client.get("/nodes/n2/plan?image=web@stable", z.object({ image: z.string() }));
  assert.equal(plan.image, "web@1");
  await client.get("/images/web@stable/diff/web", ANY);
  await (await client.send("GET", "/images/web@stable/export")).body?.cancel();

  assert.deepEqual(await tag(2), { image: "web", tag: "stable", version: 2, before: 1 });
  assert.equal((await client.get("/nodes/n1", NodeView)).image, "web@1");
  const nodesOf = async (ref: string) =>
    (await client.get(`/nodes?image=${ref}`, z.array(NodeView))).map(({ name }) => name);
  assert.deepEqual(await nodesOf("web@stable"), []);
  await tag(1);
  assert.deepEqual(await nodesOf("web@stable"), ["n1"]);
  const deployments = await client.get("/deployments?image=web@stable", z.array(z.unknown()));
  assert.deepEqual((deployments as DeploymentSummary[]).map(({ image }) => image), ["web@1"]);

  await client.put("/images/web@stable/note", { body: { note: "before the upgrade" }, schema: VersionView });
  await test.restart();
  const [first, second] = await test.client.get("/images", z.array(ImageView));
  assert.deepEqual(first?.tags, ["stable"]);
  assert.equal(first?.note, "before the upgrade");
  assert.deepEqual(second?.tags, []);
  assert.ok(first && first.stored.own > 0 && first.stored.lineage > first.stored.own + first.stored.shared);
});

Deno.test("names of tags and notes are checked, and an image has a bounded number of tags", async () => {
  await using test = await withVersions(1);
  const { client } = test;
  const put = (tag: string, version: unknown = 1) =>
    client.put(`/images/web/tags/${tag}`, { body: { version }, schema: TagView });
  for (const bad of ["3", "Stable", "latest", "a b", "a@b", "x".repeat(33)]) {
    await assert.rejects(put(encodeURIComponent(bad)), { status: 400 }, bad);
  }
  await assert.rejects(put("stable", 2), { status: 404 });
  await assert.rejects(put("stable", "1"), { status: 400 });
  await assert.rejects(client.put("/images/none/tags/a", { body: { version: 1 }, schema: TagView }), {
    status: 404,
  });
  for (let i = 0; i < 32; i++) await put(`t${i}`);
  await assert.rejects(put("t32"), { status: 409, message: /32 tags/ });
  await put("t31");
  await assert.rejects(client.get("/images/web@nothing", ANY), { status: 404, message: /no tag nothing/ });
  await assert.rejects(client.send("DELETE", "/images/web/tags/nothing"), { status: 404 });
  for (const note of ["two\nlines", "x".repeat(501), 7]) {
    await assert.rejects(client.put("/images/web/note", { body: { note }, schema: ANY }), { status: 400 });
  }
  const noted = (note: string) => client.put("/images/web/note", { body: { note }, schema: VersionView });
  assert.equal((await noted("für PHP 8.4")).note, "für PHP 8.4");
  assert.equal((await noted("")).note, undefined);
});

Deno.test("a version that something would lose is not deleted, and the refusal names who that is", async () => {
  await using test = await withVersions(4);
  const { client } = test;
  const remove = (path: string) => client.send("DELETE", `/images/${path}`);
  for (const name of ["n1", "n2"]) await client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
  // n1 has web@1, n2 is armed with web@2
  const { agent } = await test.enrol((await test.deploy(["n1"], { image: "web@1" }))[0]);
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
  agent[Symbol.dispose]();
  await test.deploy(["n2"], { image: "web@2" });
  await client.put("/images/web/tags/stable", { body: { version: 3 }, schema: TagView });
  const order = { work: "deploy", image: "web@stable" };
  await client.post("/schedules", {
    body: { name: "nightly", nodes: ["n1"], cron: "@daily", order },
    schema: ANY,
  });

  const uses = (ref: string) => client.get(`/images/${ref}/uses`, VersionUses);
  const none = { ordered: [], installed: [], everyBoot: [], schedules: [], tags: [] };
  assert.deepEqual(await uses("web@1"), { ...none, installed: ["n1"] });
  assert.deepEqual(await uses("web@2"), { ...none, ordered: ["n2"] });
  assert.deepEqual(await uses("web@stable"), { ...none, schedules: ["nightly"], tags: ["stable"] });
  assert.deepEqual(await uses("web@4"), none);

  await assert.rejects(remove("web@1"), { status: 409, message: /installed on n1/ });
  await assert.rejects(remove("web@2"), { status: 409, message: /deployed to n2/ });
  await assert.rejects(remove("web@2?force=true"), { status: 409, message: /deployed to n2/ });
  await assert.rejects(remove("web@3"), { status: 409, message: /schedule nightly; tagged stable/ });
  await assert.rejects(remove("web"), { status: 409, message: /4 versions/ });
  await assert.rejects(remove("web/tags/stable"), { status: 409, message: /schedule nightly/ });

  const prune = (body: object) =>
    client.post("/images/prune", { body: { keepLast: 1, apply: false, ...body }, schema: PruneAnswer });
  const reasons = async (body: object) =>
    Object.fromEntries((await prune(body)).kept.map(({ version, reason }) => [version, reason]));
  const kept = {
    1: "installed on n1",
    2: "it is being deployed to n2",
    3: "ordered by the schedule nightly",
    4: "the newest",
  };
  assert.deepEqual(await reasons({}), kept);
  assert.deepEqual(await reasons({ force: true }), kept);
  await client.send("DELETE", "/schedules/nightly");
  assert.equal((await reasons({}))[3], "tagged stable");
  assert.deepEqual((await prune({ force: true })).removed.map(({ version }) => version), [3]);

  await remove("web@1?force=true");
  await remove("web@3?force=true");
  await assert.rejects(client.get("/images/web@stable", ANY), { status: 404 });
  await remove("web@4");
  assert.deepEqual((await client.get("/images", z.array(ImageView))).map(({ version }) => version), [2]);
});

Deno.test("a schedule keeps its tag, and looks it up at each run", async () => {
  await using test = await withVersions(2);
  const { client } = test;
  await client.put("/nodes/n1", { body: {}, schema: NodeView });
  await client.put("/images/web/tags/stable", { body: { version: 1 }, schema: TagView });
  const order = { work: "deploy", image: "web@stable" };
  const body = { name: "nightly", nodes: ["n1"], cron: "@yearly", order };
  const Schedule = z.object({ order: z.object({ image: z.string() }) });
  assert.equal((await client.post("/schedules", { body, schema: Schedule })).order.image, "web@stable");
  const run = async () => {
    await client.post("/schedules/nightly/run", { body: {}, schema: ANY });
    return (await client.get("/nodes/n1", NodeView)).image;
  };
  assert.equal(await run(), "web@1");
  await client.send("POST", "/nodes/n1/cancel");
  await client.put("/images/web/tags/stable", { body: { version: 2 }, schema: TagView });
  // the first run has ended with its only node
  const ended = async () =>
    (await client.get("/schedules/nightly", z.object({ run: z.unknown().optional() }))).run === undefined;
  for (let i = 0; i < 50 && !await ended(); i++) await new Promise((done) => setTimeout(done, 100));
  assert.equal(await run(), "web@2");
  assert.equal((await client.get("/schedules/nightly", Schedule)).order.image, "web@stable");
});

Deno.test("setting a tag and a note is recorded in the audit log", async () => {
  await using test = await withVersions(1);
  const { client } = test;
  await client.put("/images/web/tags/stable", { body: { version: 1 }, schema: TagView });
  await client.put("/images/web@1/note", { body: { note: "x" }, schema: ANY });
  await client.send("DELETE", "/images/web/tags/stable");
  const Entries = z.object({
    entries: z.array(z.object({
      action: z.string(),
      images: z.array(z.string()),
      subject: z.string().optional(),
    })),
  });
  const { entries } = await client.get("/audit?limit=3", Entries);
  assert.deepEqual(entries.toReversed(), [
    { action: "image.tag", images: ["web"], subject: "stable 1" },
    { action: "image.note", images: ["web@1"] },
    { action: "image.untag", images: ["web"], subject: "stable" },
  ]);
});
