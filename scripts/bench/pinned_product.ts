/** The product's server, pinned to one processor, with what load generators need to know. */
import { CaptureView, DeployAnswer, Order, ReportAnswer, VersionView } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { sendCapture } from "../../agent/capture/send_capture.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import { DIRECTORY_INVENTORY } from "../../test/support/inventory.ts";
import { ensureProduct } from "../build.ts";

/** The server gets one processor, the load generator the other. */
export const SERVER_CPU = "0";
export const LOAD_CPU = "1";

export function pinned(cpu: string, argv: readonly string[]): [program: string, args: string[]] {
  return ["taskset", ["--cpu-list", cpu, ...argv]];
}

/** What a node that is being installed sends with its reports. */
export interface InstallingNode {
  readonly session: string;
  readonly racks: string | undefined;
}

interface Running {
  readonly child: Deno.ChildProcess;
  readonly ports: { readonly http: number; readonly tracker: number; readonly https: number };
  readonly server: string;
  readonly token: string;
  readonly client: ApiClient;
}

export class PinnedProduct implements AsyncDisposable {
  readonly #folder: string;
  #running: Running;

  private constructor(folder: string, running: Running) {
    this.#folder = folder;
    this.#running = running;
  }

  get pid(): number {
    return this.#running.child.pid;
  }

  get ports(): Running["ports"] {
    return this.#running.ports;
  }

  get server(): string {
    return this.#running.server;
  }

  get token(): string {
    return this.#running.token;
  }

  get client(): ApiClient {
    return this.#running.client;
  }

  /** The server's data directory. */
  get data(): string {
    return `${this.#folder}/data`;
  }

  static async start(): Promise<PinnedProduct> {
    const folder = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "rackseed-bench-" });
    return new PinnedProduct(folder, await PinnedProduct.#start(folder));
  }

  /** `meanwhile` runs while the server is stopped. Returns the milliseconds that the server took to start. */
  async restart(meanwhile: () => void): Promise<number> {
    await this.#stop();
    meanwhile();
    const begun = performance.now();
    this.#running = await PinnedProduct.#start(this.#folder);
    return performance.now() - begun;
  }

  static async #start(folder: string): Promise<Running> {
    const product = await ensureProduct();
    const free = ["--http-port", "0", "--peer-port", "0", "--tracker-port", "0", "--tftp-port", "off"];
    const args = ["server", "--json", "--data", `${folder}/data`, "--listen", "127.0.0.1:0", ...free];
    const [program, argv] = pinned(SERVER_CPU, [product, ...args]);
    const child = new Deno.Command(program, { args: argv, stdout: "piped", stderr: "null" }).spawn();
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const { server, ports } = JSON.parse(text.split("\n")[0] ?? "");
      const token = (await Deno.readTextFile(`${folder}/data/token`)).trim();
      const client = await ApiClient.connect({ server, token });
      return { child, ports, server, token, client };
    }
    throw new Error("the server ended at once");
  }

  /** Publishes a small image, as if it were this machine's; returns its info hash. */
  async publish(
    image: string,
    machine: { layout?: DiskLayout | undefined; source?: Source | undefined } = {},
  ): Promise<string> {
    const root = `${this.#folder}/tree`;
    await Deno.mkdir(root);
    await Deno.writeTextFile(`${root}/file`, "a small image\n");
    const { id } = await this.client.post("/captures", { body: { image, level: 1 }, schema: CaptureView });
    const tree = new TreeSource(root, { excludes: compileExcludes([]), mountPoints: [] });
    const { signal } = new AbortController();
    await sendCapture({ api: this.client, capture: id, tree, ...machine, excludes: [], signal });
    for (;;) {
      const { state, problem } = await this.client.get(`/captures/${id}`, CaptureView);
      if (state === "published") break;
      if (state !== "publishing") throw new Error(`the capture ${state}: ${problem?.detail}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return (await this.client.get(`/images/${image}`, VersionView)).infoHash;
  }

  /** Orders the image for the nodes, enrols as each, and begins to install. */
  async beginInstalling(nodes: readonly string[], { image }: { image: string }): Promise<InstallingNode[]> {
    const answer = await this.client.post("/deployments", { body: { nodes, image }, schema: DeployAnswer });
    using agent = await ApiClient.connect({ server: this.server, token: this.token });
    const begun: InstallingNode[] = [];
    for (const { token } of answer.nodes) {
      agent.useSession(token.split(".")[2] ?? "");
      const body = { inventory: DIRECTORY_INVENTORY };
      const { session, swarm } = await agent.post("/node/enrol", { body, schema: Order });
      agent.useSession(session);
      // The start of a step is stored. What is measured later is progress within the step.
      const report = { step: "install", state: "running", elapsedMs: 0 };
      await agent.post("/node/report", { body: report, schema: ReportAnswer });
      begun.push({ session, racks: swarm.racks?.revision });
    }
    return begun;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #stop(): Promise<void> {
    const { client, child } = this.#running;
    client[Symbol.dispose]();
    child.kill("SIGTERM");
    await child.status;
  }
}

/** The resident memory of a process in bytes (proc(5), status). */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  return Number(kilobytes) * 1024;
}

/** User and system time so far, in seconds (proc(5), stat fields 14 and 15; 100 ticks per second). */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
