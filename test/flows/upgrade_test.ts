/** An upgrade while nodes are being installed: the program is replaced and the server restarted, as systemd would. */
import assert from "node:assert/strict";
import type { DeployAnswer, NodeView } from "#contract/api.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import { previousProduct, previousProductPrograms } from "../../scripts/lab/previous_product.ts";
import { needs } from "../support/needs.ts";
import { Product } from "./support/product.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const FILES = 6, FILE_BYTES = 4 << 20;
/** A megabyte per second: a node is still being installed after the restarts, also on a busy machine. */
const SLOW = ["--upload-limit", "8mbit"];
const COPY = /^rackseed\.db\.schema-\d+$/;

Deno.test({
  name: "nodes, the command that waits for them, and the audit log outlive an upgrade and a refused way back",
  ...needs({ programs: previousProductPrograms }),
  async fn(t) {
    const previous = await previousProduct({ root: ROOT, cache: `${ROOT}/.cache/lab` });
    if (previous === undefined) {
      return void await t.step({
        name: "skipped: git has no version before this one",
        ignore: true,
        fn() {},
      });
    }
    const next = await ensureProduct();
    await using product = await Product.copied(previous);
    const { folder } = product;
    await product.startServer(SLOW);
    const script =
      `mkdir tree n1 n2; for i in $(seq ${FILES}); do head -c ${FILE_BYTES} /dev/urandom > tree/$i; done`;
    assert.ok((await new Deno.Command("sh", { args: ["-ec", script], cwd: folder }).output()).success);
    await product.done("image", "import", "web", `${folder}/tree`, "--level", "1");
    for (const node of ["n1", "n2"]) await product.done("node", "set", node);
    const order = ["node", "deploy", "n1", "n2", "--image", "web", "--json", "--wait"];
    const waiting = product.spawn(order, { stdout: "piped" });
    const { nodes } = await firstObject<DeployAnswer>(waiting.stdout);
    const install = (name: string) =>
      product.spawn(["agent", "install", "--target", `${folder}/${name}`], {
        token: nodes.find(({ node }) => node === name)?.token ?? "",
      });
    const first = install("n1");
    await product.until((e) =>
      e.type === "node" && e.node.name === "n1" && (e.node.report?.progress?.bytesDone ?? 0) > 0
    );
    const { last } = await product.json<{ last: { number: number; hash: string } }>("audit", "verify");

    await product.stopServer();
    await product.replace(next);
    await product.startServer(SLOW);
    assert.equal((await product.json<NodeView>("node", "show", "n1")).state, "installing");
    const [copy, ...others] = [...Deno.readDirSync(`${folder}/data`)].map(({ name }) => name)
      .filter((name) => COPY.test(name));
    assert.deepEqual([COPY.test(copy ?? ""), others], [true, []]);

    await product.stopServer();
    const server = ["server", "--data", `${folder}/data`, "--listen", "127.0.0.1:0", "--tftp-port", "off"];
    await product.replace(previous);
    const back = await product.run(server);
    assert.equal(back.code, 1);
    assert.match(back.stderr, /cannot open the database .* written by a later Rackseed/);
    assert.ok(back.stderr.includes(`put ${folder}/data/${copy} in its place`), back.stderr);
    await product.replace(next);
    await product.startServer(["--upload-limit", "off"]);

    // its token is from the version before
    const second = install("n2");
    for (const child of [first, second, waiting]) assert.equal((await child.status).code, 0);
    const original = await dumpTree(`${folder}/tree`);
    for (const name of ["n1", "n2"]) {
      assert.equal(describeDifference(original, await dumpTree(`${folder}/${name}`)), undefined, name);
      const { state, armed } = await product.json<NodeView>("node", "show", name);
      assert.deepEqual([state, armed], ["installed", false], name);
    }
    await product.done("audit", "verify", "--expect", `${last.number}:${last.hash}`);
  },
});

/** The first of the JSON objects that a command prints; what follows is read and discarded. */
async function firstObject<T>(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<T> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n}\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the command ended too early: ${text}`);
    text += value;
  }
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return JSON.parse(text.slice(0, text.indexOf("\n}\n") + 2)) as T;
}
