/** The audit log's page in a real browser. */
import assert from "node:assert/strict";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

Deno.test({
  name: "an admin finds in the audit log who did what, by user, node, action and time",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using test = await ServerUnderTest.start();
    for (const node of ["n1", "n2"]) await test.client.send("PUT", `/nodes/${node}`, { json: {} });
    await test.client.send("DELETE", "/nodes/n1");
    await assert.rejects(test.client.send("DELETE", "/nodes/n9"), { status: 404 });
    const browser = await openBrowser();
    try {
      const { page, complaints } = await openPage(browser);
      await page.goto(test.server.urls.server);
      await page.getByLabel("Token").fill(test.server.token);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByText("live", { exact: true }).waitFor();
      await page.getByRole("link", { name: "Audit", exact: true }).click();
      await page.getByRole("row", { name: /admin token.*delete a node.*n9.*refused/ }).waitFor();
      const rows = page.locator("tbody tr"), search = page.getByRole("search");
      await search.getByRole("textbox", { name: "Node" }).fill("n2");
      await search.getByRole("button", { name: "Show" }).click();
      await page.waitForURL(/node=n2/);
      await page.getByText("n9").waitFor({ state: "detached" });
      await rows.first().waitFor();
      assert.equal(await rows.count(), 1);
      await page.goto(`${test.server.urls.server}/audit?action=node.delete`);
      await page.getByRole("row", { name: /delete a node.*n1.*done/ }).waitFor();
      assert.equal(await rows.count(), 2);
      await screenshot(page, "audit");
      assert.deepEqual(await accessibilityFaults(page), []);
      // somebody else's order is there at once
      await test.client.send("DELETE", "/nodes/n2");
      await page.getByRole("row", { name: /delete a node.*n2.*done/ }).waitFor();
      await page.getByLabel("Until", { exact: true }).fill("2001-01-01T00:00");
      await page.getByRole("button", { name: "Show" }).click();
      await page.getByText("Nothing is recorded of that.").waitFor();
      assert.deepEqual(complaints, []);
    } finally {
      await browser.close();
    }
  },
});
