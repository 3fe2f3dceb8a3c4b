/** The pages of deployments in Chromium: how one goes, its failures by cause, and the orders for it. */
import assert from "node:assert/strict";
import type { StepReport } from "#contract/api.ts";
import { DeployAnswer, DeploymentView } from "#contract/api.ts";
import { DeskSite, type NodeAgent } from "../support/desk_site.ts";
import { accessibilityFaults, chromiumNeeds, screenshot } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;
const NODES = 24, TOTAL = 400e6;

Deno.test({
  name: "a deployment is followed, its failures are retried, and what has not begun is paused and cancelled",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using site = await DeskSite.open();
    const { page, client } = site;
    await site.capture({ root: SOURCES, image: "web" });
    const names = Array.from({ length: NODES }, (_, i) => `n${String(i + 1).padStart(2, "0")}`);
    await site.addNodes(names, (i) => ({ rack: `r${Math.floor(i / 8) + 1}` }));
    const ordered = await client.post("/deployments", {
      body: { nodes: names, image: "web" },
      schema: DeployAnswer,
    });
    const agents = await Promise.all(ordered.nodes.slice(0, 16).map(({ token }) => site.enrol(token)));
    using _agents = disposing(agents);
    const path = `/deployments/${ordered.deployment}`;
    await site.go("/deployments");
    await page.getByRole("link", { name: "Deployment: web@1" }).click();
    for (let round = 1; round <= 4; round++) {
      await Promise.all(agents.map((agent, i) => agent.report(fetching(i, round))));
      await new Promise((resolve) => setTimeout(resolve, 1100));
    }
    await agents[0]?.report({ step: "install", state: "done", elapsedMs: 9000 });
    await agents[0]?.report({ step: "finish", state: "done", elapsedMs: 100 });
    for (const i of [1, 2]) {
      const problem = {
        title: `cannot format /dev/sd${"abc"[i]}2 as ext4`,
        status: 500,
        detail: "mkfs.ext4 exited 1: the device is busy.",
        remedy: "detach what uses the disk, then deploy the node again.",
      };
      await agents[i]?.report({ step: "format", state: "failed", elapsedMs: 1, problem });
    }
    await page.getByText("2 nodes at format: cannot format /dev/… as ext4").waitFor();
    await page.getByRole("img", { name: /Nodes: 24, racks: 3/ }).waitFor();
    await page.getByText("1 of 24 done", { exact: false }).waitFor();
    await page.locator(".plot canvas").first().waitFor();

    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused by admin token.", { exact: false }).waitFor();
    await looks(site, path);

    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await page.getByRole("button", { name: "Cancel…" }).click();
    await page.getByText("8 nodes have not begun").waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
    await page.getByRole("button", { name: "Cancel the orders" }).click();
    await page.getByText("8 orders are cancelled.").waitFor();
    assert.equal((await view(site, ordered.deployment)).nodes.length, 16);

    await page.getByRole("button", { name: "Retry these 2 nodes…" }).click();
    await page.getByText("2 nodes get web@1 again", { exact: false }).waitFor();
    await page.getByRole("button", { name: "Order it" }).click();
    await page.waitForURL((url) => /^\/deployments\/[0-9a-f]+$/.test(url.pathname) && url.pathname !== path);
    const again = await view(site, page.url().split("/").at(-1) ?? "");
    assert.deepEqual(again.nodes.map(({ node }) => node), ["n02", "n03"]);
    await page.getByText("this one").waitFor();
    assert.deepEqual(site.complaints, []);
  },
});

/** A report of a node that fetches from the server, over HTTP, and from others. */
function fetching(i: number, round: number): StepReport {
  const each = (3 + i % 4) * 1e6 * round;
  const from = [1, 2, 3].map((k) => ({
    peerId: peerId((i + k * 5) % 16),
    address: "127.0.0.1",
    bytes: Math.round(each / k),
  }));
  const sources = {
    peerId: peerId(i),
    server: i % 8 === 0 ? each : 0,
    web: i % 8 === 1 ? each : 0,
    peers: each * 2,
    from,
  };
  return {
    step: "install",
    state: "running",
    elapsedMs: 6000 + round * 1100,
    progress: {
      bytesDone: Math.min(TOTAL, each * 10),
      bytesTotal: TOTAL,
      peers: 3,
      bytesPerSecond: 3e6,
      source: "peers",
      sources,
    },
  };
}

const peerId = (i: number) => `-RK0001-node${String(i).padStart(8, "0")}`;

async function view({ client }: DeskSite, id: string): Promise<DeploymentView> {
  return await client.get(`/deployments/${id}`, DeploymentView);
}

/** Both pages at both widths, light and dark. */
async function looks(site: DeskSite, path: string): Promise<void> {
  const { page } = site;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 1920]) {
      await page.setViewportSize({ width, height: 1000 });
      assert.deepEqual(await accessibilityFaults(page), []);
      const wide = await page.evaluate<boolean>("document.documentElement.scrollWidth > innerWidth");
      assert.equal(wide, false, `${path} is wider than ${width} pixels`);
      await screenshot(page, `deployment-${width}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1200, height: 900 });
}

function disposing(agents: readonly NodeAgent[]): Disposable {
  return { [Symbol.dispose]: () => agents.forEach((agent) => agent[Symbol.dispose]()) };
}
