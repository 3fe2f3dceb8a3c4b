/** A server in the test's own process, on loopback and free ports. */
import { type CaptureView, DeployAnswer, type Inventory, Order } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import type { ServerOptions } from "../../../server/cli/server_options.ts";
import { type RunningServer, startServer } from "../../../server/server.ts";
import { DIRECTORY_INVENTORY } from "../../support/inventory.ts";
import { type Machine, publishTree } from "./publish_tree.ts";

export class ServerUnderTest implements AsyncDisposable {
  readonly folder: string;
  readonly data: string;
  server!: RunningServer;
  client!: ApiClient;

  #settings: Partial<ServerOptions>;
  #isRunning = false;

  private constructor(folder: string, data: string, settings: Partial<ServerOptions>) {
    this.folder = folder;
    this.data = data;
    this.#settings = settings;
  }

  /** `data`: an existing data directory; by default the server gets its own, deleted with it. */
  static async start(
    { data, settings = {} }: { data?: string; settings?: Partial<ServerOptions> } = {},
  ): Promise<ServerUnderTest> {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-flow-" });
    const test = new ServerUnderTest(folder, data ?? `${folder}/data`, settings);
    await test.#start();
    return test;
  }

  /** `meanwhile` runs while the server is stopped. */
  async restart(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await this.#stop();
    await meanwhile();
    await this.#start();
  }

  /** Starts again with these settings besides those that it has. */
  async restartWith(settings: Partial<ServerOptions>): Promise<void> {
    this.#settings = { ...this.#settings, ...settings };
    await this.restart();
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
      ...this.#settings,
    };
  }

  /** A client with this token. */
  as(token: string): Promise<ApiClient> {
    return ApiClient.connect({ server: this.server.urls.server, token });
  }

  /** Publishes a directory as the next version of the image. */
  publish(image: string, options: { root: string } & Machine): Promise<CaptureView> {
    return publishTree(this.client, { image, ...options });
  }

  /** Orders the deployment of known nodes, by default of the image "web"; returns their boot tokens. */
  async deploy(nodes: readonly string[], terms: object = {}): Promise<string[]> {
    const body = { nodes, image: "web", ...terms };
    const answer = await this.client.post("/deployments", { body, schema: DeployAnswer });
    return answer.nodes.map(({ token }) => token);
  }

  /** Enrols with a boot token, as the node's agent does. */
  async enrol(
    token = "",
    inventory: Inventory = DIRECTORY_INVENTORY,
  ): Promise<{ agent: ApiClient; order: Order }> {
    const agent = await this.as(token);
    const order = await agent.post("/node/enrol", { body: { inventory }, schema: Order });
    agent.useSession(order.session);
    return { agent, order };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #start(): Promise<void> {
    this.server = await startServer(this.options(), { signal: new AbortController().signal });
    this.client = await this.as(this.server.token);
    this.#isRunning = true;
  }

  async #stop(): Promise<void> {
    // it may have refused to start
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.client[Symbol.dispose]();
    await this.server.close();
  }
}
