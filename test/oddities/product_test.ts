/** The oddities through the product itself: every way into and out of an image, compared by GNU programs. */
import assert from "node:assert/strict";
import type { DeployAnswer } from "#contract/api.ts";
import { Product } from "../flows/support/product.ts";
import { describeTree } from "./describe_tree.ts";
import { makeOddities, odditiesLack } from "./make_oddities.ts";

const lack = odditiesLack();
if (lack) console.log(`skipped: the oddities through the product: ${lack}`);

Deno.test({
  name:
    "oddities: capture → install, capture → export → tar x, import of a tar → export → tar x are the same tree",
  ignore: lack !== undefined,
  async fn() {
    await using product = await Product.withServer();
    const { folder } = product;
    const place = async (name: string) => {
      await Deno.mkdir(`${folder}/${name}`);
      return `${folder}/${name}`;
    };
    const from = await place("from");
    makeOddities(from);
    const original = describeTree(from);

    product.spawn(["agent", "template", "--name", "golden", "--root", from, "--state", `${folder}/state`]);
    await product.until((event) => event.type === "template" && event.template.online);
    await product.done("capture", "golden", "--image", "odd", "--level", "1");

    await product.done("node", "set", "n1");
    const { nodes } = await product.json<DeployAnswer>("node", "deploy", "n1", "--image", "odd");
    const installed = await place("installed");
    const agent = product.spawn(["agent", "install", "--target", installed], {
      token: nodes[0]?.token ?? "",
    });
    assert.equal((await agent.status).code, 0);
    assert.deepEqual(describeTree(installed), original);

    assert.deepEqual(await exported("odd", await place("exported"), product), original);
    await product.done("image", "import", "again", `${folder}/odd.tar`, "--level", "1");
    assert.deepEqual(await exported("again", await place("again"), product), original);
  },
});

/** Exports the image, extracts it into `to` with GNU tar, and describes the result. */
async function exported(image: string, to: string, product: Product): Promise<string[]> {
  const path = `${product.folder}/${image}.tar`;
  await product.done("image", "export", image, "-o", path);
  const args = ["-xpf", path, "-C", to, "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*"];
  const { success, stderr } = await new Deno.Command("tar", { args, env: { LC_ALL: "C" } }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return describeTree(to);
}
