/** The page with a version's rehearsals in a real browser. */
import assert from "node:assert/strict";
import { NodeView, VersionView } from "#contract/api.ts";
import type { Page } from "playwright-core";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { openDatabase } from "../../server/store/database.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { putRehearsals } from "./support/rehearsals.ts";

Deno.test({
  name: "the page shows verdicts, screens and consoles, and says in place why a rehearsal is refused",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await ServerUnderTest.start();
    await prepare(test);
    const browser = await openBrowser();
    try {
      const { page, complaints } = await openPage(browser);
      page.setDefaultTimeout(120_000);
      await walkThrough(t, { test, page, complaints });
    } finally {
      await browser.close();
    }
  },
});

/** web@1 was proved after it had failed. */
async function prepare(test: ServerUnderTest): Promise<void> {
  const { folder, data } = test;
  await makeSmallTree(`${folder}/tree`);
  for (const image of ["web", "n1"]) await test.publish(image, { root: `${folder}/tree` });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const { id: versionId } = await test.client.get("/images/web@1", VersionView);
  await test.restart(async () => {
    await putRehearsals(data, versionId);
    using db = openDatabase(`${data}/rackseed.db`);
    db.exec("INSERT INTO backup_lineage SELECT id, 'n1' FROM lineage WHERE image = 'n1'");
  });
}

interface Scene {
  readonly test: ServerUnderTest;
  readonly page: Page;
  readonly complaints: string[];
}

async function walkThrough(t: Deno.TestContext, { test, page, complaints }: Scene): Promise<void> {
  await page.goto(test.server.setup ?? assert.fail("no set-up link"));
  await page.getByLabel("New password").fill("correct horse battery");
  await page.getByLabel("Once more").fill("correct horse battery");
  await page.getByRole("button", { name: "Choose this password" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  await page.goto(`${test.server.urls.server}/images/web@1/rehearsals`);
  await page.getByRole("heading", { level: 1, name: "Rehearsals of web@1" }).waitFor();

  await t.step("the newest verdict comes first, with its screen and the end of its console", async () => {
    await page.getByText(/^✓ Proved 2\d minutes ago, after 5 min 00 s on UEFI\. Ordered by ann\.$/).waitFor();
    await page.getByRole("img", { name: "The machine's screen" }).waitFor();
    const console = page.getByRole("region", { name: "Serial console" });
    await console.getByText(/web login: $/).waitFor();
    assert.doesNotMatch(await console.textContent() ?? "", /\[0;32m/);
    const isAtEnd = await console.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 40);
    assert.ok(isAtEnd);
    await look(page, "rehearsals");
  });

  await t.step("an older one is shown by its address, with why it failed", async () => {
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText(/its kernel panicked/).waitFor();
    assert.match(page.url(), /\?id=failed$/);
    await look(page, "rehearsals-failed");
  });

  await t.step("the form says what it does not understand, and shows the server's refusal", async () => {
    await page.getByRole("button", { name: "Rehearse…" }).click();
    const dialog = page.getByRole("dialog", { name: "Rehearse web@1" });
    await dialog.getByLabel(/login prompt/).uncheck();
    await dialog.getByRole("button", { name: "Start" }).click();
    await dialog.getByText(/choose at least one/).waitFor();
    await dialog.getByLabel(/TCP ports/).fill("22, ssh");
    await dialog.getByRole("button", { name: "Start" }).click();
    await dialog.getByText(/“tcp:ssh” is not understood/).waitFor();
    await dialog.getByLabel(/TCP ports/).fill("22");
    await dialog.getByRole("button", { name: "Start" }).click();
    // this image was made of a directory
    await dialog.getByText(/it cannot boot machines/).waitFor();
    await look(page, "rehearsals-dialog", { isWhole: false });
    await page.keyboard.press("Escape");
  });
  await t.step(
    "a node's page lists its backups, each with its verdict, to be rehearsed and restored",
    async () => {
      await page.goto(`${test.server.urls.server}/nodes/n1/backups`);
      const row = page.getByRole("row", { name: /^n1@1/ });
      await row.getByRole("link", { name: "○ not rehearsed" }).waitFor();
      await look(page, "node-backups");
      await page.getByRole("button", { name: "Rehearse n1@1" }).click();
      const dialog = page.getByRole("dialog", { name: "Rehearse n1@1" });
      await dialog.getByRole("button", { name: "Start" }).click();
      await dialog.getByText(/cannot rehearse n1@1/).waitFor();
      await page.keyboard.press("Escape");
      await row.getByRole("link", { name: "Restore…" }).click();
      await page.getByRole("heading", { level: 1, name: "Restore 1 node" }).waitFor();
    },
  );
  // the refusals are some
  assert.deepEqual(complaints.filter((one) => !one.includes("409")), []);
}

/** No accessibility fault, and a picture, on phone and desktop, light and dark. */
async function look(page: Page, name: string, { isWhole = true } = {}): Promise<void> {
  for (const width of [390, 1920]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 1080 });
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await accessibilityFaults(page), [], `${name}, ${width} px, ${colorScheme}`);
      const isTooWide = await page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth");
      assert.equal(isTooWide, false, `${name} at ${width} px`);
      const folder = Deno.env.get("RACKSEED_SCREENSHOTS");
      const path = `${folder}/${name}-${width}-${colorScheme}.png`;
      if (folder !== undefined && isWhole) await page.screenshot({ path, fullPage: true });
      else await screenshot(page, `${name}-${width}-${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 1200, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}
