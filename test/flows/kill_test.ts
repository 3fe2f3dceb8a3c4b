/** kill -9 in the middle: no half version is ever seen, nothing published is harmed, the job can be done again. */
import assert from "node:assert/strict";
import type { CaptureView, DeployAnswer, ImageView, NodeView } from "#contract/api.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import { Product } from "./support/product.ts";

const FILES = 24;
const FILE_BYTES = 8 << 20;

/** Large enough that there is a middle. */
async function makeLargeTree(root: string): Promise<void> {
  await Deno.mkdir(root);
  const script = `for i in $(seq ${FILES}); do head -c ${FILE_BYTES} /dev/urandom > $i; done`;
  const { code } = await new Deno.Command("sh", { args: ["-ec", script], cwd: root }).output();
  assert.equal(code, 0);
}

/** Orders a capture by the API and waits until part of it has arrived. */
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
  product.spawn(["agent", "template", "--name", "golden", "--root", `${product.folder}/tree`]);

const versions = async (product: Product) =>
  (await product.json<ImageView[]>("image", "list")).map((i) => `${i.image}@${i.version}`);

Deno.test("the template's agent dies: started again, it goes on with the same capture", async () => {
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

Deno.test("the server dies: no half version, the published one is sound, and the capture can be done again", async () => {
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

Deno.test("a node's agent dies: the node is not installed, the others are; called off and deployed again it is", async () => {
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

Deno.test("the server dies while nodes install: they go on when it is back", async () => {
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
