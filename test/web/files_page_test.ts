/** The pages of a version's files and of a diff in a real browser. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

Deno.test({
  name: "an admin looks into a version, finds and reads a file, and sees what changed in another version",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await ServerUnderTest.start();
    await publishTwo(test);
    const browser = await openBrowser();
    try {
      const { page, complaints } = await openPage(browser);
      await page.goto(test.server.urls.server);
      await page.getByLabel("Token").fill(test.server.token);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByText("live", { exact: true }).waitFor();
      await walkThrough(t, { page, server: test.server.urls.server });
      // the path that does not exist
      assert.deepEqual(complaints.filter((text) => !text.includes("status of 404")), []);
    } finally {
      await browser.close();
    }
  },
});

async function publishTwo(test: ServerUnderTest): Promise<void> {
  const root = `${test.folder}/tree`;
  await Deno.mkdir(`${root}/etc/ssh`, { recursive: true });
  await Deno.mkdir(`${root}/usr/bin`, { recursive: true });
  await Deno.writeTextFile(`${root}/etc/motd`, "welcome\nto web\n");
  await Deno.writeTextFile(`${root}/etc/ssh/sshd_config`, "Port 22\n");
  await Deno.writeTextFile(`${root}/etc/shadow`, "root:old\n", { mode: 0o640 });
  await Deno.writeFile(`${root}/usr/bin/tool`, new Uint8Array(3000), { mode: 0o755 });
  await Deno.symlink("tool", `${root}/usr/bin/alias`);
  await test.publish("web", { root });
  await Deno.writeTextFile(`${root}/etc/motd`, "welcome\nto the web\n");
  await Deno.writeTextFile(`${root}/etc/shadow`, "root:new\n");
  await Deno.chmod(`${root}/usr/bin/tool`, 0o4755);
  await Deno.writeTextFile(`${root}/etc/issue`, "new\n");
  await test.publish("web", { root });
}

/** At both widths, light and dark: no fault of accessibility, and nothing wider than the window. */
async function looksWell(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      await screenshot(page, `${name}-${width}-${colorScheme}`);
      assert.deepEqual(await accessibilityFaults(page), [], `${name} ${width} ${colorScheme}`);
      const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      assert.ok(overflow <= 0, `${name} is ${overflow} px too wide at ${width}`);
    }
  }
}

async function walkThrough(
  t: Deno.TestContext,
  { page, server }: { page: Page; server: string },
): Promise<void> {
  await t.step("folders are opened in the tree, and their entries listed", async () => {
    await page.goto(`${server}/images/web@2/files`);
    const folders = page.getByRole("navigation", { name: "Folders" });
    await folders.getByRole("button", { name: "Open etc" }).press("Enter");
    await folders.getByRole("link", { name: "ssh" }).waitFor();
    await folders.getByRole("link", { name: "etc" }).click();
    await page.getByRole("row", { name: /shadow.*-rw-r-----/ }).waitFor();
    await looksWell(page, "files");
  });

  await t.step("a file is found by name; its content is read only when it is asked for", async () => {
    await page.getByRole("navigation", { name: "Folder", exact: true }).getByRole("link", {
      name: "/",
      exact: true,
    })
      .click();
    await page.getByRole("searchbox").fill("sha*");
    await page.getByText("1 entry found").waitFor();
    await page.getByRole("link", { name: "/etc/shadow" }).click();
    await page.getByText("it may hold passwords or keys").waitFor();
    assert.equal(await page.getByText("root:new").count(), 0);
    await page.getByRole("button", { name: "Show it anyway" }).click();
    await page.getByText("root:new").waitFor();
    await looksWell(page, "file");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download" }).click(),
    ]);
    assert.equal(await Deno.readTextFile(await download.path()), "root:new\n");
  });

  await t.step("what is no text says so, and a link says where it leads", async () => {
    await page.goto(`${server}/images/web@2/files?path=usr/bin/tool`);
    await page.getByRole("button", { name: "Show the content" }).click();
    await page.getByText("This is no text").waitFor();
    await page.getByRole("link", { name: /^alias/ }).click();
    await page.getByRole("link", { name: "/usr/bin/tool", exact: true }).waitFor();
    await page.goto(`${server}/images/web@2/files?path=nothing`);
    await page.getByText("cannot find /nothing in web@2").waitFor();
  });

  await t.step("a diff counts what changed in each folder, and shows what changed in a text", async () => {
    await page.goto(`${server}/images/web@1/diff/2`);
    const changes = page.getByRole("region", { name: "Changes" });
    await changes.getByRole("button", { name: "Open etc" }).press("Enter");
    await changes.getByRole("button", { name: "Text changes: motd" }).click();
    await changes.getByText("+to the web").waitFor();
    await changes.getByRole("button", { name: "Text changes: shadow" }).click();
    assert.equal(await changes.getByText("root:new").count(), 0);
    await changes.getByRole("button", { name: "Show it anyway: shadow" }).click();
    await changes.getByText("+root:new").waitFor();
    await looksWell(page, "diff");
    for (const kind of ["added", "content"]) await page.getByRole("checkbox", { name: kind }).uncheck();
    await changes.getByRole("button", { name: "Open usr" }).waitFor();
    assert.equal(await changes.getByRole("button", { name: "Open etc" }).count(), 0);
  });
}
