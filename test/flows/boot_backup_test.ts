/** A backup at boot with the product's server and command line: ordered, awaited, done, and cancelled. */
import assert from "node:assert/strict";
import type { DeployAnswer, ImageView, NodeView } from "#contract/api.ts";
import { missingForDisks } from "../node/loop_disk.ts";
import { StillNode } from "../node/still_node.ts";
import { Product } from "./support/product.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "blkid", "lsblk", "sha256sum"]);

Deno.test({
  name:
    "node backup --at-boot arms the node, waits and reports; meanwhile other orders for the node are refused",
  ignore: missing !== undefined,
  async fn() {
    await using node = await StillNode.make();
    await using product = await Product.withServer();
    const server = product.status.server;
    await node.mounted(1, (at) => product.done("image", "import", "web", `${at}/usr`, "--level", "1"));
    await product.done("node", "set", "n1");
    const fails = async (args: string[], code: number, says: RegExp) => {
      const ended = await product.run(args);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr, says);
    };
    await fails(["node", "backup", "n1"], 1, /no agent runs on it.*\n.*node backup n1 --at-boot/);
    await fails(["node", "backup", "n1", "--at-boot"], 1, /no image is assigned to it.*\n.*--image NAME/);
    await fails(["node", "backup", "n1", "--at-boot", "--every", "1h"], 2, /--every needs a running agent/);
    await fails(["node", "backup", "n1", "--wait"], 2, /need --at-boot/);

    const order = ["node", "backup", "n1", "--at-boot", "--image", "web", "--level", "1"];
    const ordered = await product.run(order);
    assert.match(
      ordered.stdout,
      /^n1 will be backed up when it boots .* kernel of web@1; .* only read\n$/,
    );
    assert.match(ordered.stderr, /its MAC address, .* is not known/);
    assert.match(await product.done("node", "list"), /n1 .*armed for backup +waiting for boot/);
    await fails(
      ["node", "deploy", "n1", "--image", "web"],
      1,
      /a backup is ordered or running: n1\..*\n.*node cancel n1/,
    );
    await fails(order, 1, /has another order/);
    assert.equal(await product.done("node", "cancel", "n1"), "cancelled; n1 is idle\n");

    const { nodes: [armed] } = await product.json<DeployAnswer>(...order);
    const before = await node.sum();
    const end = product.until((e) => e.type === "node" && e.node.report?.step === "finish" && !e.node.armed);
    await node.boot({ server, token: armed?.token ?? "" });
    await end;
    assert.equal(await node.sum(), before, "the disk has changed");
    assert.match(node.shown, /capture: n1@1 is published: .* sent.*finish: n1@1; nothing was written/s);
    const images = await product.json<ImageView[]>("image", "list");
    assert.deepEqual(images.map((i) => [i.image, i.version, i.backupOf]), [["n1", 1, "n1"], [
      "web",
      1,
      undefined,
    ]]);

    // --wait also ends on failure.
    await node.live("rm -r etc");
    const waits = product.spawn([...order, "--wait", "--json"], { stdout: "piped" });
    const { nodes: [again] } = await firstJson(waits.stdout) as DeployAnswer;
    await assert.rejects(node.boot({ server, token: again?.token ?? "" }));
    assert.equal((await waits.status).code, 1);
    const log = await Deno.readTextFile(`${product.folder}/log-node-backup`);
    assert.match(log, /n1: cannot back up n1: none of its disks has a system/);
    const [view] = await product.json<NodeView[]>("node", "list");
    assert.deepEqual([view?.state, view?.armed], ["failed", false]);
  },
});

/** The first JSON document that a running program prints. */
async function firstJson(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<unknown> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    try {
      return JSON.parse(text);
    } catch {
      // there is more to come
    }
  }
  throw new Error(`no JSON: ${text}`);
}
