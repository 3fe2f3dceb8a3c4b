/** The browser of the tests, which asks nothing of the network but the page. */
import axe from "axe-core";
import { ensureDesk } from "../../scripts/build.ts";
import { type Browser, chromium, type Page } from "playwright-core";

const PATH = "/usr/bin/chromium";
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
];

export const chromiumNeeds = { files: [PATH] };

/** With the desk bundled, for a server that runs from source. */
export async function openBrowser(): Promise<Browser> {
  await ensureDesk();
  return await chromium.launch({ executablePath: PATH, headless: true, args: FLAGS });
}

/** A visitor's page, and what its console complains of. */
export async function openPage(browser: Browser): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 1200, height: 900 },
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  return { page, complaints };
}

/** What axe-core finds against WCAG 2.2 A and AA, as "RULE: ELEMENT". */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

/** Into the folder RACKSEED_SCREENSHOTS, if there is one. */
export async function screenshot(
  page: Page,
  name: string,
  options: { fullPage?: boolean } = {},
): Promise<void> {
  const folder = Deno.env.get("RACKSEED_SCREENSHOTS");
  if (folder !== undefined) await page.screenshot({ ...options, path: `${folder}/${name}.png` });
}
