import assert from "node:assert/strict";
import { runUntilKilled } from "../../server/capture/testing/killed_child.ts";
import { sendTree } from "../../server/capture/testing/sender.ts";
import { openTestServer } from "../../server/capture/testing/service.ts";
import { pruneTree } from "../../server/capture/testing/tree.ts";

const RUNS = 200;
const CHILD = new URL("../../server/capture/testing/prune_child.ts", import.meta.url).pathname;
const VERSIONS = 8, PRUNED = 6;
/** About the time that one run takes. */
const DELETION_MS = 15;

Deno.test("a server killed at any point of pruning and capturing keeps every other version intact", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-prune-" });
  const full = `${folder}/full`, data = `${folder}/data`;
  const renew = () =>
    new Deno.Command("sh", { args: ["-ec", 'rm -rf "$1"; cp -a "$0" "$1"', full, data] }).output();
  try {
    {
      await using server = await openTestServer(full, { packBytes: 64 << 10 });
      for (let i = 0; i < VERSIONS; i++) {
        const { id } = server.service.begin({ image: "web", level: 1, excludes: [] });
        await sendTree(server.service, id, pruneTree(`${i}`));
        assert.equal((await server.ended(id)).version, i + 1);
      }
    }
    await renew();
    const { lastWord, busyMs } = await runUntilKilled(CHILD, { args: [data, "1"] });
    assert.equal(lastWord, "published");
    let amid = 0;
    for (let run = 0; run < RUNS; run++) {
      await renew();
      const moment = (run * 0.618) % 1;
      // Every second run is killed amid pruning, soon after a deletion, however busy this machine is.
      const when = run % 2 === 0
        ? { killAfterMs: busyMs * moment }
        : { word: `deleted ${1 + (run >> 1) % (PRUNED - 1)}`, killAfterMs: DELETION_MS * moment };
      await runUntilKilled(CHILD, { args: [data, `${run}`], ...when });
      await using server = await openTestServer(data, { packBytes: 64 << 10 });
      const left = await assertWhole(data, server);
      assert.ok(left.includes(VERSIONS - 1) && left.includes(VERSIONS), `run ${run}: ${left} are left`);
      const gone = VERSIONS - left.filter((version) => version <= VERSIONS).length;
      if (gone > 0 && gone < PRUNED) amid++;
    }
    assert.ok(amid >= RUNS / 10, `only ${amid} of ${RUNS} were killed amid pruning`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Checks that all remaining versions verify and nothing else is left over. Returns their numbers. */
async function assertWhole(
  data: string,
  { store, service }: Awaited<ReturnType<typeof openTestServer>>,
): Promise<number[]> {
  const versions = store.list().map((v) => v.version);
  for (const version of versions) {
    for await (const event of store.verify(`web@${version}`)) {
      assert.notEqual(event.type, "damage", `web@${version}: ${JSON.stringify(event)}`);
    }
  }
  const names = (path: string) => [...Deno.readDirSync(`${data}/${path}`)].map((entry) => entry.name).sort();
  assert.deepEqual(names("versions"), versions.map((version) => `web@${version}`).sort());
  const needed = new Set(store.allPublished().flatMap((v) => v.payload.slice(1).map((file) => file.name)));
  assert.deepEqual(names("packs").filter((name) => name.endsWith(".pack")), [...needed].sort());
  assert.deepEqual(names("staging"), []);
  assert.ok(service.list().every((capture) => capture.state === "published" || capture.state === "failed"));
  return versions;
}
