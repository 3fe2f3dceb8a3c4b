/** An operator's encrypted deployment on the command line: the passphrase goes in unseen, the recovery key comes out once. */
import assert from "node:assert/strict";
import { type NodeView, Order } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { ENCRYPTED_LAYOUT } from "../support/encrypted_layout.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { Product } from "./support/product.ts";
import { publishTree } from "./support/publish_tree.ts";
import { makeSmallTree } from "./support/small_tree.ts";

const PASSPHRASE = "correct horse battery";
const ARM = ["node", "deploy", "n1", "--image", "vault"];

async function start(): Promise<Product> {
  const product = await Product.withServer();
  const root = `${product.folder}/tree`;
  await makeSmallTree(root);
  await publishTree(product.client, { image: "vault", root, layout: ENCRYPTED_LAYOUT });
  await product.done("node", "set", "n1", "--unlock", "passphrase");
  return product;
}

/** Types the lines at a terminal, each when it is asked for; returns everything that the terminal showed. */
async function atTerminal(
  product: Product,
  { args, lines }: { args: readonly string[]; lines: readonly string[] },
): Promise<{ code: number; shown: string }> {
  const command = [product.path, ...args].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
    env: { RACKSEED_SERVER: product.status.server, RACKSEED_TOKEN: product.token, PATH: "/usr/bin:/bin" },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  let shown = "", asked = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    const questions = shown.match(/(Passphrase for .*|Once more): /g)?.length ?? 0;
    // a person does not type before the question is complete
    for (; asked < questions; asked++) {
      await writer.write(new TextEncoder().encode(`${lines[asked] ?? "x"}\r`));
    }
  }
  await writer.close().catch(() => {});
  return { code: (await child.status).code, shown };
}

async function enrol(product: Product, token: string): Promise<{ agent: ApiClient; order: Order }> {
  const agent = await ApiClient.connect({ server: product.status.server, token });
  const order = await agent.post("/node/enrol", { body: { inventory: MACHINE_INVENTORY }, schema: Order });
  agent.useSession(order.session);
  return { agent, order };
}

Deno.test("a passphrase is typed unseen at the terminal, twice, and reaches the node alone", async () => {
  await using product = await start();
  const differ = await atTerminal(product, { args: ARM, lines: [PASSPHRASE, `${PASSPHRASE}!`] });
  assert.deepEqual([differ.code, /the two passphrases differ/.test(differ.shown)], [2, true], differ.shown);
  const short = await atTerminal(product, { args: ARM, lines: ["seven77"] });
  assert.match(short.shown, /at least 8 characters/);
  const stopped = await atTerminal(product, { args: ARM, lines: ["corr\x03"] });
  assert.match(stopped.shown, /nothing was ordered/);
  // a typing error, corrected with backspace
  const lines = [`${PASSPHRASE}z\x7f`, PASSPHRASE];
  const { code, shown } = await atTerminal(product, { args: ARM, lines });
  assert.equal(code, 0, shown);
  const token = /n1 {2}--token (\S+)/.exec(shown)?.[1] ?? assert.fail(shown);
  const { agent, order } = await enrol(product, token);
  using _agent = agent;
  assert.equal(order.encryption?.passphrase, PASSPHRASE);
  for (const text of [differ.shown, short.shown, shown]) {
    for (const typed of [PASSPHRASE, "seven77"]) assert(!text.includes(typed), "it was shown");
  }
});

Deno.test("a passphrase comes from a file or standard input, never from the command line; no log has it", async () => {
  await using product = await start();
  const { folder } = product;
  const image = await product.done("image", "show", "vault");
  assert.match(
    image,
    /Disk 0 \(vda\): 10\.7 GB, gpt, 3 partitions\nLUKS volume cryptroot: LUKS2, .* on disk 0 partition 3\n/,
  );
  assert.match(image, /File system \/: ext4, .* on LUKS volume cryptroot\n/);
  const noTerminal = await product.run(ARM);
  assert.equal(noTerminal.code, 2);
  assert.match(noTerminal.stderr, /no terminal to ask at: give --passphrase-file FILE/);
  assert.equal((await product.run([...ARM, "--passphrase", PASSPHRASE])).code, 2);
  const missing = await product.run([...ARM, "--passphrase-file", `${folder}/none`]);
  assert.match(missing.stderr, /cannot read the passphrase from .*none.*\n {2}Remedy: /);
  await Deno.writeTextFile(`${folder}/short`, "short\n");
  const short = await product.run([...ARM, "--passphrase-file", `${folder}/short`]);
  assert.deepEqual([short.code, short.stderr], [2, "error: a passphrase has at least 8 characters\n"]);
  await Deno.writeTextFile(`${folder}/passphrase`, `${PASSPHRASE}\nnot this\n`);
  const shown = await product.done(...ARM, "--passphrase-file", `${folder}/passphrase`);
  await Deno.remove(`${folder}/passphrase`);
  const { agent, order } = await enrol(product, /--token (\S+)/.exec(shown)?.[1] ?? "");
  using _agent = agent;
  assert.equal(order.encryption?.passphrase, PASSPHRASE);
  const json = { step: "format", state: "done", elapsedMs: 1, encrypted: true };
  await agent.send("POST", "/node/report", { json });
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });

  const key = order.encryption.recoveryKey;
  assert.match(
    await product.done("node", "show", "n1"),
    /opened by passphrase.*not shown yet \(rackseed node recovery-key n1\)/,
  );
  const first = await product.run(["node", "recovery-key", "n1"]);
  assert.equal(first.stdout, `${key}\n`);
  assert.match(first.stderr, /made for vault@1 .*in use since/);
  const again = await product.run(["node", "recovery-key", "n1"]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /was shown on .*\n {2}Remedy: .*--again "REASON"/);
  assert.equal(await product.done("node", "recovery-key", "n1", "--again", "lost the note"), `${key}\n`);
  const log = await product.done("node", "recovery-key", "n1", "--log");
  assert.match(log, /admin token from 127\.0\.0\.1 +vault@1 +first time\n.*lost the note\n$/);
  assert(!log.includes(key));
  const kept = await product.run(["node", "delete", "n1"]);
  assert.match(kept.stderr, /recovery key would be lost/);

  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith("log-")) continue;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    for (const secret of [PASSPHRASE, key]) assert(!text.includes(secret), `a secret is in ${name}`);
  }
  const [node] = await product.json<NodeView[]>("node", "list");
  assert.equal(node?.encryption?.keyShown !== undefined, true);
  await product.done("node", "delete", "n1", "--force");
});
