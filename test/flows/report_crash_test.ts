/** kill -9 among many reports: what a node was told is taken is never lost, and every node goes on where it was. */
import assert from "node:assert/strict";
import { DeployAnswer, NodeView, Order, ReportAnswer, StepReport } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import type { Step } from "#contract/api/steps.ts";
import { z } from "zod";
import { DIRECTORY_INVENTORY } from "../support/inventory.ts";
import { waitFor } from "../support/wait_for.ts";
import { Product } from "./support/product.ts";

const NODES = 12;
const STEPS: readonly Step[] = [
  "network",
  "enrol",
  "inventory",
  "plan",
  "guard",
  "partition",
  "format",
  "install",
];
const TRANSFER = { bytesTotal: 100, peers: 1, bytesPerSecond: 1 };

/** Everything that a node reports, in order: each step begins, makes progress and ends. */
const REPORTS: readonly StepReport[] = [
  ...STEPS.flatMap((step): StepReport[] => [
    { step, state: "running", elapsedMs: 0 },
    { step, state: "running", elapsedMs: 1, progress: { ...TRANSFER, bytesDone: 50 } },
    { step, state: "done", elapsedMs: 2 },
  ]),
  { step: "finish", state: "running", elapsedMs: 0 },
  { step: "finish", state: "done", elapsedMs: 1 },
];

class Agent implements Disposable {
  readonly name: string;
  readonly #client: ApiClient;
  /** How many of the reports were answered. */
  taken = 0;

  private constructor(name: string, client: ApiClient) {
    this.name = name;
    this.#client = client;
  }

  static async enrol(product: Product, { node, token }: { node: string; token: string }): Promise<Agent> {
    const client = await ApiClient.connect({ server: product.status.server, token });
    const body = { inventory: DIRECTORY_INVENTORY };
    client.useSession((await client.post("/node/enrol", { body, schema: Order })).session);
    return new Agent(node, client);
  }

  /** Sends reports until there are no more, or one is not answered. */
  async run(): Promise<void> {
    for (const report of REPORTS.slice(this.taken)) {
      await this.#client.post("/node/report", { body: report, schema: ReportAnswer });
      this.taken++;
    }
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

/** "plan done" of every step that the server knows of. */
async function logOf(product: Product, { name }: Agent): Promise<string[]> {
  const log = await product.client.get(`/nodes/${name}/log`, z.array(StepReport));
  return log.map(({ step, state }) => `${step} ${state}`);
}

/** The same of the first `count` reports: the running step has one line, a finished step has one. */
function logAfter(count: number): string[] {
  const ends = new Map(REPORTS.slice(0, count).map(({ step, state }) => [step, `${step} ${state}`]));
  return [...ends.values()];
}

Deno.test("the server dies among the reports of many nodes: no step that it took is lost, and all finish", async () => {
  await using product = await Product.withServer();
  const { client, folder } = product;
  await Deno.mkdir(`${folder}/tree`);
  await Deno.writeTextFile(`${folder}/tree/file`, "a small image\n");
  await product.done("image", "import", "web", `${folder}/tree`);
  const names = Array.from({ length: NODES }, (_, i) => `n${i}`);
  await client.put("/nodes", { body: names.map((node) => ({ node, settings: {} })), schema: z.unknown() });
  const order = await client.post("/deployments", {
    body: { nodes: names, image: "web" },
    schema: DeployAnswer,
  });
  const agents = await Promise.all(order.nodes.map((node) => Agent.enrol(product, node)));
  using _agents = new DisposableStack();
  for (const agent of agents) _agents.use(agent);

  // three times, so that the reports stand at different places
  for (const part of [1 / 6, 1 / 2, 5 / 6]) {
    const runs = agents.map((agent) => agent.run().catch(() => {}));
    const most = REPORTS.length * part;
    await waitFor("some of the reports", () => agents.some(({ taken }) => taken >= most));
    await product.killServer();
    await Promise.all(runs);
    await product.startServer();
    for (const agent of agents) {
      const log = await logOf(product, agent), { taken } = agent;
      // the report whose answer was lost may be there, too
      const whole = [taken, taken + 1].map((count) => logAfter(count).join());
      assert.ok(whole.includes(log.join()), `${agent.name} after ${taken} reports: ${log}`);
    }
  }
  await Promise.all(agents.map((agent) => agent.run()));
  for (const agent of agents) {
    assert.equal((await client.get(`/nodes/${agent.name}`, NodeView)).state, "installed");
    assert.deepEqual(await logOf(product, agent), logAfter(REPORTS.length));
  }
});
