/** A server inside the test's own process, on loopback and free ports. */
import { CaptureView } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { compileExcludes } from "../../../agent/tree/excludes.ts";
import { sendCapture } from "../../../agent/capture/send_capture.ts";
import { TreeSource } from "../../../agent/capture/tree_source.ts";
import type { ServerOptions } from "../../../server/cli/server_options.ts";
import { type RunningServer, startServer } from "../../../server/server.ts";
import { waitFor } from "../../support/wait_for.ts";

export class ServerUnderTest implements AsyncDisposable {
  readonly folder: string;
  readonly data: string;
  server!: RunningServer;
  client!: ApiClient;

  private constructor(folder: string, data: string) {
    this.folder = folder;
    this.data = data;
  }

  /** `data`: its data directory, else one that goes with it. */
  static async start({ data }: { data?: string } = {}): Promise<ServerUnderTest> {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-flow-" });
    const test = new ServerUnderTest(folder, data ?? `${folder}/data`);
    await test.#start();
    return test;
  }

  /** `meanwhile`: what happens to its data directory. */
  async restart(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await this.#stop();
    await meanwhile();
    await this.#start();
  }

  options(): ServerOptions {
    return {
      data: this.data,
      listen: { hostname: "127.0.0.1", port: 0 },
      httpPort: 0,
      peerPort: 0,
      trackerPort: 0,
      tftpPort: undefined,
      rsyncPort: 0,
      dhcp: "off",
      dhcpClients: "nodes",
      dns: [],
      secureBoot: false,
    };
  }

  /** A client with another token. */
  as(token: string): Promise<ApiClient> {
    return ApiClient.connect({ server: this.server.urls.server, token });
  }

  /** Publishes a directory as the image's next version. */
  async publish(image: string, { root }: { root: string }): Promise<CaptureView> {
    const { id } = await this.client.post("/captures", { body: { image, level: 1 }, schema: CaptureView });
    const { signal } = new AbortController();
    const tree = new TreeSource(root, { excludes: compileExcludes([]), mountPoints: [] });
    await sendCapture({ api: this.client, capture: id, tree, excludes: [], signal });
    return await waitFor(`${image} to be published`, async () => {
      const view = await this.client.get(`/captures/${id}`, CaptureView);
      if (view.state === "published") return view;
      if (view.state !== "publishing") throw new Error(`capture ${view.state}: ${view.problem?.detail}`);
      return undefined;
    }, { timeoutMs: 120_000, everyMs: 20 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #start(): Promise<void> {
    this.server = await startServer(this.options(), { signal: new AbortController().signal });
    this.client = await this.as(this.server.token);
  }

  async #stop(): Promise<void> {
    this.client[Symbol.dispose]();
    await this.server.close();
  }
}
