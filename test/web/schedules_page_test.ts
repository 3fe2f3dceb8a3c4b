/** The pages of schedules in a real browser: added, run, watched, changed and deleted; and restores at every boot. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { DeployAnswer } from "#contract/api.ts";
import { UserAnswer } from "#contract/api/access.ts";
import { ScheduleDetails } from "#contract/api/schedules.ts";
import { GIB, header } from "../../server/plan/testing/templates.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { accessibilityFaults, chromiumNeeds, openPage, screenshot } from "../support/chromium.ts";
import { DeskSite } from "../support/desk_site.ts";
import { reportedMachine } from "../support/inventory.ts";
import { needs } from "../support/needs.ts";

const PASSWORD = "correct horse battery";

Deno.test({
  name: "schedules are added after a preview, run, watched, changed and deleted on their pages",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using site = await DeskSite.open();
    const root = `${site.folder}/tree`;
    await makeSmallTree(root);
    const { layout, source } = header();
    await site.capture({ root, image: "web", layout, source });
    await site.addNodes(["n1", "n2", "n3"], (i) => i < 2 ? { group: "lab" } : {});
    // its disks are known from now on
    const body = { nodes: ["n1"], image: "web" };
    const { nodes } = await site.client.post("/deployments", { body, schema: DeployAnswer });
    using agent = await site.enrol(nodes[0]?.token ?? "", reportedMachine(960 * GIB));
    await agent.report({ step: "finish", state: "done", elapsedMs: 1 });
    await walkThrough(t, site);
    // the refusals are some
    assert.deepEqual(site.complaints.filter((text) => !/status of 4(00|09|12)/.test(text)), []);
  },
});

async function walkThrough(t: Deno.TestContext, site: DeskSite): Promise<void> {
  const { page, client } = site;
  const terms = page.getByRole("region", { name: "Terms" });
  const preview = page.getByRole("region", { name: "Preview" });

  await t.step("the form shows the next times and what would be wiped, and the number is typed", async () => {
    await page.getByRole("link", { name: "Schedules", exact: true }).click();
    await page.getByText("No schedules yet.").waitFor();
    await page.getByRole("button", { name: "Add a schedule…" }).click();
    await preview.getByText("Say which nodes.").waitFor();
    await terms.getByLabel(/^Name/).fill("lab");
    await terms.getByLabel("deploy an image").check();
    await terms.getByRole("textbox", { name: /^Nodes/ }).fill("@lab");
    await preview.getByText("Choose an image.").waitFor();
    await terms.getByRole("combobox", { name: "Image" }).selectOption("web");
    await terms.getByLabel("How often").selectOption("on days of the week");
    await terms.getByRole("checkbox", { name: "Wed" }).uncheck();
    await terms.getByLabel("At", { exact: true }).fill("23:30");
    await terms.getByLabel(/^Time zone/).fill("Asia/Tokyo");
    await terms.getByLabel(/^Begin only within/).fill("Fri 22:00-24:00");
    await terms.getByLabel(/^Nodes at a time/).fill("1");
    const times = preview.getByRole("listitem");
    await times.filter({ hasText: /Fri, .* 23:30 in Asia\/Tokyo$/ }).first().waitFor();
    await times.filter({ hasText: /Mon, .* in Asia\/Tokyobegins when its window opens: Fri, / }).first()
      .waitFor();
    await preview.getByText("Data on 2 machines will be lost").waitFor();
    await preview.getByText(/^1 disk is wiped, /).waitFor();
    await preview.getByRole("row", { name: /n1.*SAMSUNG MZ7LH960.*gpt: ext4 'root', swap, xfs 'data'/ })
      .waitFor();
    await page.getByText(
      "rackseed schedule add lab deploy @lab --cron '30 23 * * 1,2,4,5' --zone Asia/Tokyo " +
        "--window 'Fri 22:00-24:00' --batch 1 --image web",
    ).waitFor();
    const add = page.getByRole("button", { name: "Add the schedule" });
    assert.equal(await add.isDisabled(), true);
    await page.getByLabel("How many machines lose data?").fill("1");
    assert.equal(await add.isDisabled(), true);
    await look(page, "schedule-form");
    await page.getByLabel("How many machines lose data?").fill("2");
    await add.click();
    await page.getByRole("heading", { level: 1, name: "lab", exact: true }).waitFor();
    await page.getByText("Mon, Tue, Thu, Fri at 23:30").waitFor();
    await page.getByText("only Fri 22:00-24:00; 1 node at a time").waitFor();
    await page.getByText("It has not run yet.").waitFor();
  });

  await t.step("one is added for every hour of every day, as an expression", async () => {
    await page.goto(`${site.server.urls.server}/schedule?nodes=n%5B1-2%5D`);
    await terms.getByLabel(/^Name/).fill("drift");
    await terms.getByLabel("compare with the image").check();
    await terms.getByLabel("How often").selectOption("cron expression");
    await terms.getByRole("textbox", { name: /^cron expression/ }).fill("*/61 * * * *");
    await preview.getByRole("alert").getByText(/cannot use the cron expression/).waitFor();
    await terms.getByRole("textbox", { name: /^cron expression/ }).fill("*/15 * * * *");
    await preview.getByText("Its runs write to no disk.").waitFor();
    await page.getByRole("button", { name: "Add the schedule" }).click();
    await page.getByText("check n[1-2]").waitFor();
  });

  const row = page.getByRole("row", { name: /^lab/ });
  await t.step("the list says what each does, when it runs next, and how it went", async () => {
    await page.getByRole("navigation", { name: "Where this page belongs" }).getByRole("link", {
      name: "Schedules",
    })
      .click();
    await row.getByText("deploy web to @lab").waitFor();
    await row.getByText("made by admin token").waitFor();
    await row.getByText(/23:30 in Asia\/Tokyo$/).waitFor();
    await page.getByRole("row", { name: /^drift.*check n\[1-2\]/ }).waitFor();
    await page.getByRole("button", { name: "Pause the schedule lab" }).click();
    await row.getByRole("cell", { name: "paused", exact: true }).waitFor();
    await page.getByRole("button", { name: "Resume the schedule lab" }).click();
    await page.getByRole("button", { name: "Pause the schedule lab" }).waitFor();
    await look(page, "schedules");
  });

  await t.step("a run that wipes disks asks for their number; the whole way by keys", async () => {
    await client.send("PUT", "/schedules/lab", { json: { ...LAB, windows: undefined } });
    await row.getByText("every day at 03:00").waitFor();
    await page.getByRole("button", { name: "Run the schedule lab now" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Run lab now?" });
    await dialog.getByText("Data on 2 machines will be lost").waitFor();
    await look(page, "schedule-run", { isWhole: false });
    await dialog.getByLabel("How many machines lose data?").focus();
    await page.keyboard.type("2");
    await page.keyboard.press("Enter");
    await row.getByText("now: 2 waiting for boot").waitFor();
  });

  await t.step("how the run goes on is seen at once, and stands on the schedule's page", async () => {
    for (const node of ["n1", "n2"]) await client.send("POST", `/nodes/${node}/cancel`, { json: {} });
    await row.getByText(/2 cancelled/).waitFor();
    await page.getByRole("link", { name: "lab", exact: true }).click();
    await page.getByRole("row", { name: /done 2 cancelled by hand$/ }).waitFor();
    await look(page, "schedule");
  });

  await t.step(
    "a change that somebody else's came before is refused, and made after reading again",
    async () => {
      await page.getByRole("button", { name: "Change the schedule lab" }).click();
      await terms.getByRole("combobox", { name: "Image" }).waitFor();
      assert.equal(await terms.getByLabel("At", { exact: true }).inputValue(), "03:00");
      await client.send("PUT", "/schedules/lab", { json: { ...LAB, batch: 7 } });
      await terms.getByRole("radio", { name: "restore" }).check();
      await terms.getByLabel(/dry run/).check();
      await preview.getByText("No data will be lost").waitFor();
      const change = page.getByRole("button", { name: "Change the schedule" });
      await change.click();
      await page.getByText(/it was changed since it was read/).waitFor();
      await page.reload();
      await terms.getByLabel(/^Nodes at a time/).waitFor();
      assert.equal(await terms.getByLabel(/^Nodes at a time/).inputValue(), "7");
      await terms.getByLabel(/^Stop after/).fill("2");
      await page.getByLabel("How many machines lose data?").fill("2");
      await change.click();
      await page.getByText("7 nodes at a time; stops after 2 failures").waitFor();
      const { batch, stopAfter } = await client.get("/schedules/lab", ScheduleDetails);
      assert.deepEqual([batch, stopAfter], [7, 2]);
    },
  );

  await t.step("who may only look sees no button", async () => {
    const body = { name: "vera", role: "viewer" };
    const { setup } = await client.post("/users", { body, schema: UserAnswer });
    const { page: vera } = await openPage(site.browser);
    await vera.goto(`${site.server.urls.server}${setup?.path}`);
    await vera.getByLabel("New password").fill(PASSWORD);
    await vera.getByLabel("Once more").fill(PASSWORD);
    await vera.getByRole("button", { name: "Choose this password" }).click();
    await vera.getByRole("link", { name: "Schedules", exact: true }).click();
    await vera.getByRole("row", { name: /^lab.*deploy web to @lab/ }).waitFor();
    assert.equal(await vera.locator("main button:not(.command button)").count(), 0);
    await vera.context().close();
  });

  await t.step("a deletion asks, and says what depends on the schedule", async () => {
    await page.getByRole("button", { name: "Delete the schedule lab?" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete the schedule lab?" });
    await dialog.getByText("the record of its last run is lost").waitFor();
    await dialog.getByText("rackseed schedule remove lab").waitFor();
    await look(page, "schedule-delete", { isWhole: false });
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("row", { name: /^drift/ }).waitFor();
    assert.equal(await row.count(), 0);
  });

  await t.step("a node is restored at every boot until that is cancelled", () => everyBoot(page));
}

const LAB = { nodes: ["@lab"], cron: "0 3 * * *", zone: "UTC", order: { work: "deploy", image: "web" } };

async function everyBoot(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Nodes", exact: true }).click();
  const row = page.getByRole("row", { name: /n3/ });
  await page.getByLabel("Select n3").check();
  await page.getByRole("button", { name: "Restore…" }).click();
  await page.getByRole("combobox", { name: "Image", exact: true }).selectOption("web");
  await page.getByLabel("restore at every network boot, until cancelled").check();
  await page.getByLabel("How many machines lose data?").fill("1");
  await page.getByRole("button", { name: "Restore 1 node to web@1" }).click();
  await page.waitForURL("**/deployments/*");
  await page.getByRole("link", { name: "Nodes", exact: true }).click();
  await row.getByText("restored at every boot").waitFor();
  await page.getByLabel("Select n3").check();
  await page.getByRole("button", { name: "Cancel the order" }).click();
  await row.getByText("idle", { exact: true }).waitFor();
}

/** No accessibility fault, and a picture, on phone and desktop, light and dark. */
async function look(page: Page, name: string, { isWhole = true } = {}): Promise<void> {
  for (const width of [390, 1920]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 1080 });
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await accessibilityFaults(page), [], `${name}, ${width} px, ${colorScheme}`);
      const isTooWide = await page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth");
      assert.equal(isTooWide, false, `${name} at ${width} px`);
      await screenshot(page, `${name}-${width}-${colorScheme}`, { fullPage: isWhole });
    }
  }
  await page.setViewportSize({ width: 1200, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}
