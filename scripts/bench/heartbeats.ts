/**
 * Sends progress reports of many nodes to the product's API over persistent HTTPS connections. Measures how many
 * reports per second one processor handles; their latency if every node reports once in --every seconds; the events
 * that each of the clients receives meanwhile; and the cost of a node before its first report. None of these may grow with
 * the number of nodes.
 *
 *     deno run -A scripts/bench/heartbeats.ts [--nodes 10000] [--every 10] [--seconds 5] [--watchers 5] [--json]
 *
 *     --nodes    number of nodes                                (10000)
 *     --every    seconds between two reports of a node          (10)
 *     --seconds  duration of each measurement                   (5)
 *     --watchers clients that receive the live events           (5)
 *     --json     print the figures as JSON
 *
 * The nodes share 64 connections, since one machine cannot open ten thousand. The load generator costs as much as the
 * server or more, so the server's capacity is derived from its processor time. Needs two processors.
 */
import { parseArgs } from "node:util";
import { NodeView } from "#contract/api.ts";
import { type LoadResult, runLoad } from "./paced_load.ts";
import { cpuSeconds, type InstallingNode, PinnedProduct, residentBytes } from "./pinned_product.ts";
import { numberOption } from "./number_option.ts";

const CONNECTIONS = 64;
const BAR_P99_MS = 50;

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "10000" },
    every: { type: "string", default: "10" },
    seconds: { type: "string", default: "5" },
    watchers: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});
const nodes = numberOption("nodes", values.nodes);
const seconds = numberOption("seconds", values.seconds);
const every = numberOption("every", values.every);

await using product = await PinnedProduct.start();
await product.publish("web");
const rssBefore = residentBytes(product.pid);
const cpuBefore = cpuSeconds(product.pid);
const sessions = await enrolAll();
const enrolMicroseconds = (cpuSeconds(product.pid) - cpuBefore) * 1e6 / nodes;
const bytesPerNode = (residentBytes(product.pid) - rssBefore) / nodes;

const http = Deno.createHttpClient({
  caCerts: [await caOf(product)],
  http2: false,
  poolMaxIdlePerHost: CONNECTIONS,
});
const watched = new AbortController();
const watchers = numberOption("watchers", values.watchers);
const events = Promise.all(Array.from({ length: watchers }, () => countEvents(watched.signal)));
const cpu = cpuSeconds(product.pid);
const most = await load(undefined);
const cpuMicroseconds = (cpuSeconds(product.pid) - cpu) * 1e6 / (most.perSecond * seconds);
const paced = await load(nodes / every);
watched.abort();
const eventsPerSecond = Math.min(...await events) / (2 * seconds);
http.close();
report();

/** Names and enrols all nodes. */
async function enrolAll(): Promise<InstallingNode[]> {
  const names = Array.from({ length: nodes }, (_, i) => `n${i}`);
  for (const name of names) await product.client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
  return await product.beginInstalling(names, { image: "web" });
}

async function caOf({ client }: PinnedProduct): Promise<string> {
  return await (await client.send("GET", "/../../ca.pem")).text();
}

function load(rate: number | undefined): Promise<LoadResult> {
  const send = async (sequence: number) => {
    const progress = { bytesDone: sequence, bytesTotal: 1e9, peers: 50, bytesPerSecond: 1e7 };
    const { session, racks } = sessions[sequence % nodes]!;
    const response = await fetch(`${product.server}/api/v1/node/report`, {
      method: "POST",
      client: http,
      headers: {
        authorization: `Bearer ${session}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ step: "install", state: "running", elapsedMs: sequence, progress, racks }),
    });
    await response.text();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  };
  return runLoad(Array.from({ length: CONNECTIONS }, () => send), { seconds, rate, requests: Infinity });
}

/** The number of events sent to a watcher, without the initial state of all nodes. */
async function countEvents(signal: AbortSignal): Promise<number> {
  let count = -nodes;
  const { body } = await product.client.send("GET", "/events");
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  // Not the request's signal: garbage collection may unhook that, and then only the next event would end the watch.
  signal.addEventListener("abort", () => void reader.cancel(), { once: true });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Math.max(0, count);
    count += value.match(/^data: /gm)?.length ?? 0;
  }
}

function report(): void {
  const kept = paced.p99 <= BAR_P99_MS && paced.lost === 0;
  const figures = {
    nodes,
    watchers,
    enrolMicroseconds,
    most,
    cpuMicroseconds,
    paced,
    eventsPerSecond,
    bytesPerNode,
    kept,
  };
  if (values.json) console.log(JSON.stringify(figures));
  else {
    console.log(
      `naming, arming and enrolling a node, with its first report: ${
        enrolMicroseconds.toFixed(0)
      } µs of the server`,
    );
    console.log(
      `${nodes} nodes report every ${values.every} s: p50 ${paced.p50.toFixed(1)} ms, p99 ${
        paced.p99.toFixed(1)
      } ms, ${paced.lost} lost`,
    );
    console.log(
      `at most ${most.perSecond.toFixed(0)} reports per second, ${
        cpuMicroseconds.toFixed(0)
      } µs of the server each`,
    );
    console.log(
      `each of ${watchers} clients receives ${eventsPerSecond.toFixed(0)} events per second or more; ${
        bytesPerNode.toFixed(0)
      } bytes of memory per node`,
    );
    console.log(`bar ${BAR_P99_MS} ms: ${kept ? "kept" : "MISSED"}`);
  }
  if (!kept) Deno.exitCode = 1;
}
