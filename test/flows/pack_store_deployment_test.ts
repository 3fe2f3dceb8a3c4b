/** Nodes are installed from a bucket alone, while the server's own seeder is off. */
import assert from "node:assert/strict";
import { PackStoreView } from "#contract/api/pack_store.ts";
import type { ServerOptions } from "../../server/cli/server_options.ts";
import { BUCKET, startSeaweed } from "../support/s3_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait_for.ts";
import { CONTENT, installAll, NODES, publish, sentBy } from "./support/installed_nodes.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

async function settled(test: ServerUnderTest): Promise<void> {
  await waitFor("the pack store to settle", async () => {
    const view = await test.client.get("/pack-store", PackStoreView);
    return view.kind === "s3" && view.isSettled || undefined;
  }, { timeoutMs: 60_000, everyMs: 100 });
}

Deno.test("eight nodes are installed from a bucket alone, and from the cache while the bucket is down", async (t) => {
  await using bucket = await startSeaweed();
  if (bucket === undefined) return;
  await using line = new TcpProxy(bucket.endpoint);
  const settings: Partial<ServerOptions> = {
    seeder: "off",
    metricsOpen: true,
    packStore: { bucket: BUCKET, prefix: "" },
    s3Endpoint: line.url,
    s3KeyFile: bucket.credentialsFile,
  };

  await t.step("the server has no pack, and sends none", async () => {
    await using test = await ServerUnderTest.start({ settings: { ...settings, cacheSize: 1 } });
    await publish(test);
    await settled(test);
    line.received = 0;
    await installAll(test);
    assert.ok(await sentBy(test) < 1 << 20, `${await sentBy(test)} bytes came from the server`);
    const copies = line.received / CONTENT.length;
    console.log(`the bucket sent ${copies.toFixed(2)} copies to ${NODES.length} nodes`);
    assert.ok(copies >= 1 && copies < NODES.length - 1, `${copies} copies`);
    assert.deepEqual([...Deno.readDirSync(`${test.data}/packs`)], []);
  });

  await t.step("the bucket dies meanwhile", async () => {
    await using test = await ServerUnderTest.start({
      settings: { ...settings, packStore: { bucket: BUCKET, prefix: "2/" } },
    });
    await publish(test);
    await settled(test);
    line.received = 0;
    const during = async () => {
      await waitFor(
        "the first bytes of the bucket",
        () => Promise.resolve(line.received > 1 << 20 || undefined),
        { timeoutMs: 60_000, everyMs: 5 },
      );
      line.isDown = true;
    };
    await installAll(test, { nodes: NODES.slice(0, 3), during });
    assert.ok(await sentBy(test) > 0);
  });
});
