/** The content index that an installation leaves on its clone, made and used by the real steps of a node. */
import assert from "node:assert/strict";
import { DeployAnswer, VersionView } from "#contract/api.ts";
import { decodeIndex } from "../../agent/install/records/content_index.ts";
import { KeptPaths } from "../../agent/install/compare/kept_paths.ts";
import { readIndex, writeIndex } from "../../agent/install/records/clone_record.ts";
import type { FetchTarget } from "../../agent/install/fetch/image_fetch.ts";
import { Journal } from "../../agent/install/records/journal.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { fetchingNode, setUp } from "./directory_nodes.ts";

const progress = { update: () => {} };

async function fill(directory: string): Promise<void> {
  await Deno.mkdir(`${directory}/etc`);
  for (const name of ["hostname", "own", "data"]) await Deno.writeTextFile(`${directory}/etc/${name}`, name);
  await Deno.writeFile(`${directory}/large`, crypto.getRandomValues(new Uint8Array(65_536)));
}

Deno.test("a restore trusts the index of the installation, except for files changed since", async () => {
  const { test, tokens: [first] } = await setUp(["n1"], fill);
  await using _test = test;
  assert(first);
  const path = `${test.folder}/n1`, clone = new CloneTree(path);
  const { id: manifest } = await test.client.get("/images/tree", VersionView);
  const record = {
    format: "rackseed-journal" as const,
    formatVersion: 1 as const,
    node: "n1",
    image: "tree@1",
    manifest,
    plan: "0".repeat(64),
  };
  {
    const { enrolled, reporter, fetch } = await fetchingNode(test, first.token);
    using _client = enrolled.client;
    await using _fetch = fetch;
    using journal = Journal.keep(path, record);
    const target: FetchTarget = { path, journal };
    await fetch.join(target, { progress });
    await fetch.install(progress);
    // As the identity step does.
    await clone.write("/etc/hostname", { text: "n1\n", mode: 0o644 });
    await clone.remove("/etc/own");
    await writeIndex(clone, fetch.contentIndex({ changed: clone.changed, plain: [] }));
    await fetch.verify({ privileged: Deno.uid() === 0, changed: clone.changed, plain: [], fromDisk: false });
    journal.end();
    await reporter.send({ step: "finish", state: "done", elapsedMs: 1 });
  }
  const index = await readIndex(clone, manifest);
  assert(index);
  // The root, etc, data, hostname, own, large.
  const known = [0, 1, 2, 3, 4, 5].map((entry) => index(entry) !== undefined);
  assert.deepEqual(known, [true, true, true, false, false, true]);
  assert.equal(
    decodeIndex(await Deno.readFile(`${path}/var/lib/rackseed/clone.index`), { manifest: "b".repeat(64) }),
    undefined,
  );
  const { nodes: [again] } = await test.client.post("/restores", {
    body: { nodes: ["n1"], image: "tree" },
    schema: DeployAnswer,
  });
  const { enrolled, fetch } = await fetchingNode(test, again?.token ?? "");
  using _client = enrolled.client;
  await using _fetch = fetch;
  using journal = Journal.keep(path, record);
  await Deno.writeTextFile(`${path}/etc/data`, "DATA");
  const own = new KeptPaths(["etc/hostname", "etc/own", "var"] as never[]);
  const comparison = {
    why: "restores",
    kept: new KeptPaths([]),
    own,
    dryRun: false,
    index,
    trustsIndex: true,
  } as const;
  const { planLines } = await fetch.join({ path, journal, comparison }, { progress });
  const files = planLines?.filter((line) => /rewrite|make|remove/.test(line));
  assert.deepEqual(files, ["  rewrite  /etc/data (4 bytes of it)"]);
  await fetch.install(progress);
  await writeIndex(clone, fetch.contentIndex({ changed: clone.changed, plain: [] }));
  assert.equal(await Deno.readTextFile(`${path}/etc/data`), "data");
  const now = await readIndex(clone, manifest);
  assert.equal([0, 1, 2, 3, 4, 5].filter((entry) => now?.(entry) !== undefined).length, 4);
});
