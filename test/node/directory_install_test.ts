/** `rackseed agent install --target DIR` against a real server: everything that a node does except for its disk. */
import assert from "node:assert/strict";
import { NodeView, StepReport, VersionView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { z } from "zod";
import { Journal, type JournalRecord } from "../../agent/install/records/journal.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import type { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { describeTree } from "../oddities/describe_tree.ts";
import { makeOddities, odditiesLack } from "../oddities/make_oddities.ts";
import { fillSmall, install, Lines, setUp, stateOf } from "./directory_nodes.ts";
import { waitFor } from "../support/wait_for.ts";

const lack = odditiesLack();
if (lack) console.log(`skipped: installations of odd trees: ${lack}`);

Deno.test({
  name: "two nodes at once install an odd tree through the swarm, both exactly",
  ignore: lack !== undefined,
  async fn() {
    const { test, source, tokens } = await setUp(["n1", "n2"], makeOddities);
    await using _test = test;
    const consoles = [new Lines(), new Lines()];
    await Promise.all(tokens.map((node, i) => install(test, node, consoles[i])));
    const wanted = describeTree(source);
    for (const node of ["n1", "n2"]) {
      assert.deepEqual(describeTree(`${test.folder}/${node}`), wanted);
      assert.equal(await stateOf(test, node), "installed");
    }
    for (const { lines } of consoles) {
      assert.match(lines.find((line) => line.includes("torrent:")) ?? "", /; torrent by rsync \(/);
    }
    const steps = consoles[0]?.lines.map((line) => /\] (\w+):/.exec(line)?.[1]);
    assert.deepEqual(steps, [
      "network",
      "enrol",
      "inventory",
      "torrent",
      "install",
      "verify",
      "seed",
      "finish",
    ]);
  },
});

Deno.test("the server has a record of every step, with its duration", async () => {
  const { test, tokens: [node] } = await setUp(["n1"], fillSmall);
  await using _test = test;
  assert(node);
  await install(test, node);
  const log = await test.client.get("/nodes/n1/log", z.array(StepReport));
  const done = log.filter((r) => r.state === "done").map((r) => r.step);
  assert.deepEqual(done.at(-1), "finish");
  assert(done.includes("network") && done.includes("install"));
  const { times } = log.find((r) => r.step === "install" && r.state === "done") ?? {};
  assert(times && times.fetchedBytes > 0 && times.busyMs + times.blockedMs > 0, JSON.stringify(times));
});

Deno.test("a target that cannot be written fails its step, and the server learns why", async () => {
  const { test, tokens: [node] } = await setUp(["n1"], fillSmall);
  await using _test = test;
  assert(node);
  const lines = new Lines();
  const running = install(test, node, lines);
  // The target vanishes once it has been looked at, as an unplugged disk would.
  await waitFor("the first step", () => Promise.resolve(lines.lines.length > 0), { everyMs: 1 });
  await Deno.remove(`${test.folder}/n1`, { recursive: true });
  await assert.rejects(running, RackseedError);
  assert.equal(await stateOf(test, "n1"), "failed");
  const view = await test.client.get("/nodes/n1", NodeView);
  assert(view.report?.problem && (view.report.log ?? []).length > 0);
  assert.match(lines.lines.at(-1) ?? "", /FAILED after/);
});

Deno.test("a used token is refused, and the tree that it installed stays", async () => {
  const { test, tokens: [node] } = await setUp(["n1"], fillSmall);
  await using _test = test;
  assert(node);
  await install(test, node);
  await assert.rejects(install(test, node), /not empty/);
  await Deno.mkdir(`${test.folder}/other`);
  await assert.rejects(install(test, { node: "other", token: node.token }), { status: 401 });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${test.folder}/other`)), []);
  assert.equal((await Array.fromAsync(Deno.readDir(`${test.folder}/n1`))).length, 200);
});

/** A directory as an interrupted installation of the given version leaves it. */
async function interrupt(test: ServerUnderTest, changed: Partial<JournalRecord>): Promise<void> {
  const { id } = await test.client.get("/images/tree", VersionView);
  const record: JournalRecord = {
    format: "rackseed-journal",
    formatVersion: 1,
    node: "n1",
    image: "tree@1",
    manifest: id,
    plan: "0".repeat(64),
    ...changed,
  };
  Journal.keep(`${test.folder}/n1`, record)[Symbol.dispose]();
  await Deno.writeTextFile(`${test.folder}/n1/0`, "half");
  await Deno.writeTextFile(`${test.folder}/n1/mine`, "a file");
}

Deno.test("an interrupted installation of the same version is finished, whatever the directory holds", async () => {
  const { test, source, tokens: [node] } = await setUp(["n1"], fillSmall);
  await using _test = test;
  assert(node);
  await interrupt(test, {});
  const lines = new Lines();
  await install(test, node, lines);
  assert.equal(
    describeDifference(await dumpTree(source), await dumpTree(`${test.folder}/n1`)),
    undefined,
  );
  assert.match(lines.lines.join(), /interrupted.*resumes: /);
});

const others: { name: string; changed: Partial<JournalRecord>; says: RegExp }[] = [
  {
    name: "another version",
    changed: { manifest: "c".repeat(64), image: "tree@7" },
    says: /tree@7 was being installed there, and tree@1 is ordered.*Nothing was touched/,
  },
  { name: "another node", changed: { node: "n9" }, says: /the node n9 was being installed there/ },
];
for (const { name, changed, says } of others) {
  Deno.test(`a directory with an interrupted installation of ${name} is refused and left unchanged`, async () => {
    const { test, tokens: [node] } = await setUp(["n1"], fillSmall);
    await using _test = test;
    assert(node);
    await interrupt(test, changed);
    const before = await dumpTree(`${test.folder}/n1`);
    await assert.rejects(install(test, node), (error) => {
      assert.ok(error instanceof RackseedError);
      assert.match(error.reason, says);
      assert.match(error.remedy, /empty the directory/);
      return true;
    });
    assert.equal(describeDifference(before, await dumpTree(`${test.folder}/n1`)), undefined);
    assert.equal(await stateOf(test, "n1"), "failed");
  });
}

Deno.test("a directory with a damaged journal is refused before the server is contacted; an empty journal is not", async () => {
  const { test, tokens: [node] } = await setUp(["n1"], fillSmall);
  await using _test = test;
  assert(node);
  await interrupt(test, {});
  await Deno.writeTextFile(`${test.folder}/n1/.rackseed-install/journal.json`, '{"format":');
  await assert.rejects(install(test, node), /journal cannot be read.*empty the directory/);
  assert.equal(await stateOf(test, "n1"), "armed");
  // Power was lost before the journal was complete: the directory holds nothing else.
  for (const name of ["0", "mine"]) await Deno.remove(`${test.folder}/n1/${name}`);
  await install(test, node);
  assert.equal(await stateOf(test, "n1"), "installed");
});

Deno.test("a directory that another process is installing into is refused", async () => {
  const { test, tokens: [node] } = await setUp(["n1"], fillSmall);
  await using _test = test;
  assert(node);
  await interrupt(test, {});
  const { id } = await test.client.get("/images/tree", VersionView);
  using _other = Journal.keep(`${test.folder}/n1`, {
    format: "rackseed-journal",
    formatVersion: 1,
    node: "n1",
    image: "tree@1",
    manifest: id,
    plan: "0".repeat(64),
  });
  await assert.rejects(install(test, node), /another process is installing there/);
});
