import assert from "node:assert/strict";
import { runUntilKilled } from "../../server/capture/testing/killed_child.ts";
import { openTestServer } from "../../server/capture/testing/service.ts";
import { sendTree } from "../../server/capture/testing/sender.ts";
import { crashTree } from "../../server/capture/testing/tree.ts";

const RUNS = 20;
const CHILD = new URL("../../server/capture/testing/crash_child.ts", import.meta.url).pathname;

Deno.test("a server killed at any point of a capture never shows a partial version, and can go on", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-crash-" });
  try {
    const wholeRun = await runUntilKilled(CHILD, { args: [`${folder}/data`, "whole"] });
    assert.equal(wholeRun.lastWord, "published");
    let published = 1, interrupted = 0;
    for (let i = 0; i < RUNS; i++) {
      const killAfterMs = wholeRun.busyMs * 1.2 * i / RUNS;
      const { lastWord } = await runUntilKilled(CHILD, {
        args: [`${folder}/data`, `seed ${i}`],
        killAfterMs,
      });
      await using server = await openTestServer(`${folder}/data`, { packBytes: 4 << 20 });
      const versions = server.store.list().map((v) => v.version);
      assert.ok(versions.length === published || versions.length === published + 1, `run ${i}`);
      if (lastWord === "published") assert.equal(versions.length, published + 1);
      else interrupted++;
      published = versions.length;
      assert.deepEqual(versions, Array.from({ length: published }, (_, n) => n + 1));
      for await (const event of server.store.verify("web")) assert.notEqual(event.type, "damage", `run ${i}`);
      assert.ok(server.service.list().every((c) => c.state === "published" || c.state === "failed"));
      const folders = [...Deno.readDirSync(`${folder}/data/versions`)].map((e) => e.name);
      assert.equal(folders.length, published);
      assert.deepEqual([...Deno.readDirSync(`${folder}/data/staging`)], []);
    }
    assert.ok(interrupted >= RUNS / 4, `${interrupted} runs were interrupted`);
    await using server = await openTestServer(`${folder}/data`, { packBytes: 4 << 20 });
    for (const { version } of server.store.list()) {
      for await (const event of server.store.verify(`web@${version}`)) assert.notEqual(event.type, "damage");
    }
    const { id } = server.service.begin({ image: "web", level: 3, excludes: [] });
    await sendTree(server.service, id, crashTree("again"));
    assert.equal((await server.ended(id)).version, published + 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
