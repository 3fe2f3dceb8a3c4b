/** A real Chromium in the lab's network: people who look at the product's pages and give orders there. */
import type { Browser, Page } from "playwright-core";
import { openPage, startBrowser } from "../../test/support/chromium.ts";
import type { Check } from "./check.ts";
import type { Workplace } from "./workplace.ts";

const PASSWORD = "correct horse battery";
/** A page's answer, if the machine is busy with two virtual ones. */
const PAGE_MS = 120_000;
/** A machine's boot, or its installation. */
export const MACHINE_MS = 1_200_000;
/** Refusals that the story is about; and that taps of machines come and go beside the browser, which loads again then. */
const EXPECTED_COMPLAINTS = /status of (401|404|409|412)|net::ERR_NETWORK_CHANGED/;

export class LabDesk implements AsyncDisposable {
  readonly checks: Check[] = [];
  readonly #lab: Workplace;
  readonly #browser: Browser;
  readonly #url: string;
  readonly #complaints: (readonly string[])[] = [];
  #pictures = 0;

  private constructor(lab: Workplace, { browser, url }: { browser: Browser; url: string }) {
    this.#lab = lab;
    this.#browser = browser;
    this.#url = url;
  }

  /** `url`: the server's. */
  static async open(lab: Workplace, { url }: { readonly url: string }): Promise<LabDesk> {
    const executablePath = `${lab.folder}/chromium`;
    const start = lab.network.inside(["/usr/bin/chromium", "--no-proxy-server"]).join(" ");
    await Deno.writeTextFile(executablePath, `#!/bin/sh\nexec ${start} "$@"\n`, { mode: 0o755 });
    const browser = await startBrowser({ executablePath, leavesSignals: true });
    // what waits for a page ends with it
    lab.signal.addEventListener("abort", () => void browser.close(), { once: true });
    return new LabDesk(lab, { browser, url });
  }

  /** Somebody with a browser session of their own, who chooses a password by a set-up link. */
  async person(setupLink: string): Promise<Person> {
    const { page, complaints } = await openPage(this.#browser);
    page.setDefaultTimeout(PAGE_MS);
    this.#complaints.push(complaints);
    await page.goto(setupLink);
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByLabel("Once more").fill(PASSWORD);
    await page.getByRole("button", { name: "Choose this password" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    return new Person(page, this.#url);
  }

  /** Notes what a person sees, with a picture of the page. */
  async saw({ page }: Person, check: Check): Promise<void> {
    await this.picture(page, check.what);
    this.add(check);
  }

  add(check: Check): void {
    const seen = check.seen.replaceAll(/\s+/g, " ").trim();
    this.checks.push({ ...check, seen });
    this.#lab.timeline.note(`${check.passed ? "ok" : "FAILED"}: ${check.what}: ${seen}`);
  }

  async picture(page: Page, what: string): Promise<void> {
    const name = what.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").slice(0, 60);
    const number = String(++this.#pictures).padStart(2, "0");
    await page.screenshot({ path: `${this.#lab.keep}/${number}-${name}.png`, fullPage: true });
  }

  /** A picture of every page that is open, to see why a step cannot be finished. */
  async pictureAll(): Promise<void> {
    for (const page of this.#browser.contexts().flatMap((context) => context.pages())) {
      await this.picture(page, `unfinished at ${new URL(page.url()).pathname}`).catch(() => {});
    }
  }

  checkComplaints(): void {
    const complaints = this.#complaints.flat().filter((text) => !EXPECTED_COMPLAINTS.test(text));
    this.add({
      what: "the browser's console has no complaint",
      passed: complaints.length === 0,
      seen: complaints.slice(0, 10).join("; ") || "none",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

export class Person {
  readonly page: Page;

  readonly #url: string;

  constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
  }

  /** Opens a page of the desk. */
  async go(path: string): Promise<void> {
    await this.page.goto(`${this.#url}${path}`);
    await this.page.getByText("live", { exact: true }).waitFor();
  }

  /** The name and role that stand on every page of the desk. */
  async name(): Promise<string> {
    return await this.page.locator('a[href="/account"]').first().textContent() ?? "";
  }

  dialog(name: string | RegExp) {
    return this.page.getByRole("dialog", { name });
  }

  button(name: string | RegExp) {
    return this.page.getByRole("button", { name });
  }
}
