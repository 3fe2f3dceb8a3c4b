/** Orders at the desk in a real browser, and how they end on the node's page. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { z } from "zod";
import { CaptureView, type Inventory, NodeView, TemplateView } from "#contract/api.ts";
import { CheckOrder, type CheckResult } from "#contract/api/checks.ts";
import { disk, GIB, header } from "../../server/plan/testing/templates.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { chromiumNeeds, openBrowser, openPage } from "../support/chromium.ts";
import { ENCRYPTED_LAYOUT } from "../support/encrypted_layout.ts";
import type { NodeAgent } from "../support/desk_site.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { needs } from "../support/needs.ts";

const PASSPHRASE = "correct horse battery";

Deno.test({
  name: "orders are confirmed, carried out by nodes, and end as the node's page says",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await siteWithNodes();
    const browser = await openBrowser();
    try {
      const { page, complaints } = await openPage(browser);
      await page.goto(`${test.server.urls.server}/?token=${test.server.token}`);
      await page.getByText("live", { exact: true }).waitFor();
      await encryption(t, { page, test });
      await refusals(t, { page, test });
      await outcomes(t, { page, test });
      assert.deepEqual(complaints.filter((text) => !/status of 404/.test(text)), []);
    } finally {
      await browser.close();
    }
  },
});

interface Scene {
  readonly page: Page;
  readonly test: ServerUnderTest;
}

/** The images "web" and "vault", a machine that is too small for both, and others that are large enough. */
async function siteWithNodes(): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  const { layout, source } = header();
  await test.publish("vault", { root, layout: ENCRYPTED_LAYOUT, source });
  await test.publish("web", { root, layout, source });
  const body = ["small", "unseen", "n1", "f1", "a1", "a2"].map((node) => ({ node, settings: {} }));
  await test.client.put("/nodes", { body, schema: z.unknown() });
  using small = await install(test, "small", { sizeBytes: 2 * GIB });
  await small.report({ step: "finish", state: "done", elapsedMs: 1 });
  return test;
}

function inventory(sizeBytes: number): Inventory {
  const { kind, names, uses, partitions: _, signatures: __, ...facts } = disk({ sizeBytes });
  const reported = {
    ...facts,
    kind,
    names: [...names],
    uses: [...uses],
    content: "gpt: ext4 'root'",
    labels: [],
  };
  return { ...MACHINE_INVENTORY, tpm2: true, disks: [reported] };
}

/** Orders a deployment and enrols as the node's agent. */
async function install(
  test: ServerUnderTest,
  node: string,
  { sizeBytes = 20 * GIB, ...terms }: { sizeBytes?: number; [term: string]: unknown } = {},
): Promise<NodeAgent> {
  const [token] = await test.deploy([node], terms);
  return await enrol(test, token, sizeBytes);
}

async function enrol(test: ServerUnderTest, token = "", sizeBytes = 20 * GIB): Promise<NodeAgent> {
  const { agent, order } = await test.enrol(token, inventory(sizeBytes));
  return {
    order,
    report: async (json) => void await (await agent.send("POST", "/node/report", { json })).body?.cancel(),
    [Symbol.dispose]: () => agent[Symbol.dispose](),
  };
}

const goer = ({ page, test }: Scene) => async (path: string) => {
  await page.goto(`${test.server.urls.server}${path}`);
  await page.getByText("live", { exact: true }).waitFor();
};

async function encryption(t: Deno.TestContext, { page, test }: Scene): Promise<void> {
  const go = goer({ page, test });
  const dialog = page.getByRole("dialog");

  await t.step(
    "an encrypted image asks how it is opened, for the passphrase twice, and forgets it",
    async () => {
      await go("/deploy?nodes=unseen&image=vault");
      await page.getByLabel("Encrypted volumes are opened by").selectOption("key-file");
      await page.getByLabel("Passphrase", { exact: true }).waitFor({ state: "detached" });
      await page.getByLabel("Encrypted volumes are opened by").selectOption("passphrase");
      await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
      await page.getByLabel("Passphrase, once more").fill("something else");
      await page.getByLabel("How many machines lose data?").fill("1");
      const send = page.locator(".confirm button[type=submit]:enabled");
      await send.click();
      await page.getByRole("alert").getByText("the two passphrases differ").waitFor();
      assert.equal((await test.client.get("/nodes/unseen", NodeView)).armed, false);
      await page.getByLabel("Passphrase, once more").fill(PASSPHRASE);
      await send.click();
      await page.waitForURL("**/deployments/*");
      assert.equal((await test.client.get("/nodes/unseen", NodeView)).image, "vault@1");
      await page.goBack();
      await page.getByLabel("Encrypted volumes are opened by").selectOption("passphrase");
      assert.equal(await page.getByLabel("Passphrase", { exact: true }).inputValue(), "");
      assert.equal(await page.getByLabel("Passphrase, once more").count(), 0);
    },
  );

  await t.step("the recovery key is shown once, then with a reason, and the record names both", async () => {
    await test.client.send("POST", "/nodes/unseen/cancel");
    using agent = await install(test, "unseen", {
      image: "vault",
      unlock: "passphrase",
      passphrase: PASSPHRASE,
    });
    await agent.report({ step: "format", state: "done", elapsedMs: 1, encrypted: true });
    await agent.report({ step: "finish", state: "done", elapsedMs: 1 });
    const key = agent.order.encryption?.recoveryKey ?? assert.fail("no recovery key");
    await go("/nodes/unseen");
    await page.getByRole("link", { name: "Recovery key" }).click();
    await page.getByRole("button", { name: "Show the recovery key" }).click();
    await dialog.getByText("That you saw it is recorded.").waitFor();
    await dialog.getByRole("button", { name: "Show the recovery key" }).click();
    await page.getByText(key).waitFor();
    await page.getByRole("link", { name: "History" }).click();
    await page.getByText(key).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Recovery key" }).click();
    await page.getByText("first time").waitFor();
    assert.equal((await page.content()).includes(key), false);
    await page.getByRole("button", { name: "Show it again…" }).click();
    await dialog.getByLabel("Reason for seeing it again").fill("TPM replaced");
    await dialog.getByRole("button", { name: "Show the recovery key" }).click();
    await page.getByText(key).waitFor();
    await page.getByText(/admin token from 127\.0\.0\.1, vault@1: TPM replaced/).waitFor();
  });
}

async function refusals(t: Deno.TestContext, { page, test }: Scene): Promise<void> {
  const go = goer({ page, test });
  const even = page.getByLabel("also where the last known disks cannot take it");
  const submit = page.locator(".confirm button[type=submit]");

  await t.step("a refused deployment is ordered only if one says so", async () => {
    await go("/deploy?nodes=small&image=web");
    await page.getByText("it is too small").first().waitFor();
    await page.getByText("1 node would be refused.").waitFor();
    assert.equal(await submit.isEnabled(), false);
    await page.getByText("More", { exact: true }).click();
    await even.check();
    await page.getByText("1 node would be refused.").waitFor({ state: "detached" });
    assert.equal(await submit.isEnabled(), false);
    await page.getByLabel("How many machines lose data?").fill("1");
    await page.locator(".confirm button[type=submit]:enabled").click();
    await page.waitForURL("**/deployments/*");
    assert.equal((await test.client.get("/nodes/small", NodeView)).armed, true);
    await test.client.send("POST", "/nodes/small/cancel");
  });

  await t.step("so is a refused restore", async () => {
    await go("/restore?nodes=small&image=web");
    await page.getByText("it is too small").first().waitFor();
    assert.equal(await submit.isEnabled(), false);
    await page.getByText("More", { exact: true }).click();
    await even.check();
    await page.locator(".confirm button[type=submit]:enabled").waitFor();
    assert.equal((await test.client.get("/nodes/small", NodeView)).armed, false);
  });
}

async function outcomes(t: Deno.TestContext, { page, test }: Scene): Promise<void> {
  const { client } = test, go = goer({ page, test });
  const dialog = page.getByRole("dialog");
  const head = page.locator(".node-head");

  await t.step("a restore leaves paths alone; what a dry run found is on the node's page", async () => {
    await go("/restore?nodes=n1&image=web");
    await page.getByLabel("Leave these paths alone").fill("/srv\n/home");
    await page.locator(".confirm button[type=submit]:enabled").click();
    await page.waitForURL("**/deployments/*");
    const view = await client.get("/nodes/n1", NodeView);
    assert.deepEqual([view.state, view.restore], ["armed", { keep: ["/srv", "/home"], dryRun: true }]);
    const { nodes } = await client.post("/restores", {
      body: { nodes: ["n1"], image: "web", dryRun: true },
      schema: z.object({ nodes: z.array(z.object({ token: z.string() })) }),
    });
    await go("/nodes/n1");
    using agent = await enrol(test, nodes[0]?.token);
    await agent.report({ step: "torrent", state: "done", elapsedMs: 10, plan: ["  rewrite /usr/bin/greet"] });
    await agent.report({ step: "finish", state: "done", elapsedMs: 10 });
    await page.getByText("Plan, 1 line").click();
    await page.locator("pre").getByText("rewrite /usr/bin/greet").waitFor();
    await head.getByText("idle").waitFor();
  });

  await t.step("a clone that does not report is flagged until it does", async () => {
    await go("/nodes/f1");
    using agent = await install(test, "f1", { firstBootSeconds: 1 });
    await agent.report({ step: "finish", state: "done", elapsedMs: 1, reportsAs: "f1" });
    await head.getByText("First boot expected by").waitFor();
    await head.getByText("has not reported since").waitFor();
    await head.getByText("boot order").waitFor();
    const body = `token ${agent.order.firstBoot?.token}\nhostname f1\n`;
    assert.equal((await fetch(agent.order.firstBoot?.url ?? "", { method: "POST", body })).status, 204);
    await head.getByText("running").waitFor();
    await head.getByText("has not reported since").waitFor({ state: "detached" });
  });

  await t.step("a node without an agent is backed up at its next boot, and the dialog says so", async () => {
    await page.getByRole("button", { name: "Back up…" }).click();
    await dialog.getByText("f1: at the next network boot; the disks are only read").waitFor();
    await dialog.getByRole("button", { name: "Back up 1 node" }).click();
    await head.getByText("armed for backup").waitFor();
    const view = await client.get("/nodes/f1", NodeView);
    assert.deepEqual([view.state, view.image, view.backup], ["armed", "web@1", { level: 9, excludes: [] }]);
    await page.getByRole("button", { name: "Cancel the order" }).click();
    await dialog.getByRole("button", { name: "Cancel the order" }).click();
    await head.getByText("running").waitFor();
  });

  await t.step("an admin gets the script that installs the agent on a node, once", async () => {
    await page.getByRole("button", { name: "Agent…" }).click();
    await dialog.getByRole("button", { name: "Make the script" }).click();
    const script = await dialog.getByLabel("Script").inputValue();
    assert.match(script, /^RACKSEED_TOKEN=rs1\.\S+$/m);
    assert.match(script, /^ExecStart=\S+ agent template --name f1$/m);
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.waitFor({ state: "detached" });
  });

  await t.step("a node whose agent is online is backed up by it, now", async () => {
    await client.send("POST", "/templates", { json: { name: "f1", lacks: [] } });
    await page.getByRole("button", { name: "Back up…" }).click();
    await dialog.getByText("f1: now, by the agent that runs there").waitFor();
    await dialog.getByRole("button", { name: "Back up 1 node" }).click();
    await dialog.waitFor({ state: "detached" });
    const last = (await client.get("/captures", z.array(CaptureView))).at(-1);
    assert.equal(last?.template, "f1");
    await client.send("DELETE", `/captures/${last?.id}`);
  });

  await t.step("a node is checked by its agent, and the drift tab lists what differs, as text", async () => {
    await page.getByRole("link", { name: "Drift" }).click();
    await page.getByText("It was not checked since it was installed or restored.").waitFor();
    await page.getByRole("button", { name: "Check…" }).click();
    await dialog.getByRole("button", { name: "Check 1 node" }).click();
    await page.getByText("The agent has not begun yet.").waitFor();
    const [{ id = "" } = {}] = await client.get("/templates", z.array(TemplateView));
    const order = CheckOrder.parse(
      await (await client.send("GET", `/templates/${id}/orders?checks=true`)).json(),
    );
    await page.getByText("The agent compares:").waitFor();
    await client.send("PUT", `/checks/${order.check}/result`, { json: ONE_CHANGE });
    const change = page.getByRole("row", { name: "/etc/<b>motd" });
    for (const text of ["changed", "mode 0600, not 0644", "base"]) {
      await change.getByText(text, { exact: true }).waitFor();
    }
    await page.getByRole("link", { name: "Drift 1" }).waitFor();
  });

  await t.step("whom a finished node still seeds for, and the slowest node of a batch", async () => {
    const [first, second] = await test.deploy(["a1", "a2"]);
    using a1 = await enrol(test, first);
    using a2 = await enrol(test, second);
    // before a2 fetches: the server would call it slow while a page loads on a busy machine
    await go("/nodes/a1/peers");
    const times = { workers: 1, starvedMs: 100, busyMs: 100, mainMs: 0, fetchedBytes: 1, fetchMs: 1 };
    await a1.report({ step: "install", state: "done", elapsedMs: 1000, times: { ...times, blockedMs: 0 } });
    await a2.report({
      step: "install",
      state: "running",
      elapsedMs: 4000,
      times: { ...times, blockedMs: 3800 },
      progress: { bytesDone: 40e6, bytesTotal: 100e6, peers: 3, bytesPerSecond: 12e6 },
    });
    await a1.report({ step: "seed", state: "running", elapsedMs: 10 });
    await page.getByRole("heading", { name: "Keeps seeding" }).waitFor();
    await page.locator(".tab").getByRole("link", { name: "a2" }).waitFor();
    await a1.report({ step: "verify", state: "done", elapsedMs: 30_000 });
    await page.getByText("Slowest of its batch").waitFor();
    await a2.report({ step: "install", state: "done", elapsedMs: 45_000 });
    await page.getByText("Slowest of its batch").waitFor({ state: "detached" });
    await go("/nodes/a2/peers");
    await page.getByText("45 s, typical 31 s").waitFor();
    await page.getByText("step install took 45.0 s").waitFor();
    await page.getByText("its disk", { exact: true }).waitFor();
  });
}

const ONE_CHANGE: CheckResult = {
  entries: 3,
  changed: 1,
  missing: 0,
  foreign: 0,
  differences: [{
    path: "/etc/<b>motd",
    what: "changed",
    detail: "mode 0600, not 0644",
    package: "base",
  }],
  notes: [],
  readBytes: 1,
  elapsedMs: 1,
  cpuMs: 1,
};
