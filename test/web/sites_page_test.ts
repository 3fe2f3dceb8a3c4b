/** The pages of sites in a real browser: an admin adds one, assigns an image, sees its nodes, and revokes its relay. */
import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { MadeRelay } from "../flows/support/made_relay.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { needs } from "../support/needs.ts";

Deno.test({
  name: "an admin adds a site, assigns an image, sees what its relay reports, and revokes it",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using test = await ServerUnderTest.start();
    const browser = await openBrowser();
    try {
      await walkThrough({ test, browser });
    } finally {
      await browser.close();
    }
  },
});

async function walkThrough({ test, browser }: { test: ServerUnderTest; browser: Browser }): Promise<void> {
  await makeSmallTree(`${test.folder}/tree`);
  await test.publish("web", { root: `${test.folder}/tree` });
  const { page, complaints } = await openPage(browser);
  await page.goto(test.server.setup ?? assert.fail("no set-up link"));
  await page.getByLabel("New password").fill("correct horse battery");
  await page.getByLabel("Once more").fill("correct horse battery");
  await page.getByRole("button", { name: "Choose this password" }).click();
  await page.getByText("live", { exact: true }).waitFor();

  await page.getByRole("link", { name: "Sites", exact: true }).click();
  await page.getByText("No sites yet").waitFor();
  await page.getByRole("button", { name: "Add a site" }).click();
  const add = page.getByRole("dialog", { name: "Add a site" });
  await add.getByLabel("Name").fill("paris");
  await add.getByRole("button", { name: "Add", exact: true }).click();
  const shown = page.getByRole("dialog", { name: "Site paris" });
  const token = await shown.getByLabel("The token of paris").inputValue();
  assert.match(token, /^rs1\./);
  assert.deepEqual(await accessibilityFaults(page), []);
  await shown.getByRole("button", { name: "Close" }).click();
  await page.getByRole("row", { name: /paris waiting for its relay never 0 of 0 none/ }).waitFor();

  // nobody loads the page again
  using relay = await MadeRelay.enrol({ server: test.server.urls.server, token });
  await relay.report();
  await page.getByRole("row", { name: /paris connected .* 0 of 0 1 running, 1 failed/ }).waitFor();
  await page.getByRole("link", { name: "paris" }).click();
  await page.getByRole("row", { name: /p2 failed web@1 cannot partition/ }).waitFor();
  await page.getByRole("button", { name: "Assign an image" }).click();
  const assign = page.getByRole("dialog", { name: "Assign an image to paris" });
  await assign.getByLabel("Image").fill("db");
  await assign.getByRole("button", { name: "Assign", exact: true }).click();
  await assign.getByRole("alert").getByText("there is no image db").waitFor();
  await assign.getByLabel("Image").fill("web");
  await assign.getByRole("button", { name: "Assign", exact: true }).click();
  await page.getByRole("row", { name: /web web@1 being copied, 50 %/ }).waitFor();
  const { images } = await relay.report();
  assert.deepEqual(images.map(({ image, versions }) => [image, versions.length]), [["web", 1]]);
  await page.getByRole("cell", { name: "failed" }).first().waitFor();
  await screenshot(page, "site");
  assert.deepEqual(await accessibilityFaults(page), []);

  await page.getByRole("button", { name: "Unassign web" }).click();
  await page.getByText("Nothing is assigned to this site").waitFor();
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("revoked", { exact: true }).waitFor();
  await assert.rejects(relay.report(), { status: 403 });
  assert.deepEqual(complaints.filter((text) => !/status of 404/.test(text)), []);
}
