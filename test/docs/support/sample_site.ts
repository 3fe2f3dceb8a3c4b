/** The site that the documentation's pictures show: a real server, and agents played by the test. */
import type { Browser, Page } from "playwright-core";
import { CaptureView, DeployAnswer, NodeView, Order, type StepReport } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { z } from "zod";
import { ServerUnderTest } from "../../flows/support/server_under_test.ts";

const MB = 1e6;
const IMAGE_BYTES = 341.3 * MB;
const PLAN = [
  "disk: sda, 500 GB, ACME SSD 500 (/dev/disk/by-path/pci-0000:00:1f.2-ata-1)",
  "it carries: gpt: ext4 'root', swap. All of it will be overwritten",
  "1  1.00 MiB  BIOS boot partition",
  "2  498 GB  ext4 on /, UUID kept",
  "3  2.00 GB  swap",
];

export class SampleSite implements AsyncDisposable {
  readonly test: ServerUnderTest;
  readonly #agents: ApiClient[] = [];

  constructor(test: ServerUnderTest) {
    this.test = test;
  }

  static async start<T extends SampleSite>(this: new (test: ServerUnderTest) => T): Promise<T> {
    const site = new this(await ServerUnderTest.start());
    await site.fill();
    return site;
  }

  get url(): string {
    return this.test.server.urls.server;
  }

  /** A browser's page that is logged in and live. */
  async open(
    browser: Browser,
    { width, height }: { width: number; height: number },
    { colorScheme = "light", locale = "en-US" }: { colorScheme?: "light" | "dark"; locale?: string } = {},
  ): Promise<Page> {
    const context = await browser.newContext({
      ignoreHTTPSErrors: true,
      viewport: { width, height },
      colorScheme,
      locale,
      reducedMotion: "reduce",
      timezoneId: "UTC",
    });
    const page = await context.newPage();
    await page.goto(`${this.url}/?token=${this.test.server.token}`);
    await page.locator(".connection.live").waitFor();
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) agent[Symbol.dispose]();
    await this.test[Symbol.asyncDispose]();
  }

  protected async fill(): Promise<void> {
    const { client, folder } = this.test;
    const tree = `${folder}/tree`;
    await Deno.mkdir(`${tree}/etc`, { recursive: true });
    await Deno.writeTextFile(`${tree}/etc/hostname`, "web\n");
    await this.test.publish("web", { root: tree });
    const source = {
      hostname: "web",
      distribution: "debian",
      release: "12",
      description: "Debian GNU/Linux 12 (bookworm)",
      architecture: "x86_64",
      firmware: "bios",
      kernel: "6.1.0-28-amd64",
      kernels: ["6.1.0-28-amd64"],
    };
    await client.post("/templates", {
      body: { name: "web", lacks: [], source },
      schema: z.object({ id: z.string() }),
    });
    await this.#set((i) => ({ address: `10.0.0.${10 + i}/24`, group: "compute" }));
    const { nodes } = await client.post("/deployments", {
      body: { nodes: ["n1", "n2", "n3", "n4"], image: "web" },
      schema: DeployAnswer,
    });
    await client.post("/deployments", { body: { nodes: ["n5"], image: "web" }, schema: DeployAnswer });
    // set after the order: a node with a MAC cannot be ordered an image without a kernel
    await this.#set((i) => ({ mac: macOf(i), address: `10.0.0.${10 + i}/24`, group: "compute" }));
    const [n1, n2, n3, n4] = await Promise.all(nodes.map(({ token }, i) => this.#enrol(token, i + 1)));
    for (const node of [n1, n2, n3, n4]) {
      await node?.report({ step: "plan", state: "done", elapsedMs: 240, plan: PLAN });
      await node?.report({ step: "guard", state: "done", elapsedMs: 31, message: "only sda may be written" });
    }
    for (const [node, bytesDone] of [[n2, 0.74], [n3, 0.61]] as const) {
      await node?.report(fetching(bytesDone * IMAGE_BYTES));
    }
    await n4?.report({
      step: "partition",
      state: "failed",
      elapsedMs: 900,
      problem: {
        title: "cannot partition /dev/sda",
        status: 500,
        detail: "sfdisk exited 1: /dev/sda: fsync device failed: Input/output error.",
        remedy: "check the disk's health (`dmesg`, SMART).",
      },
    });
    await n1?.report({ step: "install", state: "done", elapsedMs: 31_200, message: "341.3 MB written" });
    await n1?.report({ step: "identity", state: "done", elapsedMs: 1_450, message: "n1, 10.0.0.11/24" });
    await n1?.report({ step: "bootloader", state: "done", elapsedMs: 4_210, message: "GRUB for BIOS" });
    await n1?.report({ step: "finish", state: "done", elapsedMs: 120, reportsAs: "n1" });
    const { url = "", token } = n1?.order.firstBoot ?? {};
    await fetch(url, { method: "POST", body: `token ${token}\nhostname n1\nkernel 6.1.0-28-amd64\n` });
    await client.post("/captures", { body: { image: "web", template: "web" }, schema: CaptureView });
  }

  async #set(settings: (number: number) => NodeView["settings"]): Promise<void> {
    for (let i = 1; i <= 5; i++) {
      await this.test.client.put(`/nodes/n${i}`, { body: settings(i), schema: NodeView });
    }
  }

  async #enrol(token: string, number: number) {
    const agent = await this.test.as(token);
    this.#agents.push(agent);
    const order = await agent.post("/node/enrol", { body: { inventory: inventory(number) }, schema: Order });
    agent.useSession(order.session);
    return { order, report: (report: StepReport) => agent.send("POST", "/node/report", { json: report }) };
  }
}

const macOf = (number: number) => `52:54:00:12:34:${55 + number}`;

function fetching(bytesDone: number): StepReport {
  return {
    step: "install",
    state: "running",
    elapsedMs: 21_000,
    progress: {
      bytesDone: Math.round(bytesDone),
      bytesTotal: Math.round(IMAGE_BYTES),
      peers: 4,
      bytesPerSecond: 11.8 * MB,
    },
  };
}

function inventory(number: number) {
  return {
    kind: "machine",
    model: "ACME R100",
    serial: `AC00${number}`,
    firmware: "bios",
    memoryBytes: 16 * 2 ** 30,
    cpus: 8,
    nics: [{ name: "eth0", mac: macOf(number), driver: "e1000e" }],
    disks: [{
      name: "sda",
      sizeBytes: 500e9,
      sectorBytes: 512,
      model: "ACME SSD 500",
      byPath: "/dev/disk/by-path/pci-0000:00:1f.2-ata-1",
      removable: false,
      content: "gpt: ext4 'root', swap",
    }],
  };
}
