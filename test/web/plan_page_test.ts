/** The page in a real browser: plans before a deployment is ordered, encrypted images, recovery keys. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type Inventory, NodeView, Order } from "#contract/api.ts";
import { disk, GIB, header } from "../../server/plan/testing/templates.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { ENCRYPTED_LAYOUT } from "../support/encrypted_layout.ts";
import { chromiumNeeds, openBrowser } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

const PASSPHRASE = "correct horse battery";

Deno.test({
  name:
    "an operator sees each node's plan before the order, chooses how clones are opened, and is shown the recovery key",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await siteWithNodes();
    const browser = await openBrowser();
    try {
      const context = await browser.newContext({
        ignoreHTTPSErrors: true,
        viewport: { width: 1200, height: 900 },
      });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.goto(`${test.server.urls.server}/?token=${test.server.token}`);
      await page.getByText("live", { exact: true }).waitFor();
      await walkThrough(t, { page, test });
      assert.deepEqual(complaints.filter((text) => !/status of 409/.test(text)), []);
    } finally {
      await browser.close();
    }
  },
});

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

/** The images "web" and "vault", a machine that can take them, one that is too small, and one never seen. */
async function siteWithNodes(): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  const { layout, source } = header();
  await test.publish("vault", { root, layout: ENCRYPTED_LAYOUT, source });
  await test.publish("web", { root, layout, source });
  for (const [node, sizeBytes] of [["fits", 20 * GIB], ["small", 2 * GIB]] as const) {
    await test.client.send("PUT", `/nodes/${node}`, { json: {} });
    const [token] = await test.deploy([node]);
    using agent = (await test.enrol(token, inventory(sizeBytes))).agent;
    await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
  }
  await test.client.send("PUT", "/nodes/unseen", { json: {} });
  return test;
}

async function walkThrough(
  t: Deno.TestContext,
  { page, test }: { page: Page; test: ServerUnderTest },
): Promise<void> {
  const dialog = page.getByRole("dialog");
  const submit = dialog.getByRole("button", { name: "Overwrite and deploy" });
  const open = async (...nodes: string[]) => {
    for (const node of nodes) await page.getByLabel(`Select ${node}`, { exact: true }).check();
    await page.getByRole("button", { name: /^Deploy to/ }).click();
    await dialog.getByLabel("Image").selectOption("web@1");
  };
  const cancel = async (...nodes: string[]) => {
    await dialog.getByRole("button", { name: "Cancel" }).click();
    for (const node of nodes) await page.getByLabel(`Select ${node}`, { exact: true }).uncheck();
  };
  const picture = async (name: string) => {
    const folder = Deno.env.get("RACKSEED_SCREENSHOTS");
    if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` });
  };

  await t.step(
    "the plan of a known machine and its age; a machine never seen is said to be unknown",
    async () => {
      await open("fits", "unseen");
      await dialog.getByText("everything on it is lost").first().waitFor();
      await dialog.getByText("the node plans again when it boots").waitFor();
      await dialog.getByText("it has never booted from here, so its disks are not known").waitFor();
      await dialog.getByText("whole plan").click();
      await dialog.getByText(/format .* as ext4/).waitFor();
      assert.equal(await submit.isEnabled(), true);
      await picture("plan");
      await cancel("fits", "unseen");
    },
  );

  await t.step(
    "a refused plan shows its remedy, and must be confirmed to be ordered all the same",
    async () => {
      await open("fits", "small");
      await dialog.getByText("it is too small").waitFor();
      assert.equal(await submit.isEnabled(), false);
      await picture("plan-refused");
      await dialog.getByLabel("Order it all the same").check();
      await dialog.locator("button[type=submit]:enabled").waitFor();
      await cancel("fits", "small");
      assert.equal((await test.client.get("/nodes/small", NodeView)).armed, false);
    },
  );

  await t.step("a restore shows its plan, too, and a refused one must be confirmed", async () => {
    const restore = dialog.getByRole("button", { name: "Restore", exact: true });
    const openFor = async (node: string) => {
      await page.getByLabel(`Select ${node}`, { exact: true }).check();
      await page.getByRole("button", { name: "Restore…" }).click();
    };
    await openFor("fits");
    await dialog.getByText(/restore .* to web@1/).first().waitFor();
    await dialog.locator("button[type=submit]:enabled").waitFor();
    await cancel("fits");
    await openFor("small");
    await dialog.getByText("it is too small").waitFor();
    assert.equal(await restore.isEnabled(), false);
    await dialog.getByLabel("Order it all the same").check();
    await dialog.locator("button[type=submit]:enabled").waitFor();
    await cancel("small");
  });

  await t.step(
    "an encrypted image asks how its clones are opened, and for the passphrase twice",
    async () => {
      await open("unseen");
      await dialog.getByLabel("Image").selectOption("vault@1");
      await dialog.getByText("each clone gets a key of its own").waitFor();
      assert.equal(await dialog.getByLabel("Once more").isVisible(), false);
      await dialog.getByLabel("The clones are opened by").selectOption("passphrase");
      await dialog.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
      await dialog.getByLabel("Once more").fill("something else");
      await dialog.locator("button[type=submit]:enabled").click();
      await dialog.getByText("The two passphrases differ").waitFor();
      await picture("plan-encrypted");
      await dialog.getByLabel("Once more").fill(PASSPHRASE);
      await submit.click();
      await page.getByText("unseen will be overwritten with vault@1").waitFor();
      assert.equal(await page.locator("input[name=passphrase]").inputValue(), "");
    },
  );

  await t.step("the recovery key is shown once, then with a reason, and the record names both", async () => {
    const { key } = await encryptNode(test, "unseen");
    const details = () => page.getByRole("button", { name: "unseen", exact: true }).click();
    await details();
    await dialog.getByText("recovery key not shown yet").waitFor();
    await dialog.getByRole("button", { name: "Show recovery key" }).click();
    await dialog.getByText(key).waitFor();
    await picture("recovery-key");
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByText(key).waitFor({ state: "detached" });
    assert.equal((await page.content()).includes(key), false);
    await details();
    await dialog.getByText("first time").waitFor();
    await dialog.getByLabel("Reason for seeing it again").fill("TPM replaced");
    await dialog.getByRole("button", { name: "Show it again" }).click();
    await dialog.getByText(key).waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await details();
    await dialog.getByText(/admin token from 127\.0\.0\.1, of vault@1: TPM replaced/).waitFor();
    await picture("recovery-key-again");
    await dialog.getByRole("button", { name: "Close" }).click();
  });
}

/** Lets the armed node make its volumes; returns its recovery key. */
async function encryptNode(test: ServerUnderTest, node: string): Promise<{ key: string }> {
  await test.client.send("POST", `/nodes/${node}/cancel`, { json: {} });
  const [token] = await test.deploy([node], { image: "vault", unlock: "passphrase", passphrase: PASSPHRASE });
  const { agent, order }: { agent: Disposable & typeof test.client; order: Order } = await test.enrol(
    token,
    inventory(20 * GIB),
  );
  using _agent = agent;
  const json = { step: "format", state: "done", elapsedMs: 1, encrypted: true };
  await agent.send("POST", "/node/report", { json });
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
  return { key: order.encryption?.recoveryKey ?? assert.fail() };
}
