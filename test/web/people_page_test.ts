/** People on the page in a real browser: set-up, login, what each role is offered, tokens, the audit log. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { UserAnswer } from "#contract/api/access.ts";
import { ApiClient } from "#contract/client.ts";
import { chromiumNeeds, openBrowser, openPage, screenshot } from "../support/chromium.ts";
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
const count = (page: Page, name: RegExp) => page.getByRole("button", { name }).count();

async function walkThrough(t: Deno.TestContext, scene: Scene): Promise<void> {
  const { test, browser } = scene;
  const { page: admin, complaints } = await openPage(browser);

  await t.step("the link of the first start makes an admin, who is named on the page", async () => {
    await setUp(admin, test.server.setup ?? assert.fail("no set-up link"));
    assert.equal(await admin.locator("#who").textContent(), "admin (admin)");
    assert.equal(await admin.getByLabel("Select n1").count(), 1);
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
    await test.client.send("PUT", "/nodes/n3", { json: {} });
    await page.getByRole("row", { name: /n3/ }).getByText("idle").waitFor();
    for (const name of [...ORDERS, "Capture"]) assert.equal(await count(page, new RegExp(name)), 0, name);
    assert.equal(await page.getByRole("checkbox").count(), 0);
    assert.equal(await page.getByRole("link", { name: "Audit" }).count(), 0);
    await page.getByRole("button", { name: "n1", exact: true }).click();
    await page.getByRole("dialog").getByText("rack1").waitFor();
    assert.deepEqual(complaints, []);
  });

  await t.step("an operator of a group is offered the nodes of this group, and no capture", async () => {
    const { page, complaints } = await userPage(scene, {
      name: "greta",
      role: "operator",
      groups: ["rack1"],
    });
    assert.equal(await page.getByLabel("Select n1").count(), 1);
    assert.equal(await page.getByLabel("Select n2").count(), 0);
    await test.client.send("PUT", "/nodes/n2", { json: { group: "rack1" } });
    await page.getByLabel("Select n2").waitFor();
    for (const name of ORDERS) assert.equal(await count(page, new RegExp(name)), 1, name);
    assert.equal(await count(page, /Capture/), 0);
    assert.deepEqual(complaints, []);
    await test.client.send("DELETE", "/users/greta");
    await page.getByLabel("Password").waitFor();
  });

  await t.step("a token is made, shown once, works on the command line, and is revoked", async () => {
    await admin.locator("#who").click();
    await admin.getByLabel("Name of a new token").fill("ci");
    await admin.getByLabel("Role").selectOption("viewer");
    await admin.getByRole("button", { name: "Make the token" }).click();
    await admin.getByText("it is not shown again").waitFor();
    const token = await admin.locator("[data-token] pre").textContent() ?? "";
    using client = await ApiClient.connect({ server: test.server.urls.server, token });
    await client.send("GET", "/nodes");
    await assert.rejects(client.send("PUT", "/nodes/n9", { json: {} }), { status: 403 });
    await admin.reload();
    await admin.getByText("admin: ci, viewer").waitFor();
    assert.ok(!(await admin.content()).includes(token));
    await admin.getByRole("button", { name: /Revoke/ }).click();
    await admin.getByText("admin: ci").waitFor({ state: "detached" });
    await assert.rejects(client.send("GET", "/nodes"), { status: 401 });
  });

  await t.step("the audit page shows who did what, and finds it by user and node", async () => {
    await admin.getByRole("link", { name: "Audit" }).click();
    await admin.getByRole("row", { name: /admin token.*remove a user.*greta.*done/ }).waitFor();
    await admin.getByRole("row", { name: /admin \(token ci\).*change a node's settings.*n9.*refused/ })
      .waitFor();
    await admin.getByRole("search").getByRole("textbox", { name: "Node" }).fill("n2");
    await admin.getByRole("button", { name: "Show" }).click();
    await admin.waitForURL(/node=n2/);
    await admin.getByRole("row", { name: /greta/ }).first().waitFor({ state: "detached" });
    assert.equal(await admin.locator("tbody tr").count(), 2);
    await screenshot(admin, "audit");
    await admin.getByRole("link", { name: "Overview" }).click();
    await admin.getByText("live", { exact: true }).waitFor();
  });
  assert.deepEqual(complaints.filter((text) => !/status of 401/.test(text)), []);
}
