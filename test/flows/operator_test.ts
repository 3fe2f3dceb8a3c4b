/** What an operator's terminal shows, with the product's server and command line. */
import assert from "node:assert/strict";
import { DeployAnswer, type NodeView, Order } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { DIRECTORY_INVENTORY } from "../support/inventory.ts";
import { makeSmallTree } from "./support/small_tree.ts";
import { Product } from "./support/product.ts";

const INVENTORY = {
  ...DIRECTORY_INVENTORY,
  disks: [{
    name: "sda",
    sizeBytes: 1e9,
    sectorBytes: 512,
    model: "\x1b[2JACME",
    removable: false,
    content: "",
  }],
};

/** An agent that has enrolled and may report. */
async function enrolled(product: Product, { token }: { token: string }) {
  const agent = await ApiClient.connect({ server: product.status.server, token });
  agent.useSession(
    (await agent.post("/node/enrol", { body: { inventory: INVENTORY }, schema: Order })).session,
  );
  return agent;
}

Deno.test("an operator's terminal: no secrets, no control characters, every node of a range", async (t) => {
  await using product = await Product.prepare();
  await t.step("a server whose output is not a terminal prints no secret", async () => {
    await product.startServer();
    const { stdout, stderr } = await startedServer(product);
    assert.match(stdout, /page {3}https:\/\/127\.0\.0\.1:\d+\/\n/);
    assert.match(stdout, /token in .*\/token\)/);
    assert.doesNotMatch(stdout + stderr, /rs1\./);
  });
  await makeSmallTree(`${product.folder}/tree`);
  await product.done("image", "import", "web", `${product.folder}/tree`, "--level", "1");
  await product.done("node", "set", "n[1-4]");
  const order = (node: string) =>
    product.client.post("/deployments", { body: { nodes: [node], image: "web" }, schema: DeployAnswer });

  await t.step(
    "a node's reports can neither send control characters to the terminal nor forge a line",
    async () => {
      const { nodes: [n1] } = await order("n1");
      using agent = await enrolled(product, n1 ?? assert.fail());
      const json = {
        step: "plan",
        state: "done",
        elapsedMs: 1,
        message: "fine\n\x1b]0;owned\x07done     install     0.0 s",
        plan: ["\x9b2J erase nothing"],
        log: ["a\rb"],
      };
      await agent.send("POST", "/node/report", { json });
      const shown = await product.done("node", "show", "n1");
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(shown, /[\0-\x09\x0b-\x1f\x7f-\x9f]/);
      assert.match(shown, /fine\\u000a\\u001b\]0;owned\\u0007done/);
      assert.match(shown, /\\u009b2J erase nothing/);
      assert.match(shown, /\\u001b\[2JACME/);
      const { log } = await product.json<{ log: { log?: string[] }[] }>("node", "show", "n1");
      assert.deepEqual(log.at(-1)?.log, ["a\rb"], "JSON output is not altered");
    },
  );

  await t.step("a node that is cancelled while installing is aborted, not failed", async () => {
    assert.equal(await product.done("node", "cancel", "n1"), "cancelled; n1 is aborted\n");
    assert.match(await product.done("node", "list"), /n1 .*aborted +cancelled at plan/);
  });

  await t.step("cancel and delete continue after a node that cannot be cancelled, and name it", async () => {
    await order("n2");
    await order("n4");
    const cancelled = await product.run(["node", "cancel", "n[2-4]"]);
    assert.equal(cancelled.code, 1);
    assert.equal(cancelled.stdout, "cancelled; n2 is idle\ncancelled; n4 is idle\n");
    assert.match(
      cancelled.stderr,
      /deployment of n3: .*neither armed.*\n.*1 of 3 failed.*\n {2}Remedy: /,
    );
    const one = await product.run(["node", "cancel", "n3"]);
    assert.match(one.stderr, /^error: .*neither armed.*\n {2}Remedy: .*\n$/, "reported once");
    await order("n3");
    const deleted = await product.run(["node", "delete", "n[2-4]"]);
    assert.deepEqual([deleted.code, deleted.stdout], [1, "deleted the node n2\ndeleted the node n4\n"]);
    await product.done("node", "cancel", "n3");
  });

  await t.step("an address that was set is listed, even if the node has never reported", async () => {
    await product.done("node", "set", "n5", "--address", "10.0.0.5/24");
    assert.match(await product.done("node", "list"), /n5 .* 10\.0\.0\.5\/24 +never\n/);
  });

  await t.step("the plan of a machine, and the refusal of one, in words and as an exit status", async () => {
    await product.done("node", "set", "n6");
    const unknown = await product.done("node", "plan", "n6", "--image", "web");
    assert.match(unknown, /^n6, web@1: it has never booted from here, so its disks are not known; .*\n$/);
    const { nodes: [n6] } = await order("n6");
    const agent = await ApiClient.connect({ server: product.status.server, token: n6?.token ?? "" });
    const disk = { ...INVENTORY.disks[0], number: "8:0", kind: "disk", readOnly: false, names: [], uses: [] };
    const json = { inventory: { ...INVENTORY, kind: "machine", disks: [disk] } };
    const enrolled = await (await agent.send("POST", "/node/enrol", { json })).json();
    agent.useSession(enrolled.session);
    await agent.send("POST", "/node/report", { json: { step: "plan", state: "failed", elapsedMs: 1 } });
    agent[Symbol.dispose]();
    const refused = await product.run(["node", "plan", "n6", "--image", "web"]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stdout,
      /^n6, web@1: by the disks that it reported on .*\n {2}cannot install .*directory or a tar/,
    );
    assert.match(refused.stdout, /\n {2}Remedy: /);
    const deployed = await product.run(["node", "deploy", "n6", "--image", "web"]);
    assert.match(
      deployed.stderr,
      /cannot deploy web@1 to n6: .*reported on .*\n {2}Remedy: .*--no-plan-check/,
    );
    assert.match(
      await product.done("node", "deploy", "n6", "--image", "web", "--no-plan-check"),
      /n6: refused by its last known disks/,
    );
    await product.done("node", "cancel", "n6");
  });

  await t.step("deploy prints tokens for installing by hand, but not with --wait", async () => {
    assert.match(await product.done("node", "deploy", "n3", "--image", "web"), /n3 {2}--token rs1\./);
    await product.done("node", "cancel", "n3");
    const waits = product.spawn(["node", "deploy", "n3", "--image", "web", "--wait"], { stdout: "piped" });
    const output = new Response(waits.stdout).text();
    await product.until((event) => event.type === "node" && event.node.name === "n3" && event.node.armed);
    // It may not be watching yet; it sees a cancellation that came earlier all the same.
    await product.done("node", "cancel", "n3");
    assert.equal((await waits.status).code, 1);
    assert.doesNotMatch(await output, /rs1\./);
    const [n3] = (await product.json<NodeView[]>("node", "list")).filter(({ name }) => name === "n3");
    assert.equal(n3?.state, "idle");
  });
});

/** Starts a second server on another data directory, and stops it once it serves. */
async function startedServer(product: Product): Promise<{ stdout: string; stderr: string }> {
  const ports = ["--http-port", "0", "--peer-port", "0", "--tracker-port", "0", "--rsync-port", "0"];
  const child = new Deno.Command(product.path, {
    args: [
      ...["server", "--data", `${product.folder}/other`, "--listen", "127.0.0.1:0", "--tftp-port", "off"],
      ...ports,
    ],
    env: {},
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let stdout = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    stdout += text;
    if (stdout.includes("token in")) child.kill("SIGTERM");
  }
  await child.status;
  return { stdout, stderr: await stderr };
}
