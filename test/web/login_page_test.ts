/** The admin token in a real browser: the login form, the printed link, the end of a session, foreign origins. */
import assert from "node:assert/strict";
import { chromiumNeeds, openBrowser, openPage } from "../support/chromium.ts";
import { Site } from "../support/desk_site.ts";
import { needs } from "../support/needs.ts";
import type { Browser } from "playwright-core";

Deno.test({
  name: "the admin token opens the desk, by the form or the printed link, until its session is ended",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using site = await Site.start();
    await site.addNodes(["n1"]);
    const browser = await openBrowser();
    try {
      await walkThrough(t, { site, browser });
    } finally {
      await browser.close();
    }
  },
});

async function walkThrough(
  t: Deno.TestContext,
  { site: { server }, browser }: { site: Site; browser: Browser },
): Promise<void> {
  const { page, complaints } = await openPage(browser);
  const context = page.context(), { server: origin } = server.urls;
  const statusOf = async (path: string, cookie?: string) => {
    const answer = await page.request.get(origin + path, { headers: { ...cookie && { cookie } } });
    return answer.status();
  };

  await t.step("without the token only the login form is shown, wherever one goes", async () => {
    for (const path of ["/", "/nodes/n1"]) {
      await page.goto(origin + path);
      assert.equal(page.url(), `${origin}/`);
      assert.equal(await page.getByLabel("Token").count(), 1);
    }
    assert.equal(await statusOf("/api/v1/nodes"), 401);
    assert.equal(await statusOf("/page/events"), 204);
  });

  await t.step("a wrong token is refused with a message; the right one logs in", async () => {
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").getByText("Wrong token for this server").waitFor();
    await page.getByLabel("Token").fill(server.token);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("link", { name: "admin token" }).waitFor();
  });

  await t.step("logging out ends the session: its cookie, every page of it, and their feeds", async () => {
    const [{ name, value } = assert.fail("no cookie")] = await context.cookies();
    const other = await context.newPage();
    await other.goto(`${origin}/nodes`);
    await other.getByText("live", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Token").waitFor();
    await other.getByLabel("Token").waitFor();
    await other.close();
    assert.equal(await statusOf("/api/v1/nodes", `${name}=${value}`), 401);
    assert.equal(await statusOf("/page/events", `${name}=${value}`), 204);
  });

  await t.step("the printed link logs in and leaves no token in the address", async () => {
    await page.goto(`${origin}/?token=${server.token}`);
    assert.equal(page.url(), `${origin}/`);
    const [cookie] = await context.cookies();
    assert.ok(cookie?.httpOnly && cookie.secure && cookie.sameSite === "Strict");
    await page.getByText("live", { exact: true }).waitFor();
  });

  await t.step("another site's page can change nothing, although the browser sends the session", async () => {
    const path = `${origin}/api/v1/nodes/n1/cancel`;
    const foreign = await page.request.post(path, { headers: { origin: "https://elsewhere.example" } });
    assert.equal(foreign.status(), 403);
    const own = await page.request.post(path, { headers: { origin } });
    assert.notEqual(own.status(), 403);
  });

  assert.deepEqual(complaints.filter((text) => !/status of 401/.test(text)), []);
}
