/**
 * `deno task pages`: every page and every dialog in three languages, light and dark, on a phone and a large screen: an
 * accessibility check, none wider than its screen, and pictures to be looked at, in the folder RACKSEED_SCREENSHOTS or
 * else .cache/pages.
 */
import assert from "node:assert/strict";
import { chromiumNeeds, openBrowser } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { Camera } from "./support/camera.ts";
import { FullSite } from "./support/full_site.ts";

const FOLDER = Deno.env.get("RACKSEED_SCREENSHOTS") ??
  new URL("../../.cache/pages", import.meta.url).pathname;
const LOCALES = { en: "en-GB", de: "de-DE", zh: "zh-CN" };
const HEIGHTS: Readonly<Record<number, number>> = { 390: 844, 768: 1024, 1920: 1080 };
/** Only looked at by axe. */
const BETWEEN = 768;

interface Looks {
  readonly language: keyof typeof LOCALES;
  readonly colorScheme: "light" | "dark";
  readonly width: number;
}

const LOOKS: readonly Looks[] = (["en", "de", "zh"] as const).flatMap((language) =>
  (["light", "dark"] as const).flatMap((colorScheme) =>
    [390, ...language === "en" ? [BETWEEN] : [], 1920].map((width) => ({ language, colorScheme, width }))
  )
);

/** Addresses of the desk, for each of its routes at least one. */
const deskAddresses = (deployment: string) => [
  "/",
  "/nodes",
  "/nodes?as=racks&by=group",
  "/nodes?q=name:nobody",
  "/nodes/n1",
  ...["history", "log", "disks", "backups", "hardware", "drift", "peers", "settings"].map((tab) =>
    `/nodes/n4/${tab}`
  ),
  "/deployments",
  `/deployments/${deployment}`,
  "/machines",
  "/images",
  "/images/web",
  "/images/web@2",
  "/images/web@2/files",
  "/images/web@1/diff/2",
  "/images/web@1/rehearsals",
  "/templates",
  "/hooks",
  "/deploy?nodes=n[1-5]&image=web",
  "/restore?nodes=n1",
  "/schedules",
  "/schedules/nightly",
  "/schedule?etag=nightly",
  "/schedule",
  "/sites",
  "/sites/paris",
  "/users",
  "/account",
  "/audit",
  "/settings",
];
const OTHER_ADDRESSES = ["/help", "/help/getting-started", "/help/api-reference"];

Deno.test("each route of the desk is among the addresses", async () => {
  const source = await Deno.readTextFile(new URL("../../server/web/desk/routes.tsx", import.meta.url));
  const routes = [...source.matchAll(/<Route path="([^"]+)"/g)].map(([, path = ""]) => path);
  const paths = deskAddresses("d").map((address) => new URL(address, "http://x").pathname);
  const isShown = (route: string) => {
    const pattern = new RegExp(`^${route.replace(/\/:\w+\?/g, "(/[^/]+)?").replace(/:\w+/g, "[^/]+")}$`);
    return paths.some((path) => pattern.test(path));
  };
  assert.ok(routes.length > 15);
  assert.deepEqual(routes.filter((route) => !isShown(route)), []);
});

Deno.test({
  name: "every page and dialog in three languages, light and dark, from phone to large screen",
  ...needs(chromiumNeeds),
  // the browser's driver keeps handles of its own
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await Deno.mkdir(FOLDER, { recursive: true });
    await using site = await FullSite.start();
    const addresses = [...deskAddresses(await site.deployment()), ...OTHER_ADDRESSES];
    const browser = await openBrowser();
    try {
      for (const { language, colorScheme, width } of LOOKS) {
        await t.step(`${language}, ${colorScheme}, ${width} px`, async () => {
          const size = { width, height: HEIGHTS[width] ?? 900 };
          const page = await site.open(browser, size, { colorScheme, locale: LOCALES[language] });
          const camera = new Camera(page, {
            folder: FOLDER,
            suffix: `${language}-${colorScheme}-${width}`,
            hasAxe: language === "en",
            hasPictures: width !== BETWEEN,
          });
          for (const address of addresses) await camera.take(new URL(address, site.url));
          await page.context().clearCookies();
          await camera.take(new URL(site.url), "login");
          await camera.take(new URL(site.setup, site.url), "setup");
          await page.context().close();
          assert.deepEqual(camera.faults, []);
        });
      }
    } finally {
      await browser.close();
    }
    console.log(`the pictures are in ${FOLDER}`);
  },
});
