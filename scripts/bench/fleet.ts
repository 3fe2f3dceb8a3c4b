/**
 * Measures one server, pinned to one processor, that carries many nodes in racks: how long the API takes to add them,
 * to list, page and filter them, to review and order a deployment of all, and to cancel it; how long a request for one
 * node waits meanwhile; and what the database costs with an audit log of 100 000 lines: its size, the start of the
 * server, `rackseed doctor` and a backup. Each node has reported a disk, and has the image installed.
 *
 *     deno task bench fleet [--nodes 10000] [--racks 100] [--json]
 *
 *     --nodes  number of nodes                                  (10000)
 *     --racks  racks, and groups, that they are spread over     (100)
 *     --json   print the figures as JSON
 *
 * Bars: a page of nodes and one node within 100 ms (p99), all nodes page by page within 1 s, and no
 * request waits longer than 1 s for an order; the server starts within 10 s. Needs two processors.
 */
import { parseArgs } from "node:util";
import { z } from "zod";
import { DeployAnswer, Order, ReportAnswer } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { header } from "#plan/testing/templates.ts";
import { reportedMachine } from "../../test/support/inventory.ts";
import { addAuditLines, backUp, databaseBytes, examine } from "./fleet_database.ts";
import { numberOption } from "./number_option.ts";
import { cpuSeconds, PinnedProduct, residentBytes } from "./pinned_product.ts";
import { percentile } from "./percentile.ts";

const WAIT = "longest wait of another request";
const BARS: Readonly<Record<string, number>> = {
  "one node, p99": 100,
  "page of 100, p99": 100,
  "all nodes by pages of 1000": 1000,
  [`review: ${WAIT}`]: 1000,
  [`deploy: ${WAIT}`]: 1000,
  [`cancel: ${WAIT}`]: 1000,
  "start of the server": 10_000,
};
const REPEATS = 50;
const AUDIT_LINES = 100_000;
/** Agents that report at the same time. */
const AGENTS = 16;
const DISK_BYTES = 500e9;

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "10000" },
    racks: { type: "string", default: "100" },
    json: { type: "boolean", default: false },
  },
});
const nodes = numberOption("nodes", values.nodes, { least: 1, most: 10_000 });
const racks = numberOption("racks", values.racks, { least: 1, most: nodes });
const names = Array.from({ length: nodes }, (_, i) => `n${i}`);

await using product = await PinnedProduct.start();
await product.publish("web", { layout: header().layout, source: header().source });
const milliseconds: Record<string, number> = {};

const settings = (i: number) => ({ group: `g${i % racks}`, rack: `r${i % racks}`, hostname: `host-${i}` });
await measure("add all", () => put(names.map((node, i) => ({ node, settings: settings(i) }))));
await measureBlocking("install all: API calls of the agents", installAll);
await repeat("one node", (i) => read(`/nodes/n${(i * 7919) % nodes}`));
await repeat("page of 100", () => read("/nodes?limit=100"));
await repeat("one group", (i) => read(`/nodes?limit=1000&group=g${i % racks}`));
await measure("all nodes by pages of 1000", readPages);
const order = { nodes: names, image: "web" };
await measureBlocking("review", () => post("/reviews", { kind: "deployment", ...order }));
const { deployment } = DeployAnswer.parse(
  await measureBlocking("deploy", () => post("/deployments", order)),
);
await measureBlocking("cancel", () => post(`/deployments/${deployment}/cancel`, {}));
const cpu = cpuSeconds(product.pid), memoryMB = residentBytes(product.pid) / 1e6;
milliseconds["start of the server"] = await product.restart(() => addAuditLines(product.data, AUDIT_LINES));
await measureBlocking("doctor", () => examine(product));
await measureBlocking("backup", () => backUp(product));
const databaseMB = databaseBytes(product.data) / 1e6;
report();

/** Orders the image for all, and reports for each a disk and the end of its installation. */
async function installAll(): Promise<void> {
  const answer = DeployAnswer.parse(await post("/deployments", { nodes: names, image: "web" }));
  const tokens = answer.nodes.map(({ token }) => token.split(".")[2] ?? "");
  const body = { inventory: reportedMachine(DISK_BYTES) };
  const finished = { step: "finish", state: "done", elapsedMs: 60_000 };
  await Promise.all(Array.from({ length: AGENTS }, async () => {
    using agent = await ApiClient.connect(product);
    for (let token = tokens.pop(); token !== undefined; token = tokens.pop()) {
      agent.useSession(token);
      const { session } = await agent.post("/node/enrol", { body, schema: Order });
      agent.useSession(session);
      await agent.post("/node/report", { body: finished, schema: ReportAnswer });
    }
  }));
}

async function measure<T>(name: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work();
  milliseconds[name] = performance.now() - begun;
  return result;
}

async function repeat(name: string, work: (i: number) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const begun = performance.now();
    await work(i);
    times.push(performance.now() - begun);
  }
  milliseconds[`${name}, p50`] = percentile(times, 0.5);
  milliseconds[`${name}, p99`] = percentile(times, 0.99);
}

/** Also measures the longest wait for one node while the work runs. */
async function measureBlocking<T>(name: string, work: () => Promise<T>): Promise<T> {
  let ended = false, longestMs = 0;
  const done = measure(name, work).finally(() => ended = true);
  const probe = async () => {
    while (!ended) {
      const begun = performance.now();
      await read("/nodes/n0");
      longestMs = Math.max(longestMs, performance.now() - begun);
    }
  };
  const [result] = await Promise.all([done, probe()]);
  milliseconds[`${name}: ${WAIT}`] = longestMs;
  return result;
}

function put(body: unknown): Promise<unknown> {
  return product.client.put("/nodes", { body, schema: z.unknown() });
}

function post(path: string, body: unknown): Promise<unknown> {
  return product.client.post(path, { body, schema: z.unknown() });
}

function read(path: string): Promise<unknown> {
  return product.client.get(path, z.unknown());
}

/** Follows the pages by their links, as a client of the API does. */
async function readPages(): Promise<void> {
  let seen = 0;
  for (let query: string | undefined = "?limit=1000"; query !== undefined;) {
    const response: Response = await product.client.send("GET", `/nodes${query}`);
    seen += z.array(z.unknown()).parse(await response.json()).length;
    query = /<[^>?]*(\?[^>]*)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  }
  if (seen !== nodes) throw new Error(`the pages hold ${seen} nodes instead of ${nodes}`);
}

function report(): void {
  const missed = Object.entries(BARS).filter(([name, bar]) => !((milliseconds[name] ?? NaN) <= bar));
  const figures = { nodes, racks, milliseconds, cpu, memoryMB, databaseMB };
  if (values.json) console.log(JSON.stringify(figures));
  else {
    console.log(
      `${nodes} nodes in ${racks} racks; ${cpu.toFixed(1)} s of processor and ${
        memoryMB.toFixed(0)
      } MB of memory ` +
        `until the restart; database of ${databaseMB.toFixed(0)} MB`,
    );
    for (const [name, ms] of Object.entries(milliseconds)) {
      const bar = BARS[name];
      const verdict = bar === undefined ? "" : `   bar ${bar}   ${ms <= bar ? "kept" : "MISSED"}`;
      console.log(`${name.padEnd(44)} ${ms.toFixed(1).padStart(9)} ms${verdict}`);
    }
  }
  if (missed.length > 0) Deno.exitCode = 1;
}
