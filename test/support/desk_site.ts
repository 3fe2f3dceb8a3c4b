/** A server with a browser at its desk, and nodes that report as their agents would. */
import type { Browser, Page } from "playwright-core";
import { z } from "zod";
import { CaptureView, DeployAnswer, Order, type StepReport } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { sendCapture } from "../../agent/capture/send_capture.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { waitForCapture } from "../../server/cli/capture.ts";
import { type RunningServer, startServer } from "../../server/server.ts";
import { openBrowser, openPage } from "./chromium.ts";

/** A server of its own, and its API with the admin token. */
export class Site implements AsyncDisposable {
  readonly folder: string;
  readonly server: RunningServer;
  readonly client: ApiClient;
  readonly #stop: AbortController;

  protected constructor({ folder, server, client, stop }: Parts) {
    this.folder = folder;
    this.server = server;
    this.client = client;
    this.#stop = stop;
  }

  static async start(): Promise<Site> {
    return new Site(await startParts());
  }

  /** Publishes the files below `root` as a version. */
  async capture(
    { root, image, ...about }: {
      root: string;
      image: string;
      layout?: DiskLayout | undefined;
      source?: Source | undefined;
    },
  ): Promise<void> {
    const { id } = await this.client.post("/captures", { body: { image }, schema: CaptureView });
    const { signal } = new AbortController();
    const tree = new TreeSource(root, { excludes: compileExcludes([]), mountPoints: [] });
    await sendCapture({ api: this.client, capture: id, tree, excludes: [], ...about, signal });
    await waitForCapture(this.client, { id, signal });
  }

  async addNodes(names: readonly string[], settings: (i: number) => object = () => ({})): Promise<void> {
    const body = names.map((node, i) => ({ node, settings: settings(i) }));
    await this.client.put("/nodes", { body, schema: z.unknown() });
  }

  /** Orders a deployment and enrols as the node's agent. */
  async deploy(name: string, image = "web"): Promise<NodeAgent> {
    const { nodes } = await this.client.post("/deployments", {
      body: { nodes: [name], image },
      schema: DeployAnswer,
    });
    return await this.enrol(nodes[0]?.token ?? "");
  }

  async enrol(token: string, inventory: object = INVENTORY): Promise<NodeAgent> {
    const agent = await ApiClient.connect({ server: this.server.urls.server, token });
    const order = await agent.post("/node/enrol", { body: { inventory }, schema: Order });
    agent.useSession(order.session);
    return {
      order,
      report: async (report) =>
        void await (await agent.send("POST", "/node/report", { json: report })).body?.cancel(),
      [Symbol.dispose]: () => agent[Symbol.dispose](),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    this.#stop.abort();
    await this.server.done;
    await Deno.remove(this.folder, { recursive: true });
  }
}

interface Parts {
  readonly folder: string;
  readonly server: RunningServer;
  readonly client: ApiClient;
  readonly stop: AbortController;
}

async function startParts(): Promise<Parts> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-desk-" });
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
  const client = await ApiClient.connect({ server: server.urls.server, token: server.token });
  return { folder, server, client, stop };
}

/** The same with Chromium at its desk. */
export class DeskSite extends Site {
  readonly browser: Browser;
  readonly page: Page;
  /** What the browser's console complained of. */
  readonly complaints: string[];

  private constructor(
    parts: Parts,
    { browser, page, complaints }: { browser: Browser; page: Page; complaints: string[] },
  ) {
    super(parts);
    this.browser = browser;
    this.page = page;
    this.complaints = complaints;
  }

  /** With somebody logged in by the admin token, who looks at the overview. */
  static async open(): Promise<DeskSite> {
    const parts = await startParts();
    const browser = await openBrowser();
    const site = new DeskSite(parts, { browser, ...await openPage(browser) });
    await site.page.goto(`${site.server.urls.server}/?token=${site.server.token}`);
    await site.page.getByText("live", { exact: true }).waitFor();
    return site;
  }

  async go(path: string): Promise<void> {
    await this.page.goto(`${this.server.urls.server}${path}`);
    await this.page.getByText("live", { exact: true }).waitFor();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await super[Symbol.asyncDispose]();
  }
}

/** What a test says in the name of a node's agent. */
export interface NodeAgent extends Disposable {
  readonly order: Order;
  report(report: StepReport): Promise<void>;
}

const INVENTORY = {
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
