/**
 * Measures how many announces per second the product's tracker answers on one processor, their latency at half the
 * bar's load, and the memory per peer.
 *
 *     deno run -A scripts/bench/tracker.ts [--seconds 5] [--vs opentracker] [--json]
 *
 *     --seconds  duration of each measurement                   (5)
 *     --vs       also measure Debian's opentracker
 *     --json     print the figures as JSON
 *
 * Needs two processors: one for the server, one for the load. Bars: 5 000 announces per second by HTTP and 20 000 by
 * UDP, with 10 000 peers of one torrent; a 99th percentile of latency of at most 50 ms at half that load; 1 KiB per
 * peer.
 */
import { parseArgs } from "node:util";
import type { LoadResult } from "./paced_load.ts";
import { cpuSeconds, LOAD_CPU, pinned, PinnedProduct, residentBytes, SERVER_CPU } from "./pinned_product.ts";
import { numberOption } from "./number_option.ts";

const BARS = { http: 5000, udp: 20_000, p99Ms: 50, bytesPerPeer: 1024 };
const PEERS = 10_000;
const MANY_PEERS = 100_000;
const OPENTRACKER_PORT = 16_969;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    vs: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const seconds = numberOption("seconds", values.seconds);

interface Target {
  readonly name: string;
  readonly pid: number;
  readonly http: number;
  readonly udp: number;
  readonly infoHash: string;
}

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly most: LoadResult;
  /** Processor time of the server per announce at full load. */
  readonly cpuMicroseconds: number;
  readonly half: LoadResult;
  /** The bar. */
  readonly bar: number;
}

interface Memory {
  readonly name: string;
  readonly peers: number;
  readonly bytesPerPeer: number;
}

const rows: Row[] = [];
const memory: Memory[] = [];
{
  await using product = await PinnedProduct.start();
  const infoHash = await product.publish("web");
  const { http, tracker: udp } = product.ports;
  await measure({ name: "ours", pid: product.pid, http, udp, infoHash });
}
if (values.vs === "opentracker") await measureOpentracker();
report();

async function measure(target: Target): Promise<void> {
  // Code and buffers must be warm before memory is measured.
  await load(target, "udp", ["--peers", "1", "--seconds", "3"]);
  await load(target, "http", ["--peers", "1", "--seconds", "3"]);
  const before = residentBytes(target.pid);
  await load(target, "udp", ["--peers", String(PEERS)]);
  if (target.name === "ours") memory.push(await memoryOf(target, { before, peers: PEERS }));
  for (const [kind, bar] of [["http", BARS.http], ["http-close", BARS.http], ["udp", BARS.udp]] as const) {
    // opentracker closes every connection.
    if (kind === "http" && target.name !== "ours") continue;
    const some = ["--peers", String(PEERS), "--seconds", values.seconds];
    const cpu = cpuSeconds(target.pid);
    const most = await load(target, kind, some);
    const spent = cpuSeconds(target.pid) - cpu;
    const half = await load(target, kind, [...some, "--rate", String(bar / 2)]);
    const cpuMicroseconds = spent * 1e6 / (most.perSecond * seconds);
    rows.push({ name: target.name, kind, most, cpuMicroseconds, half, bar });
  }
  if (target.name !== "ours") return;
  await load(target, "udp", ["--peers", String(MANY_PEERS)]);
  memory.push(await memoryOf(target, { before, peers: MANY_PEERS }));
}

async function memoryOf(
  { name, pid }: Target,
  { before, peers }: { before: number; peers: number },
): Promise<Memory> {
  await new Promise((resolve) => setTimeout(resolve, 500));
  return { name, peers, bytesPerPeer: (residentBytes(pid) - before) / peers };
}

async function load(target: Target, kind: string, args: readonly string[]): Promise<LoadResult> {
  const port = kind === "udp" ? target.udp : target.http;
  const script = new URL("tracker_load.ts", import.meta.url).pathname;
  const command = [Deno.execPath(), "run", "-A", script, kind, String(port), target.infoHash, ...args];
  const [program, argv] = pinned(LOAD_CPU, command);
  const { success, stdout } = await new Deno.Command(program, { args: argv, stderr: "inherit" }).output();
  if (!success) throw new Error(`the load ${kind} on ${target.name} failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Debian's opentracker, which accepts every torrent. */
async function measureOpentracker(): Promise<void> {
  const address = ["-i", "127.0.0.1", "-p", String(OPENTRACKER_PORT), "-P", String(OPENTRACKER_PORT)];
  const [program, args] = pinned(SERVER_CPU, ["opentracker", ...address]);
  const child = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
  try {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const port = { http: OPENTRACKER_PORT, udp: OPENTRACKER_PORT };
    await measure({ name: "opentracker", pid: child.pid, ...port, infoHash: "5a".repeat(20) });
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

function report(): void {
  const ours = rows.filter(({ name }) => name === "ours");
  // One connection per announce has no bar; it is shown for comparison.
  const kept = ours.filter(({ kind }) => kind !== "http-close")
    .every(({ most, half, bar }) => most.perSecond >= bar && half.p99 <= BARS.p99Ms && half.lost === 0) &&
    memory.every(({ name, bytesPerPeer }) => name !== "ours" || bytesPerPeer <= BARS.bytesPerPeer);
  if (values.json) console.log(JSON.stringify({ rows, memory, bars: BARS, kept }));
  else {
    console.log(
      `${PEERS} peers of one torrent, 50 in an answer, one processor; load average ${
        Deno.loadavg()[0]?.toFixed(1)
      }`,
    );
    console.log(
      "tracker      by          announces/s  a CPU second  at half the bar: p50 ms   p99 ms   lost",
    );
    for (const { name, kind, most, cpuMicroseconds, half, bar } of rows) {
      console.log(
        `${name.padEnd(12)} ${kind.padEnd(11)} ${most.perSecond.toFixed(0).padStart(11)}  ` +
          `${(1e6 / cpuMicroseconds).toFixed(0).padStart(12)}  ${String(bar / 2).padStart(15)}${
            half.p50.toFixed(2).padStart(7)
          }  ${half.p99.toFixed(2).padStart(7)}  ${String(half.lost).padStart(5)}`,
      );
    }
    for (const { name, peers, bytesPerPeer } of memory) {
      console.log(`${name}: ${bytesPerPeer.toFixed(0)} bytes of memory per peer with ${peers} peers`);
    }
    console.log(
      `bars: ${BARS.http} by HTTP, ${BARS.udp} by UDP, ${BARS.p99Ms} ms, ${BARS.bytesPerPeer} bytes: ${
        kept ? "kept" : "MISSED"
      }`,
    );
  }
  if (!kept) Deno.exitCode = 1;
}
