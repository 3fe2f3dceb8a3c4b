/** How far an operator has to go at the desk, in clicks, for what is asked for in a hurry. */
import assert from "node:assert/strict";
import type { Locator } from "playwright-core";
import { header } from "../../server/plan/testing/templates.ts";
import { chromiumNeeds, openBrowser, openPage } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

const NODES = Array.from({ length: 96 }, (_, i) => ({ node: `n${i + 1}`, rack: `r${(i >> 5) + 1}` }));

async function siteWithRacks(): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  const { layout, source } = header();
  await test.publish("web", { root, layout, source });
  for (const { node, rack } of NODES) await test.client.send("PUT", `/nodes/${node}`, { json: { rack } });
  await test.deploy(["n17"]);
  return test;
}

Deno.test({
  name:
    "who wiped a node is found by two clicks, a rack is deployed by five, and a node by the keyboard alone",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await siteWithRacks();
    const browser = await openBrowser();
    try {
      const { page } = await openPage(browser);
      await page.goto(`${test.server.urls.server}/?token=${test.server.token}`);
      await page.getByText("live", { exact: true }).waitFor();
      let clicks = 0;
      const click = async (target: Locator) => {
        clicks++;
        await target.click();
      };
      const link = (name: string) => page.getByRole("link", { name, exact: true });

      await t.step("who wiped node 17", async () => {
        await click(link("Audit"));
        const search = page.getByRole("search");
        await search.getByRole("textbox", { name: "Node" }).fill("n17");
        await click(search.getByRole("button", { name: "Show" }));
        await page.getByRole("row", { name: /admin token.*order a deployment.*n17.*done/ }).waitFor();
        assert.ok(clicks <= 2, `${clicks} clicks`);
      });

      await t.step("a node is deployed by the keyboard alone", async () => {
        const { keyboard } = page;
        const tabTo = async (target: Locator) => {
          await target.waitFor();
          for (let presses = 0; presses < 200; presses++) {
            if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return;
            await keyboard.press("Tab");
          }
          assert.fail(`the keyboard does not reach ${target}`);
        };
        await tabTo(link("Nodes"));
        await keyboard.press("Enter");
        await page.getByRole("searchbox").waitFor();
        await keyboard.press("/");
        await keyboard.type("rack:=r2");
        await keyboard.press("Enter");
        await page.getByRole("link", { name: "n33", exact: true }).waitFor();
        await tabTo(page.getByRole("checkbox", { name: "Select n33", exact: true }));
        await keyboard.press("Space");
        await tabTo(page.getByRole("button", { name: "Deploy…" }));
        await keyboard.press("Enter");
        await tabTo(page.getByRole("combobox", { name: "Image", exact: true }));
        await keyboard.type("web");
        await page.locator('section[aria-busy="false"]', { has: page.locator(".verdict") }).waitFor();
        await tabTo(page.getByLabel("How many machines lose data?"));
        await keyboard.type("1");
        await tabTo(page.getByRole("button", { name: /^Install web@1/ }));
        await keyboard.press("Enter");
        await page.waitForURL("**/deployments/*");
      });

      await t.step("a rack is deployed", async () => {
        await link("Overview").click();
        clicks = 0;
        await click(link("Nodes"));
        await page.getByRole("searchbox").fill("rack:=r3");
        await click(page.getByRole("checkbox", { name: "Select all that are shown" }));
        await page.getByText("32 nodes selected").waitFor();
        await click(page.getByRole("button", { name: "Deploy…" }));
        await page.getByRole("combobox", { name: "Image", exact: true }).selectOption("web");
        clicks++;
        await page.locator('section[aria-busy="false"]', { has: page.locator(".verdict") }).waitFor();
        await page.getByLabel("How many machines lose data?").fill("32");
        await click(page.getByRole("button", { name: /^Install web@1/ }));
        await page.waitForURL("**/deployments/*");
        assert.ok(clicks <= 5, `${clicks} clicks`);
        const armed = await (await test.client.send("GET", "/nodes")).json();
        const racks = armed.filter((one: { armed: boolean }) => one.armed)
          .map(({ settings: { rack } }: { settings: { rack: string } }) => rack);
        assert.deepEqual(Object.groupBy(racks, (rack: string) => rack).r3?.length, 32);
      });
    } finally {
      await browser.close();
    }
  },
});
