/** The page in a real browser: login with the printed link, live rows, capture and deployment. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { DeployAnswer, NodeView, Order, StepReport, TemplateView } from "#contract/api.ts";
import { CheckOrder, type CheckResult } from "#contract/api/checks.ts";
import { SwarmSettings } from "#contract/api/distribution.ts";
import { ApiClient } from "#contract/client.ts";
import { z } from "zod";
import { sendCapture } from "../../agent/capture/send_capture.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import { CaptureView } from "#contract/api.ts";
import { waitForCapture } from "../../server/cli/capture.ts";
import { type RunningServer, startServer } from "../../server/server.ts";
import { chromiumNeeds, openBrowser, openPage } from "../support/chromium.ts";
import { needs } from "../support/needs.ts";

Deno.test({
  name: "an operator logs in with the link, watches nodes appear and install, captures and deploys",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-page-" });
    const stop = new AbortController();
    const server = await startServer({
      data: `${folder}/data`,
      listen: { hostname: "127.0.0.1", port: 0 },
      httpPort: 0,
      peerPort: 0,
      trackerPort: 0,
      tftpPort: undefined,
      dhcp: "off",
      dhcpClients: "nodes",
      dns: [],
      secureBoot: false,
    }, { signal: stop.signal });
    const browser = await openBrowser();
    try {
      using client = await ApiClient.connect({ server: server.urls.server, token: server.token });
      await walkThrough(t, { server, browser, client, folder });
    } finally {
      await browser.close();
      stop.abort();
      await server.done;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

interface Scene {
  readonly server: RunningServer;
  readonly browser: Browser;
  readonly client: ApiClient;
  readonly folder: string;
}

async function walkThrough(t: Deno.TestContext, { server, browser, client, folder }: Scene): Promise<void> {
  const { page, complaints } = await openPage(browser);
  const context = page.context();

  await t.step("without the token only the login form is shown", async () => {
    await page.goto(server.urls.server);
    assert.equal(await page.getByLabel("Token").count(), 1);
    assert.equal((await page.request.get(`${server.urls.server}/api/v1/nodes`)).status(), 401);
  });

  await t.step(
    "the right token typed into the form logs in; a wrong one is refused with a message",
    async () => {
      await page.getByLabel("Token").fill("wrong");
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("alert").getByText("Wrong token for this server").waitFor();
      await page.getByLabel("Token").fill(server.token);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByText("live", { exact: true }).waitFor();
    },
  );

  await t.step("logging out ends the session: its cookie, its page and its events", async () => {
    const [cookie] = await context.cookies();
    const other = await context.newPage();
    await other.goto(server.urls.server);
    await other.getByText("live", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Token").waitFor();
    await other.getByText("live", { exact: true }).waitFor({ state: "hidden" });
    await other.close();
    const headers = { cookie: `${cookie?.name}=${cookie?.value}` };
    assert.equal((await page.request.get(`${server.urls.server}/api/v1/nodes`, { headers })).status(), 401);
  });

  await t.step("the printed link logs in and leaves no token in the address", async () => {
    await page.goto(`${server.urls.server}/?token=${server.token}`);
    assert.equal(page.url(), `${server.urls.server}/`);
    const [cookie] = await context.cookies();
    assert.ok(cookie?.httpOnly && cookie.secure && cookie.sameSite === "Strict");
    await page.getByText("live", { exact: true }).waitFor();
  });

  await t.step("a node created on the command line appears without a reload", async () => {
    await page.getByText("No nodes yet.").waitFor();
    await client.put("/nodes/n1", { body: { hostname: "web-1" }, schema: NodeView });
    await row(page, "n1").getByText("idle").waitFor();
  });

  await t.step("a capture and its image appear", async () => {
    await capture(client, { root: new URL("../../server", import.meta.url).pathname, image: "web" });
    await page.getByRole("row", { name: /web@1/ }).getByText("published").waitFor();
    await page.locator("#images").getByText("web@1").waitFor();
  });

  await t.step("deploy asks first, then arms the node", async () => {
    await page.getByLabel("Select n1").check();
    await page.getByRole("button", { name: "Deploy to 1 node…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("will be overwritten").waitFor();
    await dialog.getByText("n1").waitFor();
    await dialog.getByRole("button", { name: "Overwrite and deploy" }).click();
    await row(page, "n1").getByText("armed").waitFor();
    await page.getByText("n1 will be overwritten with web@1").waitFor();
    const [node] = await client.get("/nodes", z.array(NodeView));
    assert.deepEqual([node?.state, node?.image], ["armed", "web@1"]);
  });

  await t.step("progress of an installing node is live, and a failure shows its remedy", async () => {
    await row(page, "n1").getByRole("button", { name: /Cancel/ }).click();
    await row(page, "n1").getByText("idle").waitFor();
    await using node = await enrolledNode(client, server, "n1");
    await node.report({
      step: "install",
      state: "running",
      elapsedMs: 4000,
      progress: { bytesDone: 40e6, bytesTotal: 100e6, peers: 3, bytesPerSecond: 12e6 },
    });
    await row(page, "n1").getByText("step 15 of 22: install").waitFor();
    await row(page, "n1").getByText("40.0 MB of 100 MB, 12.0 MB/s, 3 peers").waitFor();
    assert.equal(await row(page, "n1").getByRole("progressbar").getAttribute("value"), "40");
    await node.report({
      step: "install",
      state: "failed",
      elapsedMs: 5000,
      problem: { title: "cannot write", status: 500, detail: "disk full.", remedy: "use a larger disk." },
    });
    await row(page, "n1").getByText("Remedy: use a larger disk.").waitFor();
    await row(page, "n1").getByText("failed").waitFor();
  });

  await t.step("restore asks what to keep, and shows the result of a dry run", async () => {
    await page.getByLabel("Select n1").check();
    await page.getByRole("button", { name: "Restore…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("files that are not in the image are deleted").waitFor();
    await dialog.getByText("no image is assigned to it").waitFor();
    await dialog.getByRole("button", { name: "Restore" }).click();
    await dialog.getByText("no image is assigned to it").waitFor();
    await dialog.getByLabel("Restore to").selectOption("web@1");
    await dialog.getByLabel("Paths to leave alone").fill("/srv\n/home");
    await dialog.getByLabel("Dry run").check();
    await dialog.getByRole("button", { name: "Restore" }).click();
    await page.getByText("n1 will be compared with web@1").waitFor();
    const view = await client.get("/nodes/n1", NodeView);
    assert.deepEqual([view.state, view.restore], ["armed", { keep: ["/srv", "/home"], dryRun: true }]);
    const { nodes } = await client.post("/restores", {
      body: { nodes: ["n1"], image: "web", dryRun: true },
      schema: DeployAnswer,
    });
    await using node = await enrolled(server, nodes[0]?.token ?? "");
    await node.report({ step: "torrent", state: "done", elapsedMs: 10, plan: ["  rewrite /usr/bin/greet"] });
    await node.report({ step: "finish", state: "done", elapsedMs: 10 });
    await row(page, "n1").getByText("would change").click();
    await row(page, "n1").getByText("rewrite /usr/bin/greet").waitFor();
    await row(page, "n1").getByText("idle").waitFor();
  });

  await t.step("a clone that does not report is flagged until it does", async () => {
    await client.put("/nodes/f1", { body: {}, schema: NodeView });
    const { nodes } = await client.post("/deployments", {
      body: { nodes: ["f1"], image: "web", firstBootSeconds: 1 },
      schema: DeployAnswer,
    });
    await using node = await enrolled(server, nodes[0]?.token ?? "");
    await node.report({ step: "finish", state: "done", elapsedMs: 1, reportsAs: "f1" });
    await row(page, "f1").getByText("first boot expected by").waitFor();
    await row(page, "f1").getByText("has not reported since").waitFor();
    await row(page, "f1").getByText("boot order").waitFor();
    const body = `token ${node.order.firstBoot?.token}\nhostname f1\n`;
    assert.equal((await fetch(node.order.firstBoot?.url ?? "", { method: "POST", body })).status, 204);
    await row(page, "f1").getByText("up as f1").waitFor();
    await row(page, "f1").getByText("running").waitFor();
  });

  await t.step("a node without an agent is backed up at its next boot, and the dialog says so", async () => {
    await page.getByLabel("Select f1").check();
    await page.getByRole("button", { name: "Back up…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("f1: at its next network boot, since no agent runs on it").waitFor();
    await dialog.getByRole("button", { name: "Back up" }).click();
    await page.getByText("f1 will be backed up at its next network boot.").waitFor();
    await row(page, "f1").getByText("armed for backup").waitFor();
    const view = await client.get("/nodes/f1", NodeView);
    assert.deepEqual([view.state, view.image, view.backup], ["armed", "web@1", { level: 9, excludes: [] }]);
    await row(page, "f1").getByRole("button", { name: /Cancel/ }).click();
    await row(page, "f1").getByText("running").waitFor();
  });

  await t.step("a node whose agent is online is backed up by it", async () => {
    await client.send("POST", "/templates", { json: { name: "f1", lacks: [] } });
    await page.locator("#templates").getByText("online").waitFor();
    await page.getByLabel("Select f1").check();
    await page.getByRole("button", { name: "Back up…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("f1: now, by its agent").waitFor();
    await dialog.getByRole("button", { name: "Back up" }).click();
    await page.getByText("f1 is being captured as f1.").waitFor();
    const captures = await client.get("/captures", z.array(CaptureView));
    await client.send("DELETE", `/captures/${captures.at(-1)?.id}`);
  });

  await t.step("a node is checked by its agent, and its details list what differs", async () => {
    await page.getByLabel("Select f1").check();
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByText("f1 will be compared with the image.").waitFor();
    await row(page, "f1").getByText("check: waiting for its agent").waitFor();
    const [{ id = "" } = {}] = await client.get("/templates", z.array(TemplateView));
    const order = CheckOrder.parse(
      await (await client.send("GET", `/templates/${id}/orders?checks=true`)).json(),
    );
    await row(page, "f1").getByText("check: comparing").waitFor();
    const json: CheckResult = {
      entries: 3,
      changed: 1,
      missing: 0,
      foreign: 0,
      differences: [{
        path: "/etc/<b>motd",
        what: "changed",
        detail: "mode 0600, not 0644",
        package: "base",
      }],
      notes: [],
      readBytes: 1,
      elapsedMs: 1,
      cpuMs: 1,
    };
    await client.send("PUT", `/checks/${order.check}/result`, { json });
    await row(page, "f1").getByText("drifted: 1 changed").waitFor();
    await row(page, "f1").getByRole("button", { name: "f1", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("differences", { exact: true }).click();
    await dialog.getByText("changed  /etc/<b>motd  (mode 0600, not 0644; package base)").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
  });

  await t.step(
    "the page shows which nodes a finished node still seeds for, and the slowest node of a batch",
    async () => {
      for (const name of ["a1", "a2"]) await client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
      const { nodes } = await client.post("/deployments", {
        body: { nodes: ["a1", "a2"], image: "web" },
        schema: DeployAnswer,
      });
      await using a1 = await enrolled(server, nodes[0]?.token ?? "");
      await using a2 = await enrolled(server, nodes[1]?.token ?? "");
      const times = { workers: 1, starvedMs: 100, busyMs: 100, mainMs: 0, fetchedBytes: 1, fetchMs: 1 };
      await a1.report({ step: "install", state: "done", elapsedMs: 1000, times: { ...times, blockedMs: 0 } });
      await a2.report({
        step: "install",
        state: "running",
        elapsedMs: 4000,
        times: { ...times, blockedMs: 3800 },
        progress: { bytesDone: 40e6, bytesTotal: 100e6, peers: 3, bytesPerSecond: 12e6 },
      });
      await a1.report({ step: "seed", state: "running", elapsedMs: 10 });
      await row(page, "a1").getByText("keeps seeding for a2").waitFor();
      await a1.report({ step: "verify", state: "done", elapsedMs: 30_000 });
      await row(page, "a1").getByText("slowest of its batch").waitFor();
      await a2.report({ step: "install", state: "done", elapsedMs: 45_000 });
      await row(page, "a2").getByText("slowest of its batch, limited by its disk: 45 s, typical 31 s")
        .waitFor();
      assert.equal(await row(page, "a1").getByText("slowest of its batch").count(), 0);
    },
  );

  await t.step("the limits of the swarm are shown, and a change appears without a reload", async () => {
    await page.getByText("Server uploads: unlimited").waitFor();
    await client.post("/swarm", { body: { uploadLimit: 100e6 }, schema: SwarmSettings });
    await page.getByText("Server uploads: up to 800 Mbit/s").waitFor();
  });

  await t.step("hooks are listed, and a new one appears without a reload", async () => {
    await page.getByText("No hooks yet.").waitFor();
    const hook = { script: "#!/bin/sh\ntrue\n", optional: true, timeoutSeconds: 90 };
    await client.send("PUT", "/hooks/node:n1/first-boot/grow-data", { json: hook });
    const listed = page.getByRole("row", { name: /grow-data.*first-boot.*node n1.*continues.*1 min 30 s/ });
    await listed.waitFor();
  });

  await t.step(
    "a node's name opens its details: settings, hardware, steps with plan and cause",
    async () => {
      await row(page, "a2").getByRole("button", { name: "a2", exact: true }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("ACME gpt: ext4 'root', swap").waitFor();
      await dialog.getByText("slowest:").waitFor();
      assert.equal(await dialog.getByRole("listitem").count(), 1);
      await dialog.getByRole("button", { name: "Close" }).click();
      await row(page, "n1").getByRole("button", { name: "n1", exact: true }).click();
      await dialog.getByText("plan", { exact: true }).click();
      await dialog.getByText("rewrite /usr/bin/greet").waitFor();
      await dialog.getByRole("button", { name: "Close" }).click();
    },
  );

  await t.step("a template is captured from the page", async () => {
    await client.post("/templates", {
      body: { name: "golden", lacks: ["mkfs.xfs (xfsprogs)"] },
      schema: z.object({ id: z.string() }),
    });
    await page.getByRole("button", { name: /Capture….*golden/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Image name").fill("golden");
    await dialog.getByRole("button", { name: "Capture", exact: true }).click();
    await page.getByText("golden is being captured as golden.").waitFor();
    const captures = await client.get("/captures", z.array(CaptureView));
    assert.equal(captures.at(-1)?.template, "golden");
  });

  await t.step("a problem is shown where it occurred", async () => {
    await page.getByRole("button", { name: /Capture….*golden/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Image name").fill("other");
    await dialog.getByRole("button", { name: "Capture", exact: true }).click();
    await dialog.getByRole("alert").getByText("has not ended").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  await t.step("a machine that boots appears without a reload, and is adopted from the page", async () => {
    await (await fetch(`${server.urls.http}/boot/ipxe/bc-24-11-00-00-01`)).body?.cancel();
    const machines = page.locator("#machines");
    await machines.getByText("Proxmox virtual machine").waitFor();
    await machines.getByRole("button", { name: /Adopt….*bc:24:11/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("n1");
    await dialog.getByRole("button", { name: "Adopt", exact: true }).click();
    await dialog.getByRole("alert").getByText("belong to nodes already: n1").waitFor();
    await dialog.getByLabel("Name").fill("rack1-07");
    await dialog.getByRole("button", { name: "Adopt", exact: true }).click();
    await page.getByText("bc:24:11:00:00:01 is the node rack1-07 now.").waitFor();
    await row(page, "rack1-07").getByText("idle").waitFor();
    await machines.getByText("Proxmox").waitFor({ state: "detached" });
  });

  await t.step(
    "another site's page can change nothing, and the browser logs no errors",
    async () => {
      const answer = await page.request.post(`${server.urls.server}/api/v1/nodes/n1/cancel`, {
        headers: { origin: "https://elsewhere.example" },
      });
      assert.equal(answer.status(), 403);
      const expected = /status of (401|409)/;
      assert.deepEqual(complaints.filter((text) => !expected.test(text)), []);
    },
  );

  const screenshot = Deno.env.get("RACKSEED_SCREENSHOTS");
  if (screenshot !== undefined) await takeScreenshots(page, { to: screenshot, folder });
}

function row(page: Page, name: string) {
  return page.locator(`#nodes tr[data-name="${name}"]`);
}

async function capture(client: ApiClient, { root, image }: { root: string; image: string }): Promise<void> {
  const { id } = await client.post("/captures", { body: { image }, schema: CaptureView });
  const { signal } = new AbortController();
  const tree = new TreeSource(root, { excludes: compileExcludes([]), mountPoints: [] });
  await sendCapture({ api: client, capture: id, tree, excludes: [], signal });
  await waitForCapture(client, { id, signal });
}

/** Enrols as a node's agent, which can then report. */
async function enrolledNode(client: ApiClient, server: RunningServer, name: string) {
  const { nodes } = await client.post("/deployments", {
    body: { nodes: [name], image: "web" },
    schema: z.object({ nodes: z.array(z.object({ token: z.string() })) }),
  });
  return await enrolled(server, nodes[0]?.token ?? "");
}

async function enrolled(server: RunningServer, token: string) {
  const agent = await ApiClient.connect({ server: server.urls.server, token });
  const inventory = {
    kind: "machine",
    model: "Test",
    firmware: "uefi",
    memoryBytes: 2 ** 30,
    cpus: 2,
    nics: [],
    disks: [{
      name: "sda",
      sizeBytes: 500e9,
      sectorBytes: 512,
      model: "ACME",
      removable: false,
      content: "gpt: ext4 'root', swap",
    }],
  };
  const order = await agent.post("/node/enrol", { body: { inventory }, schema: Order });
  agent.useSession(order.session);
  return {
    order,
    report: (report: StepReport) => agent.send("POST", "/node/report", { json: report }),
    [Symbol.asyncDispose]: () => Promise.resolve(agent[Symbol.dispose]()),
  };
}

async function takeScreenshots(page: Page, { to }: { to: string; folder: string }): Promise<void> {
  const dialogs = {
    node: () => row(page, "a2").getByRole("button", { name: "a2", exact: true }).click(),
    deploy: () => page.getByRole("button", { name: "Deploy to 1 node…" }).click(),
    restore: () => page.getByRole("button", { name: "Restore…" }).click(),
    capture: () => page.getByRole("button", { name: /Capture….*golden/ }).click(),
  };
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1200, 420]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${to}/page-${colorScheme}-${width}.png`, fullPage: true });
      await page.getByLabel("Select n1").check();
      for (const [name, open] of Object.entries(dialogs)) {
        await open();
        await page.waitForTimeout(200);
        await page.screenshot({ path: `${to}/${name}-${colorScheme}-${width}.png` });
        await page.getByRole("dialog").locator("button[value=close]").click();
      }
    }
  }
}
