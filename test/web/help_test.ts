/** The book under Help in a real browser: without login, every page, on a phone, under the page's own policy. */
import assert from "node:assert/strict";
import { PAGES, PICTURES } from "../../server/web/help/book.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { chromiumNeeds, openBrowser } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";

Deno.test({
  name: "Help needs no login, its navigation reaches every page, and none is wider than a phone",
  ...needs(chromiumNeeds),
  // the browser's driver keeps handles of its own
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using test = await ServerUnderTest.start();
    const { server: origin } = test.server.urls;
    const browser = await openBrowser();
    try {
      const context = await browser.newContext({
        ignoreHTTPSErrors: true,
        viewport: { width: 360, height: 740 },
      });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("requestfailed", (request) => complaints.push(`${request.url()} was not loaded`));

      await page.goto(origin);
      await page.getByRole("link", { name: "Help" }).click();
      await page.getByRole("heading", { level: 1, name: PAGES[0]?.title ?? "" }).waitFor();
      for (const { title } of PAGES) {
        await page.getByRole("link", { name: "All pages" }).click();
        await page.getByRole("navigation").getByRole("link", { name: title, exact: true }).click();
        await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
        // with its style
        await page.waitForLoadState();
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        assert.ok(width <= 360, `${title} is ${width} px wide`);
        const broken = await page.evaluate<string[]>(
          "[...document.images].filter((i) => i.complete && i.naturalWidth === 0).map((i) => i.src)",
        );
        assert.deepEqual(broken, [], title);
      }
      await page.getByRole("navigation").getByRole("link", { name: "API reference" }).click();
      await page.getByText("Order the deployment of an image to nodes, all or none").click();
      await page.getByRole("link", { name: "DeployRequest" }).click();
      // the link opens the message that it leads to
      await page.locator("#message-DeployRequest").getByText("planCheck").waitFor();
      await page.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)");
      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(width <= 360, `the API reference is ${width} px wide`);

      await page.goto(`${origin}/help/formats`);
      await page.getByRole("main").getByRole("link", { name: "Operations" }).click();
      assert.equal(
        new URL(page.url()).pathname + new URL(page.url()).hash,
        "/help/operations#what-is-in-the-data-directory",
      );
      assert.deepEqual(complaints, []);

      for (const name of PICTURES.keys()) {
        assert.equal((await page.request.get(`${origin}/help/images/${name}`)).status(), 200, name);
      }
      assert.equal((await page.request.get(`${origin}/help/none`)).status(), 404);
      assert.equal((await page.request.get(`${origin}/help/images/none.svg`)).status(), 404);
    } finally {
      await browser.close();
    }
  },
});
