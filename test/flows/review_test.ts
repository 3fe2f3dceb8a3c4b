/** The review of an order over the API and on the command line. */
import assert from "node:assert/strict";
import { DeployAnswer, type Inventory, Review } from "#contract/api.ts";
import { disk, GIB, header } from "../../server/plan/testing/templates.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

function machine(content: string): Inventory {
  const { kind, names, uses, partitions: _, signatures: __, labels: ___, ...facts } = disk({
    sizeBytes: 20 * GIB,
  });
  const reported = { ...facts, kind, names: [...names], byPath: names[0], uses: [...uses], content };
  return { ...MACHINE_INVENTORY, memoryBytes: 8e9, disks: [reported] };
}

async function install(test: ServerUnderTest, content: string): Promise<void> {
  const [token] = await test.deploy(["n1"]);
  using agent = (await test.enrol(token, machine(content))).agent;
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
}

async function commandLine({ server }: ServerUnderTest, ...args: string[]): Promise<string> {
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", main, ...args],
    env: { RACKSEED_SERVER: server.urls.server, RACKSEED_TOKEN: server.token },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("what was reviewed is what is ordered, by ranges and groups, over the API and the command line", async (t) => {
  await using test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  const { layout, source } = header();
  await test.publish("web", { root, layout, source });
  for (const node of ["n1", "n2"]) {
    await test.client.send("PUT", `/nodes/${node}`, { json: { group: "compute" } });
  }
  await install(test, "gpt: ext4 'root'");
  const review = (nodes: string[], terms: object = {}) =>
    test.client.post("/reviews", {
      body: { kind: "deployment", image: "web", nodes, ...terms },
      schema: Review,
    });
  const order = (reviewed: string) =>
    test.client.post("/deployments", {
      body: { nodes: ["n1", "n2"], image: "web@1", reviewed },
      schema: DeployAnswer,
    });

  await t.step(
    "ranges and groups name the same nodes; the recorded disk and its content are shown",
    async () => {
      const [range, group] = [await review(["n[1-2]"]), await review(["@compute"])];
      assert.equal(range.digest, group.digest);
      assert.equal(range.image, "web@1");
      assert.deepEqual(range.nodes.map(({ node, loses }) => [node, loses]), [["n1", "all"], [
        "n2",
        "unknown",
      ]]);
      assert.equal(range.nodes[0]?.disks[0]?.content, "gpt: ext4 'root'");
      await assert.rejects(review(["@nobody"]), { status: 400 });
      await assert.rejects(review(["n9"]), { status: 404 });
    },
  );

  await t.step("the command line shows the same text, and orders nothing", async () => {
    const shown = await commandLine(test, "node", "deploy", "n[1-2]", "--image", "web", "--review");
    assert.match(shown, /Install web@1 on 2 nodes; data is or may be lost on 2 machines/);
    assert.match(
      shown,
      /wipes \/dev\/disk\/by-path\/\S+ \(sda, 21.5 GB.*; it holds gpt: ext4 'root', as it reported/,
    );
    assert.match(shown, /disks unknown: it plans when it boots/);
    const { digest } = await review(["n1", "n2"]);
    assert.ok(shown.includes(`--reviewed ${digest}`), shown);
    const dry = await commandLine(test, "node", "restore", "n1", "--dry-run", "--review");
    assert.match(dry, /Restore to web@1: 1 node; no data is lost/);
  });

  await t.step("an order is refused if something changed since, says what, and arms no node", async () => {
    const { digest } = await review(["n1", "n2"]);
    await install(test, "gpt: xfs 'precious'");
    await assert.rejects(order(digest), {
      status: 409,
      reason: "since then something changed: n1: its disks, or what is on them changed.",
    });
    const { digest: again, nodes } = await review(["n1", "n2"]);
    assert.equal(nodes[0]?.disks[0]?.content, "gpt: xfs 'precious'");
    assert.equal((await order(again)).nodes.length, 2);
  });
});
