/** kill -9 halfway: no partial version ever shows, published versions stay intact, and the job can be repeated. */
import assert from "node:assert/strict";
import type { CaptureView, DeployAnswer, ImageView, NodeView, StepReport } from "#contract/api.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import { Product } from "./support/product.ts";
import { waitFor } from "../support/wait_for.ts";

const FILES = 24;
const FILE_BYTES = 8 << 20;
const IMAGE_BYTES = FILES * FILE_BYTES;

/** Large enough to be interrupted halfway. */
async function makeLargeTree(root: string): Promise<void> {
  await Deno.mkdir(root);
  const script = `for i in $(seq ${FILES}); do head -c ${FILE_BYTES} /dev/urandom > $i; done`;
  const { code } = await new Deno.Command("sh", { args: ["-ec", script], cwd: root }).output();
  assert.equal(code, 0);
}

/** Orders a capture through the API, and waits until part of it has arrived. */
async function captureToTheMiddle(product: Product): Promise<string> {
  const response = await product.client.send("POST", "/captures", {
    json: { template: "golden", image: "web", level: 9 },
  });
  const { id } = await response.json() as CaptureView;
  await product.until((e) =>
    e.type === "capture" && e.capture.id === id && (e.capture.progress?.bytesSent ?? 0) > FILE_BYTES
  );
  return id;
}

const startTemplate = (product: Product) =>
  product.spawn([
    "agent",
    "template",
    "--name",
    "golden",
    "--root",
    `${product.folder}/tree`,
    "--state",
    `${product.folder}/state`,
  ]);

const versions = async (product: Product) =>
  (await product.json<ImageView[]>("image", "list")).map((i) => `${i.image}@${i.version}`);

Deno.test("the template's agent dies: restarted, it continues the same capture", async () => {
  await using product = await Product.withServer();
  await makeLargeTree(`${product.folder}/tree`);
  const agent = startTemplate(product);
  await product.until((e) => e.type === "template");
  const id = await captureToTheMiddle(product);
  await product.kill(agent);
  assert.deepEqual(await versions(product), []);

  startTemplate(product);
  await product.until((e) => e.type === "capture" && e.capture.id === id && e.capture.state === "published");
  assert.match(await product.done("image", "verify", "web"), /sound/);
  const capture = await (await product.client.send("GET", `/captures/${id}`)).json() as CaptureView;
  assert.ok(
    (capture.progress?.bytesSent ?? Infinity) < FILES * FILE_BYTES,
    "what had arrived was not sent again",
  );
});

Deno.test("the server dies: no partial version, the published one is intact, and the capture can be repeated", async () => {
  await using product = await Product.withServer();
  const { folder } = product;
  await makeLargeTree(`${folder}/tree`);
  await Deno.mkdir(`${folder}/first`);
  await Deno.writeTextFile(`${folder}/first/file`, "published before");
  await product.done("image", "import", "web", `${folder}/first`);
  startTemplate(product);
  await product.until((e) => e.type === "template");
  const id = await captureToTheMiddle(product);
  await product.killServer();

  await product.startServer();
  assert.deepEqual(await versions(product), ["web@1"]);
  assert.match(await product.done("image", "verify", "web@1"), /sound/);
  const broken = await (await product.client.send("GET", `/captures/${id}`)).json() as CaptureView;
  assert.equal(broken.state, "failed");
  await product.until((e) => e.type === "template" && e.template.online);
  const again = await product.json<CaptureView>("capture", "golden", "--image", "web", "--level", "1");
  assert.equal(again.version, 2);
  assert.match(await product.done("image", "verify", "web@2"), /sound/);
});

Deno.test("a node's agent dies: the other nodes are installed, and so is this one once deployed again", async () => {
  await using product = await Product.withServer();
  const { folder } = product;
  await makeLargeTree(`${folder}/tree`);
  const original = await dumpTree(`${folder}/tree`);
  await product.done("image", "import", "web", `${folder}/tree`, "--level", "1");
  for (const name of ["n1", "n2"]) {
    await Deno.mkdir(`${folder}/${name}`);
    await product.done("node", "set", name);
  }
  const install = (node: string, token: string) =>
    product.spawn(["agent", "install", "--target", `${folder}/${node}`], { token });
  const order = (...names: string[]) =>
    product.json<DeployAnswer>("node", "deploy", ...names, "--image", "web");
  const { nodes } = await order("n1", "n2");
  const agents = nodes.map(({ node, token }) => install(node, token));
  await product.until((e) => e.type === "node" && e.node.name === "n1" && e.node.report?.step === "install");
  const [first, second] = agents;
  assert.ok(first && second);
  await product.kill(first);
  assert.equal((await second.status).code, 0);
  assert.equal((await product.json<NodeView>("node", "show", "n1")).state, "installing");

  await product.done("node", "cancel", "n1");
  await Deno.remove(`${folder}/n1`, { recursive: true });
  await Deno.mkdir(`${folder}/n1`);
  const again = await order("n1");
  assert.equal((await install("n1", again.nodes[0]?.token ?? "").status).code, 0);
  assert.equal((await product.json<NodeView>("node", "show", "n1")).state, "installed");
  for (const name of ["n1", "n2"]) {
    assert.equal(describeDifference(original, await dumpTree(`${folder}/${name}`)), undefined, name);
  }
});

/** A node, and the image to install on it. */
class Resuming {
  readonly #product: Product;
  readonly target: string;
  readonly packs: string;

  private constructor(product: Product) {
    this.#product = product;
    this.target = `${product.folder}/n1`;
    this.packs = `${this.target}/.rackseed-install/packs`;
  }

  static async prepare(product: Product): Promise<Resuming> {
    const { folder } = product;
    await makeLargeTree(`${folder}/tree`);
    await product.done("image", "import", "web", `${folder}/tree`, "--level", "1");
    await Deno.mkdir(`${folder}/n1`);
    await product.done("node", "set", "n1");
    return new Resuming(product);
  }

  async install(): Promise<Deno.ChildProcess> {
    const { nodes } = await this.#product.json<DeployAnswer>("node", "deploy", "n1", "--image", "web");
    const token = nodes[0]?.token ?? "";
    return this.#product.spawn(["agent", "install", "--target", this.target], { token });
  }

  /** Kills the agent once `path` holds half of the image; returns the size that it holds. */
  async killHalfWay(agent: Deno.ChildProcess, path: string, exclude = "nothing"): Promise<number> {
    const held = async () => {
      const args = ["-sB1", `--exclude=${exclude}`, path];
      return parseInt(new TextDecoder().decode((await new Deno.Command("du", { args }).output()).stdout)) ||
        0;
    };
    await waitFor("half of the image", async () => await held() >= IMAGE_BYTES / 2, { everyMs: 1 });
    await this.#product.kill(agent);
    const had = await held();
    assert.ok(had < IMAGE_BYTES * 0.9, "the agent was killed in the middle");
    await this.#product.done("node", "cancel", "n1");
    return had;
  }

  /** Installs again and verifies the tree; returns the number of bytes fetched. */
  async finish(): Promise<number> {
    const agent = await this.install();
    assert.equal((await agent.status).code, 0);
    const original = await dumpTree(`${this.#product.folder}/tree`);
    assert.equal(describeDifference(original, await dumpTree(this.target)), undefined);
    const log = await (await this.#product.client.send("GET", "/nodes/n1/log")).json() as StepReport[];
    const said = (step: string) => log.findLast((r) => r.step === step && r.state === "done")?.message ?? "";
    assert.match(said("inventory"), /interrupted/);
    assert.match(said("torrent"), /^resumes: /);
    return Number(/([\d.]+) MB fetched/.exec(said("install"))?.[1]) * 1e6;
  }
}

Deno.test("a node's agent dies halfway: deployed again, it reuses what its disk has", async () => {
  await using product = await Product.withServer();
  const node = await Resuming.prepare(product);
  const had = await node.killHalfWay(await node.install(), node.packs);
  const [some = ""] = [...Deno.readDirSync(node.target)].filter((e) => e.isFile).map((e) => e.name);
  await Deno.writeTextFile(`${node.target}/${some}`, "what a power cut makes of a file");
  await Deno.writeTextFile(`${node.target}/stray`, "left over");
  const fetched = await node.finish();
  assert.ok(fetched <= IMAGE_BYTES - 0.95 * had, `fetched ${fetched} and had ${had}`);
});

Deno.test("a node that has lost its packs reuses the files that it had written", async () => {
  await using product = await Product.withServer();
  const node = await Resuming.prepare(product);
  const had = await node.killHalfWay(await node.install(), node.target, ".rackseed-install");
  await Deno.remove(node.packs, { recursive: true });
  const fetched = await node.finish();
  // Frames that were being written are fetched again in full.
  assert.ok(fetched <= IMAGE_BYTES - 0.8 * had, `fetched ${fetched} and had ${had}`);
});

Deno.test("the server dies while nodes install: they continue once it is back", async () => {
  await using product = await Product.withServer();
  const { folder } = product;
  await makeLargeTree(`${folder}/tree`);
  const original = await dumpTree(`${folder}/tree`);
  await product.done("image", "import", "web", `${folder}/tree`, "--level", "1");
  await Deno.mkdir(`${folder}/n1`);
  await product.done("node", "set", "n1");
  const { nodes } = await product.json<DeployAnswer>("node", "deploy", "n1", "--image", "web");
  const agent = product.spawn(["agent", "install", "--target", `${folder}/n1`], {
    token: nodes[0]?.token ?? "",
  });
  await product.until((e) => e.type === "node" && e.node.report?.step === "install");
  await product.killServer();
  await product.startServer();
  assert.equal((await agent.status).code, 0);
  assert.equal((await product.json<NodeView>("node", "show", "n1")).state, "installed");
  assert.equal(describeDifference(original, await dumpTree(`${folder}/n1`)), undefined);
});
