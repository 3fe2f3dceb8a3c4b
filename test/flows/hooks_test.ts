/** Hooks with the real product: set on the command line, run around a capture, delivered to nodes. */
import assert from "node:assert/strict";
import { CaptureView, NodeView, type VersionView } from "#contract/api.ts";
import type { HookSummary, HookView } from "#contract/api/hooks.ts";
import { z } from "zod";
import { Product } from "./support/product.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

async function setUp(product: Product, ...agent: string[]): Promise<void> {
  await makeSmallTree(`${product.folder}/template`);
  const { folder } = product;
  const own = ["--name", "golden", "--root", `${folder}/template`, "--state", `${folder}/state`];
  product.spawn(["agent", "template", ...own, ...agent]);
  await product.until((e) => e.type === "template" && e.template.online);
}

async function set(product: Product, when: string, script: string, ...options: string[]): Promise<string> {
  const file = `${product.folder}/hook.sh`;
  await Deno.writeTextFile(file, script);
  return await product.done("hook", "set", when, "--file", file, ...options);
}

const capture = (product: Product) => product.run(["capture", "golden", "--image", "db", "--level", "1"]);
const read = (path: string) => Deno.readTextFile(path).catch(() => "");

Deno.test("hooks are set, listed, shown and deleted on the command line", async () => {
  await using product = await Product.withServer();
  await product.done("node", "set", "n1");
  assert.match(await product.done("hook", "list"), /^no hooks yet/);
  const said = await set(product, "post-install", "echo fix\n", "--image", "web", "--name", "fix-grub");
  assert.equal(said, "set the post-install hook fix-grub for image web\n");
  const more = ["--node", "n1", "--name", "grow", "--optional", "--timeout", "30min"];
  await set(product, "first-boot", "echo grow", ...more);
  const list = await product.json<HookSummary[]>("hook", "list");
  assert.deepEqual(list.map((h) => [h.scope, h.when, h.name, h.optional, h.timeoutSeconds, h.scriptBytes]), [
    ["image:web", "post-install", "fix-grub", false, 300, 9],
    ["node:n1", "first-boot", "grow", true, 1800, 9],
  ]);
  assert.match(
    await product.done("hook", "show", "first-boot", "--node", "n1", "--name", "grow"),
    /\necho grow\n$/,
  );
  const show = ["hook", "show", "post-install", "--image", "web", "--name", "fix-grub"];
  assert.equal((await product.json<HookView>(...show)).script, "echo fix\n");
  await product.done("hook", "delete", "post-install", "--image", "web", "--name", "fix-grub");
  assert.equal((await product.run(show)).code, 1);
  const wrong = [
    ["hook", "set", "post-install", "--name", "x", "--file", "/etc/hostname"],
    ["hook", "set", "sometimes", "--all", "--name", "x", "--file", "/etc/hostname"],
    ["hook", "set", "post-install", "--all", "--image", "web", "--name", "x", "--file", "/etc/hostname"],
    ["hook", "set", "post-install", "--all", "--name", "x/y", "--file", "/etc/hostname"],
    ["hook", "set", "post-install", "--all", "--name", "x", "--file", "/etc/hostname", "--timeout", "soon"],
  ];
  for (const args of wrong) assert.equal((await product.run(args)).code, 2, args.join(" "));
});

Deno.test("hooks run around a capture, and their output is kept with the version", async () => {
  await using product = await Product.withServer();
  await setUp(product, "--allow-hooks");
  const log = `${product.folder}/log`;
  const script = (word: string) => `echo "${word} $RACKSEED_NODE" | tee -a ${log}`;
  // What the first hook wrote into the tree was captured, so it ran before.
  const stop = `${script("stopped")}; echo quiet > ${product.folder}/template/state`;
  const start = `${script("started")}; echo busy > ${product.folder}/template/state`;
  await set(product, "pre-capture", stop, "--image", "db", "--name", "stop-db");
  await set(product, "post-capture", start, "--image", "db", "--name", "start-db");
  assert.equal((await capture(product)).code, 0);
  assert.equal(await read(log), "stopped golden\nstarted golden\n");
  const { notes } = await product.json<VersionView>("image", "show", "db");
  const words = notes.filter((note) => /golden|hook/.test(note)).map((note) => note.replace(/ \(.*/, ""));
  assert.deepEqual(words, [
    ...[
      "pre-capture hook stop-db: done",
      "stopped golden",
      "post-capture hook start-db: done",
      "started golden",
    ],
  ]);
  await product.done("image", "export", "db", "-o", `${product.folder}/db.tar`);
  const args = ["-xOf", `${product.folder}/db.tar`, "./state", "state"];
  const { stdout } = await new Deno.Command("tar", { args, stderr: "null" }).output();
  assert.equal(new TextDecoder().decode(stdout), "quiet\n");
});

Deno.test("a failing pre-capture hook stops the capture, and post-capture hooks still run", async () => {
  await using product = await Product.withServer();
  await setUp(product, "--allow-hooks");
  const log = `${product.folder}/log`;
  await set(product, "pre-capture", "echo cannot stop; exit 3", "--image", "db", "--name", "stop-db");
  await set(product, "post-capture", `echo started >> ${log}`, "--image", "db", "--name", "start-db");
  const { code, stderr } = await capture(product);
  assert.equal(code, 1);
  assert.match(stderr, /the pre-capture hook stop-db failed: it exited 3: cannot stop/);
  assert.equal(await read(log), "started\n");
  assert.deepEqual(await product.json("image", "list"), []);

  const optional = ["--image", "db", "--name", "stop-db", "--optional"];
  await set(product, "pre-capture", "echo cannot stop; exit 3", ...optional);
  assert.equal((await capture(product)).code, 0);
  await set(product, "post-capture", "exit 4", "--image", "db", "--name", "start-db");
  const failed = await capture(product);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /the post-capture hook start-db failed: it exited 4/);
});

Deno.test("a cancelled capture still runs its post-capture hooks", async () => {
  await using product = await Product.withServer();
  await setUp(product, "--allow-hooks");
  const log = `${product.folder}/log`, began = `${product.folder}/began`, go = `${product.folder}/go`;
  await new Deno.Command("mkfifo", { args: [began, go] }).output();
  await set(product, "pre-capture", `echo > ${began}; cat ${go}`, "--all", "--name", "stop-db");
  await set(product, "post-capture", `echo started > ${log}; echo > ${began}`, "--all", "--name", "start-db");
  const running = capture(product);
  await Deno.readTextFile(began);
  const [begun] = await product.client.get("/captures", z.array(CaptureView));
  await product.client.send("DELETE", `/captures/${begun?.id}`);
  await Deno.writeTextFile(go, "go on\n");
  assert.equal((await running).code, 1);
  await Deno.readTextFile(began);
  assert.equal(await read(log), "started\n");
});

Deno.test("an agent without --allow-hooks refuses a capture that has hooks", async () => {
  await using product = await Product.withServer();
  await setUp(product);
  await set(product, "pre-capture", `touch ${product.folder}/ran`, "--all", "--name", "stop-db");
  const { code, stderr } = await capture(product);
  assert.equal(code, 1);
  assert.match(stderr, /is not allowed to run any\.\s+Remedy: start the agent with --allow-hooks/);
  assert.equal(await read(`${product.folder}/ran`), "");
});

Deno.test("a node's order carries the hooks of all scopes that the node belongs to", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: new URL("../../server/torrent", import.meta.url).pathname });
  await test.client.put("/nodes/n1", { body: { group: "a" }, schema: NodeView });
  for (const scope of ["node:n1", "group:a", "image:web", "all", "group:b", "image:db"]) {
    const json = { script: scope };
    await test.client.send("PUT", `/hooks/${encodeURIComponent(scope)}/post-install/x`, { json });
  }
  const [token] = await test.deploy(["n1"]);
  const { agent, order: { hooks } } = await test.enrol(token, MACHINE_INVENTORY);
  agent[Symbol.dispose]();
  assert.deepEqual(hooks?.map(({ script }) => script), ["all", "image:web", "group:a", "node:n1"]);
});
