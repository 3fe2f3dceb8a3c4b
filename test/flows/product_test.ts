/** The product's main job with real processes: capturing a tree and turning several nodes into its clones. */
import assert from "node:assert/strict";
import type { DeployAnswer, ImageView, NodeView } from "#contract/api.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import { needs } from "../support/needs.ts";
import { Product } from "./support/product.ts";
import { makeSmallTree } from "./support/small_tree.ts";

Deno.test("template → capture → three nodes at once → three equal trees, confirmed by export and verify", async () => {
  await using product = await Product.withServer();
  const { folder } = product;
  await makeSmallTree(`${folder}/template`);
  const original = await dumpTree(`${folder}/template`);
  product.spawn([
    "agent",
    "template",
    "--name",
    "golden",
    "--root",
    `${folder}/template`,
    "--state",
    `${folder}/state`,
  ]);
  await product.until((e) => e.type === "template" && e.template.online);

  assert.match(
    await product.done("capture", "golden", "--image", "web", "--level", "1"),
    /^published web@1: /,
  );
  const images = await product.json<ImageView[]>("image", "list");
  assert.deepEqual(images.map((i) => [i.image, i.version, i.totals.files]), [["web", 1, original.files - 1]]);
  assert.match(await product.done("image", "verify", "web"), /^web is sound: /);

  const names = ["n1", "n2", "n3"];
  for (const name of names) {
    await Deno.mkdir(`${folder}/${name}`);
    await product.done("node", "set", name);
  }
  const { nodes } = await product.json<DeployAnswer>("node", "deploy", ...names, "--image", "web@1");
  const agents = nodes.map(({ node, token }) =>
    product.spawn(["agent", "install", "--target", `${folder}/${node}`], { token })
  );
  for (const agent of agents) assert.equal((await agent.status).code, 0);
  for (const name of names) {
    assert.equal(describeDifference(original, await dumpTree(`${folder}/${name}`)), undefined, name);
  }
  const states = (await product.json<NodeView[]>("node", "list")).map((
    n,
  ) => [n.name, n.state, n.armed, n.image]);
  assert.deepEqual(states, names.map((name) => [name, "installed", false, "web@1"]));

  await product.done("image", "export", "web", "-o", `${folder}/web.tar`);
  await Deno.mkdir(`${folder}/exported`);
  const tar = ["-xf", `${folder}/web.tar`, "-C", `${folder}/exported`, "--xattrs", "--acls", "--sparse"];
  assert.equal((await new Deno.Command("tar", { args: tar }).output()).code, 0);
  assert.equal(describeDifference(original, await dumpTree(`${folder}/exported`)), undefined, "exported");

  await product.done("image", "import", "again", `${folder}/web.tar`, "--level", "1");
  const refused = await product.run(["image", "delete", "web@1"]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /installed on/);
  await product.done("image", "delete", "web@1", "--force");
  assert.deepEqual((await product.json<ImageView[]>("image", "list")).map((i) => i.image), ["again"]);
});

Deno.test("a second capture sends only what changed, and becomes the next version", async () => {
  await using product = await Product.withServer();
  const { folder } = product;
  await makeSmallTree(`${folder}/tree`);
  await product.done("image", "import", "web", `${folder}/tree`);
  await Deno.writeTextFile(`${folder}/tree/new`, "something new");
  const second = await product.json<{ version: number; progress: { bytesSent: number } }>(
    ...["image", "import", "web", `${folder}/tree`],
  );
  assert.deepEqual([second.version, second.progress.bytesSent], [2, "something new".length]);
});

Deno.test({
  name:
    "a full data directory: the capture fails with the reason, nothing is published, and the server survives",
  ...needs({ root: true, programs: ["unshare", "mount"] }),
  async fn() {
    await using product = await Product.prepare();
    const { folder } = product;
    const tree = `${folder}/tree`;
    await Deno.mkdir(tree);
    await Deno.writeFile(`${tree}/large`, crypto.getRandomValues(new Uint8Array(65_536)));
    const script = `mount -t tmpfs -o size=24m tmpfs ${folder}/small && cd ${tree} &&
      for i in $(seq 600); do head -c 65536 /dev/urandom > r$i; done
      "${product.path}" server --data ${folder}/small/data --listen 127.0.0.1:0 --http-port 0 --peer-port 0 \
        --tracker-port 0 --tftp-port off --rsync-port 0 > ${folder}/out 2> ${folder}/err & SERVER=$!
      until test -s ${folder}/small/data/url; do kill -0 $SERVER; sleep 0.1; done
      export RACKSEED_SERVER=$(cat ${folder}/small/data/url) RACKSEED_TOKEN=$(cat ${folder}/small/data/token)
      "${product.path}" image import web ${tree} --level 1; echo "exit $?"
      "${product.path}" image list
      kill -TERM $SERVER; wait $SERVER; echo "server $?"`;
    await Deno.mkdir(`${folder}/small`);
    const { stdout, stderr } = await new Deno.Command("unshare", { args: ["-m", "sh", "-c", script] })
      .output();
    const out = new TextDecoder().decode(stdout), err = new TextDecoder().decode(stderr);
    assert.match(err, /data directory is full\.\n {2}Remedy: delete versions/);
    assert.match(out, /exit 1\nno images yet.*\nserver 0\n$/);
  },
});

Deno.test({
  name: "settings that were read compressed, as a browser reads them, are saved with their tag",
  ...needs({ programs: ["curl"] }),
  async fn() {
    await using product = await Product.withServer();
    await product.done("node", "set", "n1", "--rack", "r1");
    const url = `${product.status.server}/api/v1/nodes/n1`;
    const curl = async (...args: string[]) => {
      const own = ["-sSk", "-D", "-", "-o", "/dev/null", "-H", `authorization: Bearer ${product.token}`];
      const { stdout } = await new Deno.Command("curl", { args: [...own, ...args, url] }).output();
      return new TextDecoder().decode(stdout);
    };
    const save = (tag: string) =>
      curl("-X", "PUT", "-H", `if-match: ${tag}`, "--json", JSON.stringify({ rack: "r2" }));
    const tag = /^etag: (.+?)\r?$/im.exec(await curl("-H", "accept-encoding: gzip, br"))?.[1] ?? "";
    assert.match(tag, /"[\w-]+"$/);
    assert.match(await save(tag), /^HTTP\/\S+ 200/);
    assert.match(await save(tag), /^HTTP\/\S+ 412/);
  },
});
