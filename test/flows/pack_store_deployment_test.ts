/** Nodes are installed while the server's own seeder is off: from a bucket alone, from nginx alone. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { PackStoreView } from "#contract/api/pack_store.ts";
import type { ServerOptions } from "../../server/cli/server_options.ts";
import { needs } from "../support/needs.ts";
import { Nginx, nginxNeeds } from "../support/nginx.ts";
import { BUCKET, startSeaweed } from "../support/s3_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait_for.ts";
import { EIGHT_NODES, installAll, publishContent } from "./support/install_all.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const CONTENT = randomBytes(12 << 20);

async function settled(test: ServerUnderTest): Promise<void> {
  await waitFor("the pack store to settle", async () => {
    const view = await test.client.get("/pack-store", PackStoreView);
    return view.kind === "s3" && view.isSettled || undefined;
  }, { timeoutMs: 60_000, everyMs: 100 });
}

/** What the server itself sent, by source, in bytes. */
async function sentBy(test: ServerUnderTest): Promise<number> {
  const caCerts = [await Deno.readTextFile(`${test.data}/tls/ca.pem`)];
  using client = Deno.createHttpClient({ caCerts });
  const text = await (await fetch(`${test.server.urls.server}/metrics`, { client })).text();
  assert.match(text, /rackseed_image_sent_bytes_total/);
  return [...text.matchAll(/^rackseed_image_sent_bytes_total\{[^}]*\} (\d+)/gm)]
    .reduce((sum, [, bytes]) => sum + Number(bytes), 0);
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
    await publishContent(test, CONTENT);
    await settled(test);
    line.received = 0;
    await installAll(test, { content: CONTENT });
    assert.ok(await sentBy(test) < 1 << 20, `${await sentBy(test)} bytes came from the server`);
    const copies = line.received / CONTENT.length;
    console.log(`the bucket sent ${copies.toFixed(2)} copies to ${EIGHT_NODES.length} nodes`);
    assert.ok(copies >= 1 && copies < EIGHT_NODES.length - 1, `${copies} copies`);
    assert.deepEqual([...Deno.readDirSync(`${test.data}/packs`)], []);
  });

  await t.step("the bucket dies meanwhile", async () => {
    await using test = await ServerUnderTest.start({
      settings: { ...settings, packStore: { bucket: BUCKET, prefix: "2/" } },
    });
    await publishContent(test, CONTENT);
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
    await installAll(test, { content: CONTENT, nodes: EIGHT_NODES.slice(0, 3), during });
    assert.ok(await sentBy(test) > 0);
  });
});

Deno.test({
  name: "eight nodes are installed from nginx alone, to which the server sends each byte once",
  ...needs(nginxNeeds),
  fn: async () => {
    await using test = await ServerUnderTest.start({ settings: { seeder: "off" } });
    await publishContent(test, CONTENT);
    await using origin = new TcpProxy(new URL(test.server.urls.http));
    await using nginx = await Nginx.start(origin.url);
    await test.restartWith({ webSeed: [nginx.url], httpPort: test.server.ports.http });
    origin.received = 0;
    await installAll(test, { content: CONTENT });
    const { totals } = await test.client.get("/images/web", z.looseObject({ totals: z.any() }));
    assert.ok(totals);
    const copies = origin.received / CONTENT.length;
    console.log(`the server sent ${copies.toFixed(3)} copies to nginx`);
    assert.ok(copies >= 1 && copies < 1.03, `${copies} copies`);
  },
});
