/** Looks at pages and their dialogs: takes pictures, and notes what is wrong with them. */
import type { Page } from "playwright-core";
import { accessibilityFaults } from "../../support/chromium.ts";

const LOADING = ["Loading…", "Reviewing…", "Wird geladen …", "Wird geprüft …", "加载中…", "核对中…"];
const SETTLE_MS = 10_000;

export class Camera {
  readonly page: Page;
  readonly faults: string[] = [];
  readonly #opened = new Set<string>();
  readonly #folder: string;
  readonly #suffix: string;
  readonly #hasAxe: boolean;
  readonly #hasPictures: boolean;

  /** `suffix` of the pictures' names: how the page is looked at. */
  constructor(
    page: Page,
    { folder, suffix, hasAxe, hasPictures }: {
      folder: string;
      suffix: string;
      hasAxe: boolean;
      hasPictures: boolean;
    },
  ) {
    this.page = page;
    this.#folder = folder;
    this.#suffix = suffix;
    this.#hasAxe = hasAxe;
    this.#hasPictures = hasPictures;
    page.on("pageerror", (error) => this.faults.push(`${page.url()}: ${error.message}`));
  }

  /** The page at an address, then each dialog that a button of it opens: by convention its text ends with "…". */
  async take(address: URL, name = nameOf(address)): Promise<void> {
    const { page } = this;
    await page.goto(address.href);
    await this.#settle();
    await this.#look(name, { fullPage: true });
    const openers = page.locator("main button:visible:enabled").filter({ hasText: /…$/ });
    for (const text of new Set(await openers.allInnerTexts())) {
      // the same on each part of a node's page
      const opener = `${address.pathname.split("/", 3).join("/")} ${text}`;
      if (this.#opened.has(opener)) continue;
      this.#opened.add(opener);
      await openers.filter({ hasText: text }).first().click();
      if (await this.#opens(address)) {
        await this.#settle();
        await this.#look(`${name}-dialog${this.#opened.size}`, { fullPage: false });
        await page.keyboard.press("Escape");
        await page.locator("dialog[open]").waitFor({ state: "detached", timeout: SETTLE_MS });
      } else {
        await page.goto(address.href);
        await this.#settle();
      }
    }
  }

  /** Whether a dialog opened; otherwise the button leads to a page of its own. */
  async #opens(from: URL): Promise<boolean> {
    const { page } = this;
    const leaves = page.waitForURL((url) => url.pathname !== from.pathname, { timeout: SETTLE_MS });
    const opens = page.locator("dialog[open]").waitFor({ timeout: SETTLE_MS }).then(() => true);
    return await Promise.any([opens, leaves.then(() => false)]).catch(() => {
      this.faults.push(`${from.pathname}: a button opens neither dialog nor page`);
      return false;
    });
  }

  async #look(name: string, { fullPage }: { fullPage: boolean }): Promise<void> {
    const { page } = this;
    const { scrollWidth, innerWidth } = await page.evaluate<{ scrollWidth: number; innerWidth: number }>(
      "({ scrollWidth: document.documentElement.scrollWidth, innerWidth })",
    );
    if (scrollWidth > innerWidth) this.faults.push(`${name}: ${scrollWidth} px wide`);
    if (this.#hasAxe) {
      for (const fault of await accessibilityFaults(page)) this.faults.push(`${name}: ${fault}`);
    }
    if (this.#hasPictures) {
      await page.screenshot({ path: `${this.#folder}/${name}-${this.#suffix}.png`, fullPage });
    }
  }

  /** Until nothing on the page is still asked for. */
  async #settle(): Promise<void> {
    const { page } = this;
    await page.locator("main h1").first().waitFor({ timeout: SETTLE_MS });
    for (const text of LOADING) {
      for (const one of await page.getByText(text, { exact: true }).all()) {
        await one.waitFor({ state: "detached", timeout: SETTLE_MS }).catch(() => {
          this.faults.push(`${page.url()}: still “${text}”`);
        });
      }
    }
  }
}

/** "/nodes/n1?as=racks" → "nodes-n1-as-racks" */
function nameOf({ pathname, search }: URL): string {
  return decodeURIComponent(pathname + search).replace(/[^\w@]+/g, "-").replace(/^-|-$/g, "") || "overview";
}
