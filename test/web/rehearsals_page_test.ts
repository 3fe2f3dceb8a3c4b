/** The page with a version's rehearsals in a real browser. */
import assert from "node:assert/strict";
import { NodeView, VersionView } from "#contract/api.ts";
import type { Page } from "playwright-core";
import { openDatabase } from "../../server/store/database.ts";
import { type RehearsalRecord, RehearsalTable } from "../../server/store/rehearsals.ts";
import { pngOf } from "../../server/virtual_machine/png.ts";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { makeSmallTree } from "../flows/support/small_tree.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

const CONSOLE = [
  "Linux version 6.1.0-37-amd64 (debian-kernel@lists.debian.org)",
  "Command line: BOOT_IMAGE=/vmlinuz root=UUID=7c1e ro console=tty0 console=ttyS0",
  ...Array.from({ length: 60 }, (_, i) => `[    ${(i / 9).toFixed(6)}] systemd[1]: Started unit ${i + 1}.`),
  "\x1b[0;32m  OK  \x1b[0m Reached target Multi-User System.",
  "",
  "Debian GNU/Linux 12 web ttyS0",
  "",
  "web login: ",
].join("\r\n");

Deno.test({
  name: "the page shows verdicts, screens and consoles, and says in place why a rehearsal is refused",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await ServerUnderTest.start();
    await prepare(test);
    const browser = await openBrowser();
    try {
      const { page, complaints } = await openPage(browser);
      page.setDefaultTimeout(120_000);
      await walkThrough(t, { test, page, complaints });
    } finally {
      await browser.close();
    }
  },
});

/** web@1 was proved after it had failed. */
async function prepare(test: ServerUnderTest): Promise<void> {
  const { folder, data } = test;
  await makeSmallTree(`${folder}/tree`);
  for (const image of ["web", "n1"]) await test.publish(image, { root: `${folder}/tree` });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const { id: versionId } = await test.client.get("/images/web@1", VersionView);
  await test.restart(async () => {
    using db = openDatabase(`${data}/rackseed.db`);
    db.exec("INSERT INTO backup_lineage SELECT id, 'n1' FROM lineage WHERE image = 'n1'");
    const table = new RehearsalTable(db);
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const record = (id: string, from: number, rest: Partial<RehearsalRecord>): RehearsalRecord => ({
      id,
      image: "web",
      version: 1,
      versionId,
      state: "proved",
      firmware: "uefi",
      by: "ann",
      ordered: ago(from),
      started: ago(from),
      booted: ago(from - 4),
      ended: ago(from - 5),
      memoryMiB: 2048,
      probes: [
        { probe: { type: "login" }, passed: true, seen: "web login:", seconds: 41 },
        {
          probe: { type: "http", port: 8080, path: "/health" },
          passed: true,
          seen: "http://…:8080/health answers 200",
          seconds: 44,
        },
      ],
      request: {},
      mac: "52:54:00:00:00:09",
      node: `rehearsal-${id}`,
      ...rest,
    });
    table.put(record("failed", 90, {
      state: "failed",
      by: "bob",
      probes: [{ probe: { type: "login" }, passed: false, seen: "no login prompt on the serial console" }],
      problem: {
        title: "web@1 is not proved",
        status: 409,
        detail:
          "its kernel panicked: Kernel panic - not syncing: No working init found.; no login prompt on the serial console.",
        remedy: "see the screenshot and the console, correct the template and capture it again.",
      },
    }));
    table.put(record("proved", 30, {}));
    for (const id of ["failed", "proved"]) {
      await Deno.mkdir(`${data}/rehearsals/${id}`, { recursive: true });
      await Deno.writeTextFile(`${data}/rehearsals/${id}/console.log`, CONSOLE);
      await Deno.writeFile(`${data}/rehearsals/${id}/screenshot.png`, textScreen());
    }
  });
}

/** 720 × 400, as a text console has it, with bars for lines. */
function textScreen(): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode("P6\n720 400\n255\n");
  const pixmap = new Uint8Array(header.length + 720 * 400 * 3);
  pixmap.set(header);
  for (let line = 0; line < 12; line++) {
    for (let y = 0; y < 9; y++) {
      const start = header.length + ((line * 16 + y + 8) * 720 + 8) * 3;
      pixmap.fill(170, start, start + (120 + (line * 97) % 400) * 3);
    }
  }
  return pngOf(pixmap);
}

interface Scene {
  readonly test: ServerUnderTest;
  readonly page: Page;
  readonly complaints: string[];
}

async function walkThrough(t: Deno.TestContext, { test, page, complaints }: Scene): Promise<void> {
  await page.goto(test.server.setup ?? assert.fail("no set-up link"));
  await page.getByLabel("New password").fill("correct horse battery");
  await page.getByLabel("Once more").fill("correct horse battery");
  await page.getByRole("button", { name: "Choose this password" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  await page.goto(`${test.server.urls.server}/images/web@1/rehearsals`);
  await page.getByRole("heading", { level: 1, name: "Rehearsals of web@1" }).waitFor();

  await t.step("the newest verdict comes first, with its screen and the end of its console", async () => {
    await page.getByText(/^✓ Proved 2\d minutes ago, after 5 min 00 s on UEFI\. Ordered by ann\.$/).waitFor();
    await page.getByRole("img", { name: "The machine's screen" }).waitFor();
    const console = page.getByRole("region", { name: "Serial console" });
    await console.getByText(/web login: $/).waitFor();
    assert.doesNotMatch(await console.textContent() ?? "", /\[0;32m/);
    const isAtEnd = await console.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 40);
    assert.ok(isAtEnd);
    await look(page, "rehearsals");
  });

  await t.step("an older one is shown by its address, with why it failed", async () => {
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText(/its kernel panicked/).waitFor();
    assert.match(page.url(), /\?id=failed$/);
    await look(page, "rehearsals-failed");
  });

  await t.step("the form says what it does not understand, and shows the server's refusal", async () => {
    await page.getByRole("button", { name: "Rehearse…" }).click();
    const dialog = page.getByRole("dialog", { name: "Rehearse web@1" });
    await dialog.getByLabel(/login prompt/).uncheck();
    await dialog.getByRole("button", { name: "Start" }).click();
    await dialog.getByText(/choose at least one/).waitFor();
    await dialog.getByLabel(/TCP ports/).fill("22, ssh");
    await dialog.getByRole("button", { name: "Start" }).click();
    await dialog.getByText(/“tcp:ssh” is not understood/).waitFor();
    await dialog.getByLabel(/TCP ports/).fill("22");
    await dialog.getByRole("button", { name: "Start" }).click();
    // this image was made of a directory
    await dialog.getByText(/it cannot boot machines/).waitFor();
    await look(page, "rehearsals-dialog", { isWhole: false });
    await page.keyboard.press("Escape");
  });
  await t.step(
    "a node's page lists its backups, each with its verdict, to be rehearsed and restored",
    async () => {
      await page.goto(`${test.server.urls.server}/nodes/n1/backups`);
      const row = page.getByRole("row", { name: /^n1@1/ });
      await row.getByRole("link", { name: "○ not rehearsed" }).waitFor();
      await look(page, "node-backups");
      await page.getByRole("button", { name: "Rehearse n1@1" }).click();
      const dialog = page.getByRole("dialog", { name: "Rehearse n1@1" });
      await dialog.getByRole("button", { name: "Start" }).click();
      await dialog.getByText(/cannot rehearse n1@1/).waitFor();
      await page.keyboard.press("Escape");
      await row.getByRole("link", { name: "Restore…" }).click();
      await page.getByRole("heading", { level: 1, name: "Restore 1 node" }).waitFor();
    },
  );
  // the refusals are some
  assert.deepEqual(complaints.filter((one) => !one.includes("409")), []);
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
      const folder = Deno.env.get("RACKSEED_SCREENSHOTS");
      const path = `${folder}/${name}-${width}-${colorScheme}.png`;
      if (folder !== undefined && isWhole) await page.screenshot({ path, fullPage: true });
      else await screenshot(page, `${name}-${width}-${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 1200, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}
