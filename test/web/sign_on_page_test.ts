/** Login through a real OpenID provider in a real browser: there and back, the user's page, and logging out. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { z } from "zod";
import { UserView } from "#contract/api/access.ts";
import { parseRoleRule } from "#contract/role_rule.ts";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { LineProcess } from "../support/line_process.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

const PROVIDER = new URL("../support/openid_provider.ts", import.meta.url).pathname;
const ROLES = ["admin=admins", "operator/rack1=rack1-staff", "viewer=staff"];

Deno.test({
  name: "people log in through the site's OpenID provider, with the role that it gives them",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using provider = await LineProcess.start(Deno.execPath(), ["run", "-A", "--no-check", PROVIDER]);
    const { port, client } = First.parse(provider.first);
    const secretFile = await Deno.makeTempFile({ prefix: "rackseed-oidc-" });
    await Deno.writeTextFile(secretFile, client.secret);
    await using test = await ServerUnderTest.start({
      settings: {
        oidcIssuer: new URL(`http://127.0.0.1:${port}`),
        oidcClientId: client.id,
        oidcSecretFile: secretFile,
        oidcScope: ["groups"],
        oidcRole: ROLES.map((text) => parseRoleRule(text) ?? assert.fail(text)),
      },
    });
    await provider.write({ redirectUri: `${test.server.urls.server}/oidc/callback` });
    await waitFor("the provider", () => provider.lines.length > 0);
    const browser = await openBrowser();
    try {
      const { page, complaints } = await openPage(browser);
      await walkThrough(t, { page, test });
      // the provider's pages ask for a font of the web, and for an icon that they lack
      const expected = /status of 40[134]|ERR_NAME_NOT_RESOLVED/;
      assert.deepEqual(complaints.filter((text) => !expected.test(text)), []);
    } finally {
      await browser.close();
      await Deno.remove(secretFile);
    }
  },
});

const First = z.object({ port: z.int(), client: z.object({ id: z.string(), secret: z.string() }) });

/** At the provider's own pages: first who it is, then whether Rackseed may know. */
async function logInThere(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: /Log in through 127\.0\.0\.1/ }).click();
  await page.locator("input[name=login]").fill(name);
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]", { hasText: /continue/i }).click();
}

async function walkThrough(
  t: Deno.TestContext,
  { page, test }: { page: Page; test: ServerUnderTest },
): Promise<void> {
  const context = page.context();

  await t.step("the login page offers the provider, beside password and token", async () => {
    await page.goto(test.server.urls.server);
    assert.deepEqual(await accessibilityFaults(page), []);
    assert.equal(await page.getByLabel("Password").count(), 1);
    await screenshot(page, "login");
  });

  await t.step("the way there and back ends on the overview, with a session like any other", async () => {
    await logInThere(page, "anna+rack1-staff");
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("link", { name: "anna (operator)", exact: true }).waitFor();
    assert.equal(page.url(), `${test.server.urls.server}/`);
    const cookies = await context.cookies(test.server.urls.server);
    const session = cookies.find(({ name }) => name === "__Host-rackseed");
    assert.ok(session?.httpOnly && session.secure && session.sameSite === "Strict");
    assert.ok(!cookies.some(({ name }) => name === "__Host-rackseed-login"), "the attempt is over");
  });

  await t.step("the account's page says where the role comes from, and offers no password", async () => {
    await page.getByRole("link", { name: "anna (operator)", exact: true }).click();
    await page.getByText("the groups rack1").waitFor();
    await page.getByText("log in through the site's OpenID provider").waitFor();
    assert.equal(await page.getByRole("button", { name: /password/ }).count(), 0);
    assert.equal(await page.getByRole("button", { name: "Make a token" }).count(), 1);
  });

  await t.step("the user is listed with the role, and a refused one does not get in again", async () => {
    const [anna] = (await test.client.get("/users", z.array(UserView))).filter(({ name }) => name === "anna");
    assert.deepEqual([anna?.role, anna?.groups, anna?.signsOn], ["operator", ["rack1"], true]);
    await test.client.send("PUT", "/users/anna", { json: { refuse: true } });
    await page.goto(test.server.urls.server);
    await page.getByRole("link", { name: /Log in through/ }).click();
    // the provider still knows the person, and asks nothing
    await page.getByRole("alert").getByText("an admin has refused anna").waitFor();
  });

  await t.step("another person has another role; one without a role is told so", async () => {
    await context.clearCookies();
    await page.goto(test.server.urls.server);
    await logInThere(page, "otto+admins");
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("link", { name: "otto (admin)", exact: true }).waitFor();
    await context.clearCookies();
    await page.goto(test.server.urls.server);
    await logInThere(page, "paul+others");
    await page.getByRole("alert").getByText("none of paul's values").waitFor();
  });
}
