/** The product is killed in the middle of an upload to a bucket, and its commands move images. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { PackStoreView } from "#contract/api/pack_store.ts";
import { startSeaweed } from "../support/s3_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait_for.ts";
import { Product } from "./support/product.ts";
import { publishTree } from "./support/publish_tree.ts";

Deno.test("a server that is killed during an upload goes on with the parts that the bucket has", async () => {
  await using bucket = await startSeaweed();
  if (bucket === undefined) return;
  let parts = 0, isKilled = false;
  const third = Promise.withResolvers<void>();
  await using line = new TcpProxy(bucket.endpoint, (chunk) => {
    if (isKilled) throw new Error("the process is dead");
    const head = new TextDecoder("latin1").decode(chunk.subarray(0, 300));
    // of the pack of 40 MB; two parts at a time are under way, so one is stored when the third begins
    if (!/^PUT \/images\/packs\/[^ ]*partNumber=/.test(head)) return;
    if (++parts === 3) {
      isKilled = true;
      third.resolve();
      throw new Error("the process is dead");
    }
  });
  await using product = await Product.prepare();
  const flags = ["--pack-store", "s3://images", "--s3-endpoint", line.url.href];
  flags.push("--s3-key-file", bucket.credentialsFile);
  await product.startServer(flags);
  const root = `${product.folder}/tree`;
  await Deno.mkdir(root);
  await Deno.writeFile(`${root}/content`, randomBytes(40_000_000));
  await publishTree(product.client, { image: "web", root });
  await third.promise;
  await product.killServer("SIGKILL");

  parts = -100;
  isKilled = false;
  await product.startServer(flags);
  await waitFor("web@1 in the bucket", async () => {
    const view = await product.client.get("/pack-store", PackStoreView);
    return view.kind === "s3" && view.isSettled || undefined;
  }, { timeoutMs: 60_000 });
  assert.ok(parts <= -98, `${parts + 100} parts were sent again`);

  assert.match(await product.done("image", "store", "show"), /Bucket: +s3:\/\/images\n/);
  const moved = await product.json<PackStoreView>("image", "store", "move", "local", "--wait");
  assert.deepEqual([moved.kind === "s3" && moved.home, moved.kind === "s3" && moved.objects], ["local", 0]);
  await product.stopServer();
  await product.startServer();
  assert.equal(
    await product.done("image", "store", "show"),
    "All images are on the local disk of the server.\n",
  );
  await product.done("image", "verify", "web");
});
