/** A node that reaches nothing but the server's HTTPS port still gets its image. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { NodeView } from "#contract/api.ts";
import { Download } from "../../agent/install/fetch/download.ts";
import { orderedMetainfo } from "../../agent/install/fetch/ordered_image.ts";
import { enrol, verifyOrder } from "../../agent/steps/enrol.ts";
import { httpsPacks } from "../../agent/install/fetch/https_packs.ts";
import { SwarmTerms } from "../../agent/steps/swarm_terms.ts";
import { DIRECTORY_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

/** An address where nothing listens. */
const NOWHERE = { hostname: "127.0.0.1", port: 1 };

Deno.test("without peers, tracker and web seeds the packs come over HTTPS", async () => {
  await using test = await ServerUnderTest.start();
  await Deno.mkdir(`${test.folder}/packs`);
  await test.publish("web", { root: new URL("../../server/contract", import.meta.url).pathname });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const [token = ""] = await test.deploy(["n1"]);
  const { signal } = new AbortController();
  const enrolled = await enrol({
    server: test.server.urls.server,
    token,
    inventory: DIRECTORY_INVENTORY,
    signal,
  });
  const { client, order, key } = verifyOrder(enrolled);
  using _client = client;
  const torrent = new Uint8Array(await (await client.send("GET", "/node/torrent")).arrayBuffer());
  const nowhere = `http://${NOWHERE.hostname}:${NOWHERE.port}/`;
  await using download = await Download.start(
    { ...orderedMetainfo(torrent, order), announce: [], webSeeds: [] },
    {
      order: {
        ...order,
        swarm: { ...order.swarm, announce: [`${nowhere}announce`], webSeeds: [nowhere] },
        fallback: { packs: order.fallback?.packs ?? "", peers: [NOWHERE] },
      },
      packs: { temporary: `${test.folder}/packs` },
      manifestOnly: false,
      terms: new SwarmTerms(order.swarm),
      httpsFallback: httpsPacks({ client, order }),
      signal,
    },
  );
  const manifest = await download.manifest(order, { key, signal });
  const frames: number[] = [];
  for await (const frame of download.frames(manifest)) frames.push(frame);
  assert.equal(frames.length, manifest.frames.length);
  for (const { sha256 } of manifest.header.packs) {
    const bytes = await Deno.readFile(download.packPath(sha256));
    assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256);
  }
  const { webSeedBytes, bytesTotal, peers } = download.progress();
  assert.deepEqual([webSeedBytes, peers], [bytesTotal, 0]);
});
