/** The browser of the tests, which asks nothing of the network but the page. */
import { type Browser, chromium } from "playwright-core";

const PATH = "/usr/bin/chromium";
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
];

export const chromiumNeeds = { files: [PATH] };

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, headless: true, args: FLAGS });
}
