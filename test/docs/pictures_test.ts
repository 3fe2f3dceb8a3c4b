/**
 * The documentation's pictures of the page, from a real server in a real browser. RACKSEED_GOLDEN=write makes
 * them; otherwise each must exist in its size, and the page must still show its texts.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { PICTURES, PICTURES_PATH } from "../../server/web/help/book.ts";
import { chromiumNeeds, openBrowser } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { SampleSite } from "./support/sample_site.ts";

const MAX_BYTES = 150_000;
const MAX_PICTURES = 4;

interface Scene {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Brings the page into the state of the picture. */
  readonly prepare: (page: Page) => Promise<unknown>;
  readonly texts: readonly (string | RegExp)[];
}

const SCENES: readonly Scene[] = [
  {
    name: "overview.png",
    width: 1280,
    height: 800,
    prepare: () => Promise.resolve(),
    texts: [
      "1 node: partition: cannot partition /dev/sda",
      "What to do: check the disk's health",
      "Nodes by state",
      "Space for images",
      /Deployment: web@1/,
    ],
  },
  {
    name: "node.png",
    width: 1280,
    height: 800,
    prepare: async (page) => {
      await page.goto(new URL("/nodes/n1", page.url()).href);
      await page.locator("main summary", { hasText: "Plan" }).click();
    },
    texts: ["All of it will be overwritten", "only sda may be written", "Deploy…", /by admin token/],
  },
  {
    name: "help.png",
    width: 1120,
    height: 700,
    prepare: (page) => page.goto(new URL("/help/troubleshooting", page.url()).href),
    texts: ["Troubleshooting by symptom", "The server does not start", "Getting started"],
  },
  {
    name: "schedules.png",
    width: 1280,
    height: 560,
    prepare: async (page) => {
      await addSchedules(page);
      await page.goto(new URL("/schedules", page.url()).href);
      await page.getByText("what failed").click();
    },
    texts: ["every day at 01:30", "Mon–Fri at 06:00", "not done everywhere", /no agent runs on it/, "paused"],
  },
];

/** One that waits, one that failed, and one that is paused; at the end, since they change the overview. */
async function addSchedules(page: Page): Promise<void> {
  const nodes = ["@compute"], zone = "UTC";
  const backup = { work: "backup" };
  const calls: [path: string, body: object][] = [
    ["", { name: "drift", nodes: ["n1"], cron: "0 6 * * 1-5", zone, order: { work: "check" } }],
    ["", { name: "nightly", nodes, cron: "30 1 * * *", zone, windows: ["01:00-05:00"], order: backup }],
    ["", { name: "weekly", nodes: ["n2", "n3"], cron: "0 20 * * 6", zone, batch: 1, order: backup }],
    ["/weekly/run", {}],
    ["/drift/pause", {}],
  ];
  await page.evaluate(async (calls) => {
    for (const [path, body] of calls) {
      const headers = { "content-type": "application/json" };
      await fetch(`/api/v1/schedules${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    }
  }, calls);
}

Deno.test({
  name: "the documentation's pictures show the page as it is",
  ...needs(chromiumNeeds),
  // the browser's driver keeps handles of its own
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using site = await SampleSite.start();
    const browser = await openBrowser();
    try {
      for (const scene of SCENES) {
        await t.step(scene.name, async () => {
          const page = await site.open(browser, scene);
          await scene.prepare(page);
          for (const text of scene.texts) await page.getByText(text).first().waitFor();
          const path = `${PICTURES_PATH}${scene.name}`;
          if (Deno.env.get("RACKSEED_GOLDEN") === "write") await page.screenshot({ path });
          await page.context().close();
          assertPicture(await Deno.readFile(path), scene);
        });
      }
    } finally {
      await browser.close();
    }
  },
});

Deno.test("the documentation has few pictures of the page, and a scene makes each of them", () => {
  const pictures = [...PICTURES.keys()].filter((name) => name.endsWith(".png"));
  assert.ok(pictures.length <= MAX_PICTURES);
  assert.deepEqual(pictures.sort(), SCENES.map(({ name }) => name).sort());
});

/** Size in pixels from the IHDR chunk (PNG, third edition, §11.2.1). */
function assertPicture(png: Uint8Array<ArrayBuffer>, { width, height }: Scene): void {
  assert.ok(png.length <= MAX_BYTES, `${png.length} bytes`);
  const view = new DataView(png.buffer);
  assert.deepEqual([view.getUint32(16), view.getUint32(20)], [width, height]);
}
