/** A node that starts fetching while its target is still being prepared. */
import assert from "node:assert/strict";
import { Journal } from "../../agent/install/records/journal.ts";
import { VersionView } from "#contract/api.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import { fetchingNode, fillSmall, setUp } from "./directory_nodes.ts";

const progress = { update: () => {} };

for (const manifestOnly of [false, true]) {
  const what = manifestOnly
    ? "what was to be restored turns out to be blank, and comes whole"
    : "what was begun before the target was there is installed";
  Deno.test(what, async () => {
    const { test, source, tokens: [order] } = await setUp(["n1"], fillSmall);
    await using _test = test;
    const path = `${test.folder}/n1`, memory = `${test.folder}/memory`;
    const { id: manifest } = await test.client.get("/images/tree", VersionView);
    const { enrolled, fetch } = await fetchingNode(test, order?.token ?? "");
    using _client = enrolled.client;
    await using _fetch = fetch;
    fetch.begin({ memory, writes: true, manifestOnly });
    using journal = Journal.keep(path, {
      format: "rackseed-journal",
      formatVersion: 1,
      node: "n1",
      image: "tree@1",
      manifest,
      plan: "0".repeat(64),
    });
    const joined = await fetch.join({ path, journal }, { memory, progress });
    assert.ok(joined.inMemory);
    await fetch.install(progress);
    journal.end();
    assert.equal(describeDifference(await dumpTree(source), await dumpTree(path)), undefined);
  });
}

Deno.test("a fetch that was begun but never joined is abandoned without a trace", async () => {
  const { test, tokens: [order] } = await setUp(["n1"], fillSmall);
  await using _test = test;
  const memory = `${test.folder}/memory`;
  const { enrolled, fetch } = await fetchingNode(test, order?.token ?? "");
  using _client = enrolled.client;
  fetch.begin({ memory, writes: true, manifestOnly: true });
  await fetch[Symbol.asyncDispose]();
  const left = await Array.fromAsync(Deno.readDir(memory)).catch(() => []);
  assert.deepEqual(left, []);
});

Deno.test("joining a fetch that has failed throws the cause", async () => {
  const { test, tokens: [order] } = await setUp(["n1"], fillSmall);
  await using _test = test;
  const path = `${test.folder}/n1`, memory = `${test.folder}/n1/occupied`;
  await Deno.writeTextFile(memory, "a file");
  const { enrolled, fetch } = await fetchingNode(test, order?.token ?? "");
  using _client = enrolled.client;
  await using _fetch = fetch;
  fetch.begin({ memory, writes: true, manifestOnly: false });
  await assert.rejects(fetch.join({ path, journal: undefined }, { memory, progress }), /exists/);
});
