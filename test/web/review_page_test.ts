/** The desk in a real browser: an order is reviewed before it is given. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type Inventory, NodeView } from "#contract/api.ts";
import { GIB, header } from "../../server/plan/testing/templates.ts";
import { reportedMachine } from "../support/inventory.ts";
import { accessibilityFaults, chromiumNeeds, openBrowser, openPage } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

Deno.test({
  name:
    "an order is reviewed: exceptions are left out by a click, the number of machines is typed, and it is refused if something changed",
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
      await walkThrough(t, { page, test });
      assert.deepEqual(complaints.filter((text) => !/status of 409/.test(text)), []);
    } finally {
      await browser.close();
    }
  },
});

async function report(test: ServerUnderTest, node: string, inventory: Inventory): Promise<void> {
  const [token] = await test.deploy([node]);
  using agent = (await test.enrol(token, inventory)).agent;
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
}

async function siteWithNodes(): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  const { layout, source } = header();
  await test.publish("web", { root, layout, source });
  for (let i = 1; i <= 6; i++) {
    await test.client.send("PUT", `/nodes/n${i}`, {
      json: { address: `10.0.0.${10 + i}/24`, group: "compute" },
    });
  }
  for (const node of ["n1", "n2", "n3"]) await report(test, node, reportedMachine(960 * GIB));
  await report(test, "n4", reportedMachine(2 * GIB));
  await report(
    test,
    "n5",
    reportedMachine(960 * GIB, { health: { verdict: "failing", reasons: ["it expects to fail"] } }),
  );
  return test;
}

async function picture(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("RACKSEED_SCREENSHOTS");
  if (folder === undefined) return;
  for (const width of [390, 1920]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 1080 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({
        path: `${folder}/${name}-${width}-${colorScheme}.png`,
        fullPage: width === 390,
      });
    }
  }
  await page.setViewportSize({ width: 1200, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}

async function walkThrough(
  t: Deno.TestContext,
  { page, test }: { page: Page; test: ServerUnderTest },
): Promise<void> {
  const install = page.getByRole("button", { name: /^Install web@1 on/ });
  const answered = () => page.locator('section[aria-busy="false"] .verdict').waitFor();

  await t.step("the review names the disks, what is on them, and what would be refused, first", async () => {
    await page.goto(`${test.server.urls.server}/deploy?nodes=n[1-6]`);
    await page.getByRole("combobox", { name: "Image", exact: true }).selectOption("web");
    await page.getByText("Data on 6 machines will be lost").waitFor();
    assert.equal(new URL(page.url()).search, "?nodes=n%5B1-6%5D&image=web");
    const kinds = await page.locator(".warnings > li > details > summary > strong").allTextContents();
    assert.deepEqual(kinds, ["Disks cannot take the image", "Failing disk", "Disks unknown"]);
    await page.getByText("gpt: ext4 'root', swap, xfs 'data'").first().waitFor();
    await page.getByText("SAMSUNG MZ7LH960").first().waitFor();
    assert.equal(await install.isEnabled(), false);
    assert.deepEqual(await accessibilityFaults(page), []);
    await picture(page, "deploy");
  });

  await t.step("exceptions are left out by a click, and the address says who stays", async () => {
    await page.locator(".case").getByRole("button", { name: "Leave out n5" }).click();
    await page.getByText("Data on 5 machines will be lost").waitFor();
    await page.locator(".confirm").getByRole("button", { name: "Leave it out" }).click();
    await page.getByText("Data on 4 machines will be lost").waitFor();
    await page.locator(".case").getByRole("button", { name: "Leave out n6" }).click();
    await page.getByText("Data on 3 machines will be lost").waitFor();
    assert.equal(new URL(page.url()).searchParams.get("nodes"), "n[1-3]");
    await page.getByText("Nothing speaks against it.").waitFor();
    await page.getByText("Left out: n[4-6]").waitFor();
  });

  await t.step(
    "only the right number of machines opens the order; a change since is refused and shown",
    async () => {
      await answered();
      const typed = page.getByLabel("How many machines lose data?");
      await typed.fill("4");
      assert.equal(await install.isEnabled(), false);
      await report(
        test,
        "n2",
        reportedMachine(960 * GIB, { content: "gpt: xfs 'precious'", labels: ["precious"] }),
      );
      await typed.fill("3");
      await picture(page, "deploy-typed");
      await typed.press("Enter");
      await page.getByText("n2: its disks, or what is on them changed").waitFor();
      assert.equal((await test.client.get("/nodes/n1", NodeView)).armed, false);
      await page.getByText("gpt: xfs 'precious'").waitFor();
      await answered();
      await typed.fill("3");
      await page.locator(".confirm button[type=submit]:enabled").click();
      await page.waitForURL("**/deployments/*");
      for (const node of ["n1", "n2", "n3"]) {
        assert.equal((await test.client.get(`/nodes/${node}`, NodeView)).armed, true);
      }
      assert.equal((await test.client.get("/nodes/n5", NodeView)).armed, false);
    },
  );

  await t.step("a restore proposes the dry run, which loses nothing and needs no number", async () => {
    for (const node of ["n1", "n2", "n3"]) await test.client.send("POST", `/nodes/${node}/cancel`);
    await page.goto(`${test.server.urls.server}/restore?nodes=n[1-3]`);
    await page.getByText("No data will be lost").waitFor();
    const compare = page.getByRole("button", { name: "Compare 3 nodes with web@1" });
    await answered();
    assert.equal(await compare.isEnabled(), true);
    await picture(page, "restore");
    await page.getByLabel("restore", { exact: true }).check();
    await page.getByText("On 3 machines, what differs from the image will be lost").waitFor();
    assert.equal(await page.getByRole("button", { name: "Restore 3 nodes to web@1" }).isEnabled(), false);
    assert.deepEqual(await accessibilityFaults(page), []);
    await page.getByLabel("dry run", { exact: false }).check();
    await compare.click();
    await page.waitForURL("**/deployments/*");
    const { restore } = await test.client.get("/nodes/n1", NodeView);
    assert.equal(restore?.dryRun, true);
  });

  await t.step("deleting asks, and says what depends on the node", async () => {
    await page.goto(`${test.server.urls.server}/nodes`);
    await page.getByLabel("Select n6").check();
    await page.getByRole("button", { name: "Delete…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Nothing else depends on them.").waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
    await picture(page, "delete");
    await dialog.getByRole("button", { name: "Delete 1 node" }).click();
    await page.getByText("1 node deleted.").waitFor();
    await assert.rejects(test.client.get("/nodes/n6", NodeView), { status: 404 });
    await page.getByLabel("Select n1").check();
    await page.getByRole("button", { name: "Delete…" }).click();
    await dialog.getByText(/n1: armed, being installed/).waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Delete 1 node" }).isEnabled(), false);
  });
}
