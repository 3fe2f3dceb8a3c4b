/** `rackseed node restore` of directory nodes against a real server: what it fetches, writes, keeps and reports. */
import assert from "node:assert/strict";
import { z } from "zod";
import { DeployAnswer, NodeView, StepReport } from "#contract/api.ts";
import type { RestoreRequest } from "#contract/api.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { ImageSettings } from "#contract/api/restore.ts";
import { statAt } from "../../agent/sys/file_status.ts";
import { AT_FDCWD } from "../../agent/sys/libc.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import type { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { install, Lines, setUp, stateOf } from "./directory_nodes.ts";

const SIZE = 40_000;

/** 12 MB of incompressible data in 300 files, in six directories. */
async function fill(directory: string): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const folder = `${directory}/d${i % 6}`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeFile(`${folder}/${i}`, crypto.getRandomValues(new Uint8Array(SIZE)));
  }
}

async function installed() {
  const { test, source, tokens: [node] } = await setUp(["n1"], fill);
  assert(node);
  await install(test, node);
  return { test, source, target: `${test.folder}/n1` };
}

async function order(test: ServerUnderTest, request: Partial<RestoreRequest> = {}) {
  const body = { nodes: ["n1"], ...request };
  const { nodes: [node] } = await test.client.post("/restores", { body, schema: DeployAnswer });
  assert(node);
  return { ...node, restore: true };
}

/** Restores, and returns what the steps reported. */
async function restore(test: ServerUnderTest, request: Partial<RestoreRequest> = {}) {
  const lines = new Lines();
  await install(test, await order(test, request), lines);
  const log = await test.client.get("/nodes/n1/log", z.array(StepReport));
  const done = (step: string) => log.find((r) => r.step === step && r.state === "done");
  return {
    console: lines.lines.join("\n"),
    plan: (done("torrent")?.plan ?? []).join("\n"),
    fetchedMB: Number(/([\d.]+) MB fetched/.exec(done("install")?.message ?? "")?.[1] ?? NaN),
    steps: log.filter((r) => r.state === "done").map((r) => r.step),
  };
}

/** Inode and change time of every entry, which any write would change. */
function marks(root: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string) => {
    // Deno returns change times in whole seconds, and an inode may be reused within one.
    const { inode, ctimeSec, ctimeNs, type } = statAt(AT_FDCWD, bytePathOfText(path));
    // The root itself holds the installation's journal meanwhile.
    if (path !== root) found.set(path, `${inode} ${ctimeSec}.${ctimeNs}`);
    if (type === "directory") { for (const { name } of Deno.readDirSync(path)) visit(`${path}/${name}`); }
  };
  visit(root);
  return found;
}

const same = async (source: string, target: string) =>
  assert.equal(describeDifference(await dumpTree(source), await dumpTree(target)), undefined);

Deno.test("restoring an undamaged directory fetches nothing and touches no inode", async () => {
  const { test, source, target } = await installed();
  await using _test = test;
  const before = marks(target);
  const { plan, fetchedMB } = await restore(test);
  assert.deepEqual(marks(target), before);
  assert.match(plan, /^nothing would change: all 307 entries are as the image has them/);
  // Only the piece that holds the manifest.
  assert(fetchedMB <= 0.3, `${fetchedMB} MB`);
  await same(source, target);
  assert.equal(await stateOf(test, "n1"), "installed");
});

Deno.test("damaged files are restored by extents, a lost directory by whole frames, and extra files are deleted", async () => {
  const { test, source, target } = await installed();
  await using _test = test;
  for (const i of [7, 100, 200]) await Deno.writeTextFile(`${target}/d${i % 6}/${i}`, "x".repeat(SIZE));
  await Deno.remove(`${target}/d1/1`);
  await Deno.mkdir(`${target}/d2/new`);
  await Deno.writeTextFile(`${target}/d2/new/file`, "x");
  const before = marks(target);
  const { plan, fetchedMB } = await restore(test);
  await same(source, target);
  assert.match(plan, /rewrite {2}\/d1\/7 \(40000 bytes of it\)/);
  assert.match(plan, /make {5}\/d1\/1/);
  assert.match(plan, /remove {3}\/d2\/new, with all below it/);
  assert.match(plan, /4 extents from the server/);
  assert(fetchedMB <= 0.5, `${fetchedMB} MB`);
  const after = marks(target);
  const touched = [...before].filter(([path, mark]) => after.get(path) !== mark && !/\/d\d$/.test(path));
  assert.deepEqual(touched.map(([path]) => path.slice(target.length)).sort(), [
    ...["/d1/7", "/d2/200", "/d2/new", "/d2/new/file", "/d4/100"],
  ]);
  for (const i of [0, 1, 2]) await Deno.remove(`${target}/d${i}`, { recursive: true });
  const again = await restore(test);
  await same(source, target);
  assert.match(again.plan, /frames? from the swarm/);
});

Deno.test("paths kept by the order or the image's settings stay unchanged; kept paths that are missing are restored", async () => {
  const { test, source, target } = await installed();
  await using _test = test;
  await test.client.put("/images/tree/settings", { body: { keep: ["/d4"] }, schema: ImageSettings });
  await Deno.writeTextFile(`${target}/d3/mine`, "data");
  await Deno.writeTextFile(`${target}/d4/4`, "changed");
  await Deno.remove(`${target}/d5`, { recursive: true });
  await Deno.remove(`${target}/d0/0`);
  const { plan } = await restore(test, { keep: ["/d3", "/d5"] });
  assert.equal(await Deno.readTextFile(`${target}/d3/mine`), "data");
  assert.equal(await Deno.readTextFile(`${target}/d4/4`), "changed");
  assert.match(plan, /left alone: .*\/d4/);
  const { changes, ...terms } = (await test.client.get("/nodes/n1", NodeView)).restore ?? {};
  assert.deepEqual(terms, { keep: ["/d4", "/d3", "/d5"], dryRun: false });
  assert.equal(changes?.join("\n"), plan);
  await test.client.put("/images/tree/settings", { body: {}, schema: ImageSettings });
  await Deno.remove(`${target}/d3/mine`);
  await restore(test);
  await same(source, target);
});

Deno.test("a dry run reports everything and changes nothing; the node keeps its state and is disarmed", async () => {
  const { test, target } = await installed();
  await using _test = test;
  await Deno.writeTextFile(`${test.folder}/source/added`, "in version 2");
  await test.publish("tree", { root: `${test.folder}/source` });
  await Deno.writeTextFile(`${target}/d1/7`, "damaged");
  await Deno.writeTextFile(`${target}/stranger`, "x");
  const before = marks(target);
  const { console, plan, steps } = await restore(test, { version: 2, dryRun: true });
  assert.deepEqual(marks(target), before);
  for (const shown of [console, plan]) {
    assert.match(shown, /make {5}\/added/);
    assert.match(shown, /rewrite {2}\/d1\/7/);
    assert.match(shown, /remove {3}\/stranger/);
    assert.match(shown, /to fetch: 0\.\d+ MB|to fetch: \d+ bytes/);
  }
  assert.deepEqual(steps, ["network", "enrol", "inventory", "torrent", "finish"]);
  const node = await test.client.get("/nodes/n1", NodeView);
  assert.deepEqual([node.state, node.armed, node.image], ["installed", false, "tree@1"]);
});

Deno.test("a restore needs a known or given image, and never turns into an installation", async () => {
  const { test, tokens: [token] } = await setUp(["n1"], fill);
  await using _test = test;
  assert(token);
  await Deno.writeTextFile(`${test.folder}/n1/precious`, "x");
  await assert.rejects(
    install(test, { ...token, restore: true }),
    /the order is to install tree@1, not to restore it/,
  );
  assert.equal(await Deno.readTextFile(`${test.folder}/n1/precious`), "x");
  await assert.rejects(order(test), /no image is assigned to it/);
  const ordered = await order(test, { image: "tree" });
  await assert.rejects(install(test, { ...ordered, restore: false }), /not empty/);
  assert.equal(await Deno.readTextFile(`${test.folder}/n1/precious`), "x");
});
