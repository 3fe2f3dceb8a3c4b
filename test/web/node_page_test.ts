/** A node's page in a real browser: who ordered what, live steps and log, disks before and after, settings, drift. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type Inventory, type StepReport } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { disk, GIB, header } from "../../server/plan/testing/templates.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";

const TABS = ["", "/history", "/log", "/disks", "/hardware", "/drift", "/peers", "/settings"];

Deno.test({
  name: "an operator sees all of a node's life on its page, follows its log, and changes its settings",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await siteWithNode();
    const browser = await openBrowser();
    try {
      const { page, complaints } = await openPage(browser);
      await page.goto(`${test.server.urls.server}/?token=${test.server.token}`);
      await page.getByText("live", { exact: true }).waitFor();
      await walkThrough(t, { page, test });
      assert.deepEqual(complaints.filter((text) => !/status of (404|412)/.test(text)), []);
    } finally {
      await browser.close();
    }
  },
});

function inventory(): Inventory {
  const { kind, names, uses, partitions: _, signatures: __, ...facts } = disk({ sizeBytes: 20 * GIB });
  const partitions = [
    { name: "vda1", number: 1, start512: 2048, size512: 1 << 21 },
    { name: "vda2", number: 2, start512: 2048 + (1 << 21), size512: 1 << 24 },
  ];
  const content = "gpt: vfat 'EFI', ext4 'root'";
  const reported = { ...facts, kind, names: [...names], uses: [...uses], content, labels: [], partitions };
  return { ...MACHINE_INVENTORY, model: "ACME R7", disks: [reported] };
}

/** Node 17 was installed with web@1. */
async function siteWithNode(): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  const { layout, source } = header();
  await test.publish("web", { root, layout, source });
  await test.client.send("PUT", "/nodes/n17", {
    json: { group: "compute", rack: "r2" },
  });
  const { agent, report } = await install(test);
  await report({ step: "finish", state: "done", elapsedMs: 900, reportsAs: "n17" });
  agent[Symbol.dispose]();
  return test;
}

async function install(
  test: ServerUnderTest,
): Promise<{ agent: ApiClient; report: (report: StepReport) => Promise<void> }> {
  const [token] = await test.deploy(["n17"]);
  const { agent } = await test.enrol(token, inventory());
  const report = async (json: StepReport) => {
    await (await agent.send("POST", "/node/report", { json })).body?.cancel();
  };
  await report({ step: "enrol", state: "done", elapsedMs: 300, message: "as n17" });
  await report({
    step: "plan",
    state: "done",
    elapsedMs: 80,
    message: "1 disk",
    plan: ["install web@1 on vda"],
  });
  return { agent, report };
}

async function walkThrough(
  t: Deno.TestContext,
  { page, test }: { page: Page; test: ServerUnderTest },
): Promise<void> {
  const go = async (path: string) => {
    await page.goto(`${test.server.urls.server}${path}`);
    await page.getByText("live", { exact: true }).waitFor();
  };

  await t.step("who wiped node 17 is one click from the list", async () => {
    await go("/nodes");
    await page.getByRole("link", { name: "n17", exact: true }).click();
    await page.waitForURL("**/nodes/n17");
    const event = page.getByRole("listitem").filter({ hasText: "Installation" }).filter({ hasText: "web@1" });
    await event.getByText("by admin token").waitFor();
    await event.getByText("done", { exact: true }).waitFor();
  });

  const { agent, report } = await install(test);

  await t.step("steps and progress are live, with rate and time left", async () => {
    const progress = {
      bytesDone: 40e6,
      bytesTotal: 100e6,
      peers: 3,
      bytesPerSecond: 12e6,
      webSeedBytes: 10e6,
    };
    await report({ step: "install", state: "running", elapsedMs: 4000, progress });
    await page.getByText("40 %").waitFor();
    await page.getByText("5 s left").waitFor();
    assert.equal(await page.locator('.step[aria-current="step"] strong').textContent(), "install");
  });

  await t.step("the log can be followed line by line, and what it says is text", async () => {
    await page.getByRole("link", { name: "Log", exact: true }).click();
    await page.getByLabel("Follow").waitFor();
    const lines = ["step install", "$ mount /dev/vda2 /target", "<b>not bold</b>"];
    await report({ step: "install", state: "running", elapsedMs: 5000, console: lines });
    const log = page.getByRole("log");
    await log.getByText("<b>not bold</b>").waitFor();
    const more = Array.from({ length: 60 }, (_, i) => `copied ${i + 1} of 60`);
    await report({ step: "install", state: "running", elapsedMs: 6000, console: more });
    await log.getByText("copied 60 of 60").waitFor();
    assert.ok(
      await log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight < 40),
      "at its end",
    );
    await screenshot(page, "node-log");
  });

  await t.step(
    "a failure stands above everything, with its remedy, and in the history with its step",
    async () => {
      const problem = {
        title: "cannot format vda2",
        status: 500,
        detail: "it is read-only.",
        remedy: "replace it.",
      };
      await report({ step: "format", state: "failed", elapsedMs: 9, problem, log: ["mkfs.ext4: read-only"] });
      await page.getByRole("alert").getByText("What to do: replace it.").waitFor();
      await page.getByRole("link", { name: "History" }).click();
      await page.getByRole("listitem").filter({ hasText: "failed" }).getByText("at format").waitFor();
      agent[Symbol.dispose]();
    },
  );

  await t.step("the plan is a picture of the disks before and after", async () => {
    await page.getByRole("link", { name: "Disks", exact: true }).click();
    const vda = page.getByRole("article").first();
    await vda.getByText("wiped").waitFor();
    await vda.getByText("gpt: vfat 'EFI', ext4 'root'").waitFor();
    await vda.getByText("ext4").last().waitFor();
  });

  await t.step(
    "a wrong setting is said at its field, a good one is saved, and nobody's change is undone",
    async () => {
      await page.getByRole("link", { name: "Settings" }).last().click();
      const gateway = page.getByLabel("Gateway");
      await gateway.fill("10.0.0");
      await page.getByRole("button", { name: "Save" }).first().click();
      await page.locator("[name=gateway]:focus").waitFor();
      assert.equal(await gateway.getAttribute("aria-invalid"), "true");
      await gateway.fill("10.0.0.1");
      await page.getByLabel("Upload limit").fill("800mbit");
      await page.getByRole("button", { name: "Save" }).first().click();
      await page.getByText("The settings of n17 are saved.").waitFor();
      const { settings } = await (await test.client.send("GET", "/nodes/n17")).json();
      assert.deepEqual([settings.gateway, settings.uploadLimit, settings.rack], ["10.0.0.1", 100e6, "r2"]);
      await test.client.send("PUT", "/nodes/n17", { json: { ...settings, rack: "r3" } });
      await page.getByLabel("Host name").fill("web17");
      await page.getByRole("button", { name: "Save" }).first().click();
      await page.getByRole("button", { name: "Load the current settings" }).click();
      const rack = page.locator("[name=rack]");
      await waitFor("the other's change", async () => await rack.inputValue() === "r3");
    },
  );

  await t.step("axe finds nothing on any part of it, at any width, light and dark", async () => {
    const found: string[] = [];
    for (const tab of TABS) {
      await go(`/nodes/n17${tab}`);
      await page.locator(".tab h2").first().waitFor({ state: "attached" });
      await page.waitForTimeout(300);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        for (const width of [390, 1920]) {
          await page.setViewportSize({ width, height: 1000 });
          const faults = await accessibilityFaults(page);
          found.push(...faults.map((fault) => `${tab} ${colorScheme} ${width}: ${fault}`));
          const scrollWidth = await page.evaluate<number>("document.documentElement.scrollWidth");
          if (scrollWidth > width) found.push(`${tab} is ${scrollWidth} px wide at ${width}`);
          await screenshot(page, `node${tab.replace("/", "-")}-${colorScheme}-${width}`);
        }
      }
    }
    assert.deepEqual(found, []);
  });
}
