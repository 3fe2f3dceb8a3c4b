/** People on the page in a real browser: set-up, login, what each role is offered, tokens, the audit log. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { UserAnswer } from "#contract/api/access.ts";
import { ApiClient } from "#contract/client.ts";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

const PASSWORD = "correct horse battery";

Deno.test({
  name:
    "people choose a password, log in, are offered what their role allows, make tokens and read the audit log",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await ServerUnderTest.start();
    for (const [node, group] of [["n1", "rack1"], ["n2", "rack2"]]) {
      await test.client.send("PUT", `/nodes/${node}`, { json: { group } });
    }
    await test.client.send("POST", "/templates", { json: { name: "golden", lacks: [] } });
    const browser = await openBrowser();
    try {
      await walkThrough(t, { test, browser });
    } finally {
      await browser.close();
    }
  },
});

interface Scene {
  readonly test: ServerUnderTest;
  readonly browser: Browser;
}

/** Opens a set-up link and chooses the password. */
async function setUp(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("Once more").fill(PASSWORD);
  await page.getByRole("button", { name: "Choose this password" }).click();
  await page.getByText("live", { exact: true }).waitFor();
}

async function userPage({ test, browser }: Scene, body: object) {
  const { setup } = await test.client.post("/users", { body, schema: UserAnswer });
  const opened = await openPage(browser);
  await setUp(opened.page, `${test.server.urls.server}${setup?.path}`);
  return opened;
}

const ORDERS = ["Deploy", "Restore", "Back up"];
/** By the navigation, so that the desk stays as it is. */
const show = (page: Page, name: string) => page.getByRole("link", { name, exact: true }).click();
const count = (page: Page, name: RegExp) => page.getByRole("button", { name }).count();

async function walkThrough(t: Deno.TestContext, scene: Scene): Promise<void> {
  const { test, browser } = scene;
  const { page: admin, complaints } = await openPage(browser);

  await t.step("the link of the first start makes an admin, who is named on the page", async () => {
    await setUp(admin, test.server.setup ?? assert.fail("no set-up link"));
    await admin.getByRole("link", { name: "admin (admin)", exact: true }).waitFor();
    await show(admin, "Nodes");
    await admin.getByLabel("Select n1").waitFor();
    assert.equal(await admin.getByLabel("Select n1").isEnabled(), true);
  });

  await t.step("user and password log in again; a wrong password does not", async () => {
    await admin.getByRole("button", { name: "Log out" }).click();
    await admin.getByLabel("User").fill("admin");
    await admin.getByLabel("Password").fill("not the password");
    await admin.getByRole("button", { name: "Log in" }).click();
    await admin.getByRole("alert").getByText("Wrong user or password.").waitFor();
    await admin.getByLabel("User").fill("admin");
    await admin.getByLabel("Password").fill(PASSWORD);
    await admin.getByRole("button", { name: "Log in" }).click();
    await admin.getByText("live", { exact: true }).waitFor();
  });

  await t.step("a viewer sees everything live, and is offered nothing to change", async () => {
    const { page, complaints } = await userPage(scene, { name: "vera", role: "viewer" });
    await show(page, "Nodes");
    await test.client.send("PUT", "/nodes/n3", { json: {} });
    await page.getByRole("row", { name: /n3/ }).getByText("idle").waitFor();
    const nothing = async () => {
      for (const name of [...ORDERS, "Capture"]) assert.equal(await count(page, new RegExp(name)), 0, name);
    };
    await nothing();
    assert.equal(await page.getByLabel(/^Select n\d/).count(), 3);
    for (const box of await page.getByLabel(/^Select n\d/).all()) assert.equal(await box.isEnabled(), false);
    for (const name of ["Audit", "Users"]) {
      assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0);
    }
    await show(page, "n1");
    await page.getByText("rack1").first().waitFor();
    await nothing();
    await show(page, "Templates");
    await page.getByText("golden").waitFor();
    await nothing();
    assert.deepEqual(complaints, []);
  });

  await t.step("an operator of a group is offered the nodes of this group, and no capture", async () => {
    const { page, complaints } = await userPage(scene, {
      name: "greta",
      role: "operator",
      groups: ["rack1"],
    });
    await show(page, "Nodes");
    await page.getByLabel("Select n2").waitFor();
    assert.equal(await page.getByLabel("Select n1").isEnabled(), true);
    assert.equal(await page.getByLabel("Select n2").isEnabled(), false);
    await test.client.send("PUT", "/nodes/n2", { json: { group: "rack1" } });
    await page.getByLabel("Select n2").click();
    await page.getByText("1 node selected").waitFor();
    for (const name of ORDERS) assert.equal(await count(page, new RegExp(name)), 1, name);
    await show(page, "Templates");
    await page.getByText("golden").waitFor();
    assert.equal(await count(page, /Capture/), 0);
    assert.deepEqual(complaints, []);
    await test.client.send("DELETE", "/users/greta");
    await page.getByLabel("Password").waitFor();
  });

  await t.step("a token is made, shown once, works on the command line, and is revoked", async () => {
    await show(admin, "admin (admin)");
    await admin.getByRole("button", { name: "Make a token" }).click();
    const dialog = admin.getByRole("dialog", { name: "Make a token" });
    assert.deepEqual(await accessibilityFaults(admin), []);
    await dialog.getByLabel("Name of the token").fill("ci");
    await dialog.getByLabel("Role").selectOption("viewer");
    await dialog.getByRole("button", { name: "Make the token" }).click();
    const token = await admin.getByLabel("it is not shown again").inputValue();
    using client = await ApiClient.connect({ server: test.server.urls.server, token });
    await client.send("GET", "/nodes");
    await assert.rejects(client.send("PUT", "/nodes/n9", { json: {} }), { status: 403 });
    await admin.getByRole("button", { name: "Close" }).click();
    await admin.getByRole("row", { name: /ci admin viewer/ }).waitFor();
    await screenshot(admin, "account");
    assert.deepEqual(await accessibilityFaults(admin), []);
    await admin.reload();
    await admin.getByRole("row", { name: /ci admin viewer/ }).waitFor();
    assert.ok(!(await admin.content()).includes(token));
    await admin.getByRole("button", { name: "Revoke ci of admin" }).click();
    await admin.getByRole("dialog").getByRole("button", { name: "Revoke", exact: true }).click();
    await admin.getByRole("row", { name: /ci admin/ }).waitFor({ state: "detached" });
    await assert.rejects(client.send("GET", "/nodes"), { status: 401 });
  });

  await t.step(
    "the password is changed with the current one, and the page goes on in a new session",
    async () => {
      const { page: other } = await openPage(browser);
      await other.goto(test.server.urls.server);
      await other.getByLabel("User").fill("admin");
      await other.getByLabel("Password").fill(PASSWORD);
      await other.getByRole("button", { name: "Log in" }).click();
      await other.getByText("live", { exact: true }).waitFor();
      await admin.getByRole("button", { name: "Change the password" }).click();
      const dialog = admin.getByRole("dialog", { name: "Change the password" });
      const change = async (current: string, password: string, repeated: string) => {
        await dialog.getByLabel("Current password").fill(current);
        await dialog.getByLabel("New password").fill(password);
        await dialog.getByLabel("Once more").fill(repeated);
        await dialog.getByRole("button", { name: "Change password" }).click();
      };
      await change(PASSWORD, `${PASSWORD} 2`, `${PASSWORD} 3`);
      await dialog.getByRole("alert").getByText("passwords differ").waitFor();
      await change("not the password", `${PASSWORD} 2`, `${PASSWORD} 2`);
      await dialog.getByRole("alert").getByText("the current password is wrong").waitFor();
      await change(PASSWORD, `${PASSWORD} 2`, `${PASSWORD} 2`);
      await admin.getByText("The password is changed.").waitFor();
      // the other session has ended
      await other.getByLabel("Password").waitFor();
      await admin.getByText("live", { exact: true }).waitFor();
    },
  );

  await t.step("the audit page shows who did what, and finds it by user and node", async () => {
    await show(admin, "Audit");
    await admin.getByRole("row", { name: /admin token.*remove a user.*greta.*done/ }).waitFor();
    await admin.getByRole("row", { name: /admin \(token ci\).*change a node's settings.*n9.*refused/ })
      .waitFor();
    await admin.getByRole("search").getByRole("textbox", { name: "Node" }).fill("n2");
    await admin.getByRole("button", { name: "Show" }).click();
    await admin.waitForURL(/node=n2/);
    await admin.getByRole("row", { name: /greta/ }).first().waitFor({ state: "detached" });
    await admin.locator("tbody tr").first().waitFor();
    assert.equal(await admin.locator("tbody tr").count(), 2);
    await screenshot(admin, "audit");
    await show(admin, "Overview");
    await admin.getByText("live", { exact: true }).waitFor();
  });
  assert.deepEqual(complaints.filter((text) => !/status of 40[01]/.test(text)), []);
}
