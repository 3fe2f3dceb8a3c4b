/** Schedules, and restores at every boot, in a real browser. */
import assert from "node:assert/strict";
import { NodeView } from "#contract/api.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { chromiumNeeds, openBrowser } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";

Deno.test({
  name:
    "an operator pauses, resumes and runs a schedule, and restores a node at every boot until that is cancelled",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using test = await ServerUnderTest.start();
    const root = `${test.folder}/tree`;
    await makeSmallTree(root);
    await test.publish("web", { root });
    for (const name of ["n1", "n2"]) await test.client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
    const order = { work: "deploy", image: "web" };
    const json = { name: "lab", nodes: ["n1"], cron: "0 3 * * 1-5", zone: "Europe/Vienna", order };
    await test.client.send("POST", "/schedules", { json });
    const browser = await openBrowser();
    try {
      const page = await browser.newPage({ ignoreHTTPSErrors: true });
      const complaints: string[] = [];
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.goto(`${test.server.urls.server}/?token=${test.server.token}`);
      await page.getByRole("link", { name: "Schedules", exact: true }).click();
      await page.getByText("deploy web to n1").waitFor();
      await page.getByText(/\w{3} \d{4}-\d\d-\d\d 03:00 Europe\/Vienna/).waitFor();
      await page.getByRole("button", { name: "Pause the schedule lab" }).click();
      await page.getByRole("cell", { name: "paused" }).waitFor();
      await page.getByRole("button", { name: "Resume the schedule lab" }).click();
      await page.getByRole("button", { name: "Run now the schedule lab" }).click();
      await page.getByText("now: 1 waiting for boot").waitFor();
      await page.getByRole("link", { name: "Overview" }).click();

      await page.getByRole("link", { name: "Nodes", exact: true }).click();
      const row = page.getByRole("row", { name: /n2/ });
      await page.getByLabel("Select n2").check();
      await page.getByRole("button", { name: "Restore…" }).click();
      await page.getByRole("combobox", { name: "Image", exact: true }).selectOption("web");
      await page.getByLabel("restore at every network boot, until cancelled").check();
      await page.getByLabel("How many machines lose data?").fill("1");
      await page.getByRole("button", { name: "Restore 1 node to web@1" }).click();
      await page.waitForURL("**/deployments/*");
      await page.getByRole("link", { name: "Nodes", exact: true }).click();
      await row.getByText("restored at every boot").waitFor();
      await page.getByLabel("Select n2").check();
      await page.getByRole("button", { name: "Cancel the order" }).click();
      await row.getByText("idle", { exact: true }).waitFor();
      // the restore has no plan before an image is chosen
      assert.deepEqual(complaints.filter((text) => !/status of 409/.test(text)), []);
    } finally {
      await browser.close();
    }
  },
});
