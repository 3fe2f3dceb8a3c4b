/**
 * The main path in Debian's Firefox. Playwright drives only a Firefox of its own; puppeteer speaks WebDriver BiDi with
 * the distribution's.
 */
import assert from "node:assert/strict";
import puppeteer, { type Page } from "puppeteer-core";
import { NodeView } from "#contract/api.ts";
import { ensureDesk } from "../../scripts/build.ts";
import { header } from "../../server/plan/testing/templates.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { Site } from "../support/desk_site.ts";
import { needs } from "../support/needs.ts";

const FIREFOX = "/usr/bin/firefox-esr";

Deno.test({
  name:
    "the desk works in Firefox: login, overview, search, a machine adopted, a node deployed, live changes",
  ...needs({ files: [FIREFOX] }),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await ensureDesk();
    await using site = await Site.start();
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: FIREFOX,
      headless: true,
      acceptInsecureCerts: true,
    });
    try {
      const page = await browser.newPage();
      await page.setViewport({ width: 1280, height: 900 });
      await walkThrough(t, { site, page });
    } finally {
      await browser.close();
    }
  },
});

async function walkThrough(t: Deno.TestContext, { site, page }: { site: Site; page: Page }): Promise<void> {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  const button = (name: string) => page.locator(`button::-p-text(${name})`);
  const link = (href: string) => page.locator(`nav a[href='${href}']`);
  const text = (shown: string) => page.locator(`::-p-text(${shown})`).wait();

  await t.step("the token logs in", async () => {
    await page.goto(site.server.urls.server);
    await page.locator("input[name=token]").fill(site.server.token);
    await button("Log in").click();
    await text("Nothing is wrong.");
  });

  await t.step("nodes appear live, and are searched", async () => {
    await site.addNodes(["n1", "n2", "n3"], (i) => ({ group: i === 0 ? "gpu" : "compute" }));
    await link("/nodes").click();
    await text("3 of 3");
    await page.locator("input[type=search]").fill("group:compute");
    await text("2 of 3");
  });

  await t.step("a machine that boots appears, and is adopted", async () => {
    await link("/machines").click();
    await (await fetch(`${site.server.urls.http}/boot/ipxe/bc-24-11-00-00-01`)).body?.cancel();
    await text("bc:24:11:00:00:01");
    await page.locator("tbody input[type=checkbox]").click();
    await button("Adopt 1 machine…").click();
    await page.locator("dialog input[name=names]").fill("rack1-07");
    await page.locator("dialog button[type=submit]").click();
    await text("rack1-07 is a node now.");
    assert.equal((await site.client.get("/nodes/rack1-07", NodeView)).settings.mac, "bc:24:11:00:00:01");
  });

  await t.step("a node is deployed: reviewed, its one machine typed, ordered", async () => {
    const root = `${site.folder}/tree`;
    await makeSmallTree(root);
    const { layout, source } = header();
    await site.capture({ root, image: "web", layout, source });
    await link("/nodes").click();
    await page.locator("input[type=search]").fill("group:gpu");
    await text("1 of 4");
    await page.locator("tbody input[type=checkbox]").click();
    await button("Deploy…").click();
    await page.locator("select:has(optgroup)").fill("web");
    await page.locator("section[aria-busy=false] .verdict").wait();
    await page.locator(".typed input").fill("1");
    await button("Install web@1").click();
    await text("0 of 1 done, 1 waiting for their boot");
    assert.equal((await site.client.get("/nodes/n1", NodeView)).armed, true);
  });

  await t.step("the page fails nowhere", () => assert.deepEqual(complaints, []));
}
