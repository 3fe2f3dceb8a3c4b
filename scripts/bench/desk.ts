/**
 * Opens the desk in Chromium at a site of many nodes, of which some are being installed and report as often as the
 * server asks them to. Measures how soon the list of nodes can be used, how soon a search shows its result, the longest
 * task of the page, the browser's memory, and the server's processor time with several desks open, also for one report.
 *
 *     deno task bench desk [--nodes 5000] [--reporting 500] [--desks 5] [--seconds 20] [--json]
 *
 *     --nodes      number of nodes                                (5000)
 *     --reporting  how many of them are being installed           (500)
 *     --desks      open desks: one in Chromium, the others only read their feed  (5)
 *     --seconds    how long the page is watched, after five seconds of reports  (20)
 *     --json       print the figures as JSON
 *
 * Bars: usable within 1 s, a search within 100 ms, no task above 100 ms, 300 MB, 15 % of a processor. Needs two
 * processors: the server has one, Chromium and the load share the other.
 */
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { z } from "zod";
import { openBrowser, openPage } from "../../test/support/chromium.ts";
import { numberOption } from "./number_option.ts";
import { sendReports } from "./node_reports.ts";
import { cpuSeconds, PinnedProduct } from "./pinned_product.ts";
import { memoryBytesOf } from "./process_cost.ts";

const BARS = {
  usableMs: 1000,
  searchMs: 100,
  longestTaskMs: 100,
  browserMB: 300,
  serverPercent: 15,
} as const;
/** Until code that runs with every report is compiled. */
const WARM_UP_SECONDS = 5;
/** The longest pause that the server asks for (server/fleet/batches/batches.ts). */
const LONGEST_PAUSE_SECONDS = 10;
const SEARCHES = ["state:installing", "n4917", "group:g3 state:idle", "progress:>10", "rack:r7"];

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "5000" },
    reporting: { type: "string", default: "500" },
    desks: { type: "string", default: "5" },
    seconds: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const nodes = numberOption("nodes", values.nodes, { least: 1, most: 10_000 });
const reporting = numberOption("reporting", values.reporting, { least: 1, most: nodes });
const desks = numberOption("desks", values.desks, { least: 1, most: 100 });
const seconds = numberOption("seconds", values.seconds);

await using product = await PinnedProduct.start();
await product.publish("web");
await addNodes();
const reporters = Array.from({ length: reporting }, (_, i) => `n${i}`);
const sessions = await product.beginInstalling(reporters, { image: "web" });
const http = Deno.createHttpClient({
  caCerts: [await (await product.client.send("GET", "/../../ca.pem")).text()],
  http2: false,
  poolMaxIdlePerHost: reporting,
});
const figures = await measure();
http.close();
report(figures);

async function addNodes(): Promise<void> {
  const changes = Array.from({ length: nodes }, (_, i) => ({
    node: `n${i}`,
    settings: { group: `g${i % 8}`, rack: `r${Math.floor(i / 40)}`, hostname: `host-${i}` },
  }));
  await product.client.put("/nodes", { body: changes, schema: z.unknown() });
}

async function measure() {
  const browser = await openBrowser();
  try {
    const { page, complaints } = await openPage(browser);
    await page.goto(`${product.server}/?token=${product.token}`);
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
    const others = Array.from({ length: desks - 1 }, () => readFeed(cookie));
    const usableMs = await timeToUse(page);
    const { server } = product;
    await sendReports(sessions, { server, http, seconds: WARM_UP_SECONDS });
    await watchTasks(page);
    const before = cpuSeconds(product.pid);
    const load = sendReports(sessions, { server, http, seconds });
    const searches: number[] = [];
    const end = performance.now() + seconds * 1000;
    for (let i = 0; performance.now() < end; i++) {
      await page.waitForTimeout(1000);
      searches.push(await timeToSearch(page, SEARCHES[i % SEARCHES.length] ?? ""));
    }
    const { lost, perSecond, pauseMs, p99 } = await load;
    const serverPercent = (cpuSeconds(product.pid) - before) / seconds * 100;
    const reportMicroseconds = serverPercent / 100 / perSecond * 1e6;
    const longestTaskMs = await page.evaluate<number>("Math.max(0, ...tasks)");
    const browserMB = await rendererBytes(page) / 1e6;
    for (const other of others) other.abort();
    return {
      usableMs,
      searchMs: Math.max(...searches),
      longestTaskMs,
      browserMB,
      serverPercent,
      reportsPerSecond: perSecond,
      reportPauseMs: pauseMs,
      reportP99Ms: p99,
      reportMicroseconds,
      fullAtNodes: 1e6 / reportMicroseconds * LONGEST_PAUSE_SECONDS,
      lost,
      complaints,
    };
  } finally {
    await browser.close();
  }
}

/** A desk that nobody looks at: its feed is read to the end. */
function readFeed(cookie: string): AbortController {
  const abort = new AbortController();
  const read = async () => {
    const { body } = await fetch(`${product.server}/page/events`, {
      client: http,
      headers: { cookie },
      signal: abort.signal,
    });
    for await (const _ of body ?? []);
  };
  read().catch(() => {});
  return abort;
}

/** From the start of the navigation to a list of nodes that is drawn and answers clicks. */
async function timeToUse(page: Page): Promise<number> {
  await page.goto(`${product.server}/nodes`, { waitUntil: "commit" });
  return await page.evaluate<number>(`new Promise((resolve) => {
    const look = () => requestAnimationFrame(() => {
      const isDrawn = document.querySelector("table.nodes tbody a") !== null;
      isDrawn ? requestAnimationFrame(() => resolve(performance.now())) : look();
    });
    look();
  })`);
}

/** From the keystroke to the frame that shows the result. */
async function timeToSearch(page: Page, text: string): Promise<number> {
  return await page.evaluate<number>(`new Promise((resolve) => {
    const text = ${JSON.stringify(text)};
    const field = document.querySelector("input[type=search]");
    const begun = performance.now();
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const before = document.querySelector(".toolbar [role=status]").textContent;
    // the state after the event is drawn in the next frame but one
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const isShown = document.querySelector(".toolbar [role=status]").textContent !== before;
      isShown ? resolve(performance.now() - begun) : resolve(Infinity);
    }));
  })`);
}

async function watchTasks(page: Page): Promise<void> {
  await page.evaluate(`globalThis.tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: "longtask" })`);
}

/** Memory of the process that draws the page. */
async function rendererBytes(page: Page): Promise<number> {
  const session = await page.context().browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const sizes = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => memoryBytesOf(id));
  return Math.max(...sizes);
}

function report(figures: Awaited<ReturnType<typeof measure>>): void {
  const missed = Object.entries(BARS).filter(([name, bar]) => figures[name as keyof typeof BARS] > bar);
  const kept = missed.length === 0 && figures.lost === 0 && figures.complaints.length === 0;
  if (values.json) console.log(JSON.stringify({ nodes, reporting, desks, ...figures, kept }));
  else {
    console.log(`${nodes} nodes, ${reporting} of them reporting, ${desks} desks`);
    for (const [name, bar] of Object.entries(BARS)) {
      const value = figures[name as keyof typeof BARS];
      console.log(
        `${name.padEnd(14)} ${value.toFixed(0).padStart(6)}   bar ${bar}   ${
          value <= bar ? "kept" : "MISSED"
        }`,
      );
    }
    const { reportsPerSecond, reportPauseMs, reportP99Ms, reportMicroseconds, fullAtNodes } = figures;
    console.log(
      `${reportsPerSecond.toFixed(0)} reports a second, one from each node every ${
        reportPauseMs / 1000
      } s, ` +
        `answered within ${reportP99Ms.toFixed(0)} ms (p99); ${
          reportMicroseconds.toFixed(0)
        } µs of the server ` +
        "each, the desks' share included",
    );
    console.log(
      `a processor would be full with ${
        (Math.floor(fullAtNodes / 1000) * 1000).toLocaleString("en")
      } nodes that report every ${LONGEST_PAUSE_SECONDS} s`,
    );
    for (const complaint of figures.complaints) console.log(`the page complained: ${complaint}`);
    if (figures.lost > 0) console.log(`${figures.lost} reports were lost`);
  }
  if (!kept) Deno.exitCode = 1;
}
