import assert from "node:assert/strict";
import type { OfferedImage } from "#contract/api/sites.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { RateLimit } from "#torrent/rate_limit.ts";
import { openTestServer } from "../capture/testing/service.ts";
import { UpstreamTable } from "../store/upstream.ts";
import { Mirror } from "./mirror.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const OFFER: OfferedImage = {
  image: "web",
  key: Buffer.alloc(32).toString("base64"),
  publicKey: "",
  settings: {},
  tags: [{ tag: "stable", version: 3 }],
  versions: [{ version: 3, id: "3".repeat(64), signature: "", totalBytes: 1000 }],
};

Deno.test("nothing is copied outside the hours, and what failed is tried again after a pause", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-mirror-" });
  try {
    await using server = await openTestServer(folder);
    using db = emptyDatabase();
    const table = new UpstreamTable(db), calls: string[] = [];
    let isOpen = false, nowMs = 0;
    const mirror = new Mirror({
      store: server.store,
      table,
      serve: () => assert.fail("nothing is published"),
      deleteUnneeded: () => assert.fail("nothing is here"),
      makeBoot: () => assert.fail("nothing is published"),
      swarm: { announce: [], webSeeds: [], http: "", seeders: [] },
      network: { port: 1, register: () => () => {}, connect: () => Promise.reject(new Error("no peers")) },
      limit: new RateLimit(Infinity),
      isOpen: () => isOpen,
      onImages: () => assert.fail("nothing is published"),
      now: () => nowMs,
      signal: new AbortController().signal,
    });
    const client = {
      send(_: string, path: string) {
        calls.push(path);
        return Promise.reject(new RackseedError("no", { reason: "it is damaged.", remedy: "" }));
      },
    } as unknown as ApiClient;
    const tick = async () => {
      mirror.tick(client);
      // whatever was begun has failed when it is stopped, or has not begun
      await new Promise((resolve) => setTimeout(resolve));
      await mirror.stop();
    };
    await mirror.want([OFFER]);
    assert.ok(table.wants({ image: "web", version: 3 }));
    await tick();
    assert.deepEqual([calls.length, mirror.view()[0]?.state], [0, "waiting"]);
    isOpen = true;
    await tick();
    assert.deepEqual(calls, ["/relay/torrents/web%403"]);
    assert.deepEqual([mirror.view()[0]?.state, mirror.view()[0]?.problem], ["failed", "it is damaged."]);
    await tick();
    assert.equal(calls.length, 1);
    nowMs = 30_000;
    await tick();
    assert.equal(calls.length, 2);
    await mirror.want([]);
    assert.deepEqual(mirror.view(), []);
    assert.ok(!table.wants({ image: "web", version: 3 }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
