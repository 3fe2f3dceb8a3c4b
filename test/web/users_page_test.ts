/** The users' page in a real browser: an admin adds, changes, refuses and removes people. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { waitFor } from "../support/wait_for.ts";

const PASSWORD = "correct horse battery";

Deno.test({
  name: "an admin adds a user by a link, changes and refuses and removes users, and nobody else does",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await ServerUnderTest.start();
    const browser = await openBrowser();
    try {
      await walkThrough(t, { test, browser });
    } finally {
      await browser.close();
    }
  },
});

/** Opens a set-up link and chooses the password. */
async function setUp(page: Page, link: string): Promise<void> {
  // a page whose session has just ended goes to the login by itself, in between
  await waitFor("the set-up page", () => page.goto(link).then(() => true, () => false));
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("Once more").fill(PASSWORD);
  await page.getByRole("button", { name: "Choose this password" }).click();
  await page.getByText("live", { exact: true }).waitFor();
}

async function walkThrough(
  t: Deno.TestContext,
  { test, browser }: { test: ServerUnderTest; browser: Browser },
): Promise<void> {
  const { page: admin, complaints } = await openPage(browser);
  const { page: otto, complaints: ottos } = await openPage(browser);
  const row = (name: RegExp) => admin.getByRole("row", { name });
  // found once it is open, when it has its link
  const linkDialog = () => admin.getByRole("dialog", { name: "A link for otto" });
  const shown = (name: RegExp) => row(name).waitFor();
  await setUp(admin, test.server.setup ?? assert.fail("no set-up link"));

  await t.step("a user is added, and the link is shown once", async () => {
    await admin.getByRole("link", { name: "Users", exact: true }).click();
    await shown(/admin admin – password/);
    await admin.getByRole("button", { name: "Add a user" }).click();
    const dialog = admin.getByRole("dialog", { name: "Add a user" });
    await dialog.getByLabel("Name").fill("otto");
    assert.equal(await dialog.getByLabel("Groups").count(), 0);
    await dialog.getByLabel("Role").selectOption("operator");
    await dialog.getByLabel("Groups").fill("rack1, rack2");
    assert.deepEqual(await accessibilityFaults(admin), []);
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    const link = await linkDialog().getByLabel("With this link").inputValue();
    assert.ok(link.startsWith(`${test.server.urls.server}/setup?code=`), link);
    await admin.getByRole("dialog", { name: "A link for otto" }).getByRole("button", { name: "Close" })
      .click();
    await shown(/otto operator rack1, rack2 no password yet/);
    assert.ok(!(await admin.content()).includes("code="));
    await setUp(otto, link);
    await otto.getByRole("link", { name: "otto (operator)", exact: true }).waitFor();
    // nobody loads the admin's page again
    await shown(/otto operator rack1, rack2 password/);
  });

  await t.step("a wrong request is answered in the dialog", async () => {
    await admin.getByRole("button", { name: "Add a user" }).click();
    const dialog = admin.getByRole("dialog", { name: "Add a user" });
    await dialog.getByLabel("Name").fill("otto");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await dialog.getByRole("alert").getByText("there is one of that name already").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  await t.step("the dialog for changes knows what is set; a new role ends the sessions", async () => {
    await admin.getByRole("button", { name: /Change.*otto/ }).click();
    const dialog = admin.getByRole("dialog", { name: "Change otto" });
    assert.equal(await dialog.getByLabel("Role").inputValue(), "operator");
    assert.equal(await dialog.getByLabel("Groups").inputValue(), "rack1, rack2");
    await dialog.getByLabel("Role").selectOption("viewer");
    await dialog.getByRole("button", { name: "Change" }).click();
    await shown(/otto viewer – password/);
    await otto.getByLabel("Password").waitFor();
  });

  await t.step("a viewer is not offered the page, and does not get it by its address", async () => {
    await otto.getByLabel("User").fill("otto");
    await otto.getByLabel("Password").fill(PASSWORD);
    await otto.getByRole("button", { name: "Log in" }).click();
    await otto.getByText("live", { exact: true }).waitFor();
    await otto.getByRole("link", { name: "otto (viewer)", exact: true }).waitFor();
    assert.equal(await otto.getByRole("link", { name: "Users", exact: true }).count(), 0);
    await otto.goto(`${test.server.urls.server}/users`);
    await otto.getByRole("alert").getByText("it needs the role admin").waitFor();
    assert.equal(await otto.getByRole("row").count(), 0);
    assert.equal(await otto.getByRole("button", { name: /Add a user|admin token/ }).count(), 0);
  });

  await t.step("a refused user is out until admitted, and a new link replaces the password", async () => {
    const change = async (box: string) => {
      await admin.getByRole("button", { name: /Change.*otto/ }).click();
      const dialog = admin.getByRole("dialog", { name: "Change otto" });
      await dialog.getByLabel(box).click();
      await dialog.getByRole("button", { name: "Change" }).click();
    };
    await change("Refuse logins");
    await shown(/otto viewer – refused/);
    await screenshot(admin, "users");
    assert.deepEqual(await accessibilityFaults(admin), []);
    await change("Refuse logins");
    await shown(/otto viewer – password/);
    await change("Forget the password");
    await setUp(otto, await linkDialog().getByLabel("With this link").inputValue());
    await linkDialog().getByRole("button", { name: "Close" }).click();
  });

  await t.step("a user is removed after a question; oneself cannot be", async () => {
    assert.equal(await admin.getByRole("button", { name: /Remove.*admin/ }).count(), 0);
    await admin.getByRole("button", { name: /Remove.*otto/ }).click();
    const dialog = admin.getByRole("dialog", { name: "Remove otto" });
    await dialog.getByText("All sessions and tokens of the user end").waitFor();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await row(/otto/).waitFor({ state: "detached" });
  });

  await t.step(
    "the admin token is replaced, shown once although the session ends, and then logs in",
    async () => {
      await admin.getByRole("button", { name: "Replace the admin token" }).click();
      await admin.getByRole("dialog").getByRole("button", { name: "Replace", exact: true }).click();
      const token = await admin.getByLabel("The new admin token").inputValue();
      await assert.rejects(test.client.send("GET", "/users"), { status: 401 });
      // the feed has ended by now, and the page has asked whether the session is over
      await admin.getByText("No connection to the server").waitFor();
      await admin.waitForResponse((response) => response.url().endsWith("/me") && response.status() === 401);
      assert.equal(await admin.getByLabel("The new admin token").inputValue(), token);
      await admin.getByRole("button", { name: "Close" }).click();
      // closed, it has no role any more, but its texts still match
      await admin.locator("dialog").waitFor({ state: "detached" });
      await admin.getByLabel("Token").fill(token);
      await admin.getByRole("button", { name: "Log in" }).click();
      await admin.getByRole("link", { name: "admin token", exact: true }).waitFor();
    },
  );
  assert.deepEqual([...complaints, ...ottos].filter((text) => !/status of (401|403|409)/.test(text)), []);
}
