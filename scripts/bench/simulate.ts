/**
 * Finishing times of a swarm by the number of its nodes, on a virtual clock, with the product's own policy of
 * picking, choking and dealing (see simulation/simulation.ts).
 *
 *     deno run -A scripts/bench/simulate.ts [--nodes 10,100,1000,10000] [--size 64] [--piece 512] [--rate 100]
 *         [--seed 1] [--check] [--json]
 *
 * Size in MiB, pieces in KiB, rate in Mbit/s for every link. --check runs swarm.ts with eight nodes beside it (root). Times are
 * multiples of size ÷ link. Bar: the slowest of the most nodes within 1.5 × the slowest of the fewest. With few
 * pieces the start weighs more than in a large image, which has about 2000: the bar is the harder for it.
 */
import { parseArgs } from "node:util";
import { simulate, type SimulationOptions } from "./simulation/simulation.ts";

const BAR = 1.5;
const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "10,100,1000,10000" },
    size: { type: "string", default: "64" },
    piece: { type: "string", default: "512" },
    rate: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    check: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    one: { type: "string" },
  },
});

interface Row {
  readonly nodes: number;
  /** Multiples of size ÷ link. */
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
  /** Multiples of the size. */
  readonly serverSent: number;
  readonly received: number;
  readonly cpuSeconds: number;
}

const sizeBytes = Number(values.size) * 1024 * 1024;
const linkRate = Number(values.rate) * 1e6;
if (values.one !== undefined) console.log(JSON.stringify(measure(Number(values.one))));
else await compareAll();

function measure(nodes: number): Row {
  const started = performance.now();
  const pieceLength = Number(values.piece) * 1024;
  const options: SimulationOptions = { nodes, sizeBytes, pieceLength, linkRate, seed: Number(values.seed) };
  const { finishedMs, serverSentBytes, receivedBytes, dryNodes } = simulate(options);
  const ideal = sizeBytes * 8000 / linkRate;
  const at = (share: number) => (finishedMs[Math.floor((finishedMs.length - 1) * share)] ?? NaN) / ideal;
  return {
    ...{ nodes, min: at(0), median: at(0.5), p95: at(0.95), max: at(1) },
    ...{ serverSent: serverSentBytes / sizeBytes, received: receivedBytes / nodes / sizeBytes, dryNodes },
    cpuSeconds: (performance.now() - started) / 1000,
  };
}

async function compareAll(): Promise<void> {
  const rows: Row[] = [];
  if (!values.json) {
    console.log("nodes    min  median    p95    max   server sent  received  seconds to simulate");
  }
  for (const nodes of values.nodes.split(",")) {
    const row = await inItsOwnProcess(nodes);
    rows.push(row);
    if (!values.json) print(row);
  }
  const ratio = rows.at(-1)!.max / rows[0]!.max;
  if (values.json) console.log(JSON.stringify({ rows, ratio, bar: BAR }));
  else {
    const verdict = ratio <= BAR ? "kept" : "MISSED";
    console.log(
      `slowest of ${rows.at(-1)!.nodes} ÷ slowest of ${rows[0]!.nodes}: ${
        ratio.toFixed(2)
      } (bar ${BAR}, ${verdict})`,
    );
  }
  if (values.check) await checkAgainstReality();
  if (ratio > BAR) Deno.exitCode = 1;
}

function print({ nodes, min, median, p95, max, serverSent, received, cpuSeconds }: Row): void {
  const figures = [min, median, p95, max].map((value) => value.toFixed(2).padStart(6)).join(" ");
  console.log(
    `${String(nodes).padStart(5)} ${figures} ${serverSent.toFixed(2).padStart(11)} × ` +
      `${received.toFixed(3).padStart(7)} × ${cpuSeconds.toFixed(0).padStart(10)}`,
  );
}

/** Each with a heap of its own: ten thousand nodes have a million ends of connections. */
async function inItsOwnProcess(nodes: string): Promise<Row> {
  const own = new URL(import.meta.url).pathname;
  const { size, piece, rate, seed } = values;
  const same = ["--size", size, "--piece", piece, "--rate", rate, "--seed", seed];
  const args = ["run", "-A", "--v8-flags=--max-old-space-size=8000", own, "--one", nodes, ...same];
  return JSON.parse(await outputOf(args));
}

/** Eight nodes here and in network namespaces with real processes and links. */
async function checkAgainstReality(): Promise<void> {
  const { max } = await inItsOwnProcess("8");
  const bench = new URL("swarm.ts", import.meta.url).pathname;
  const args = ["--size", values.size, "--rate", values.rate, "--nodes", "8", "--json"];
  const { results } = JSON.parse(await outputOf(["run", "-A", bench, ...args]));
  const ours = results.find(({ engine, nodes }: { engine: string; nodes: number }) =>
    engine === "ours" && nodes === 8
  );
  const seconds = max * sizeBytes * 8 / linkRate;
  console.log(`eight nodes: simulated ${seconds.toFixed(1)} s, real ${ours.seconds.toFixed(1)} s`);
}

async function outputOf(args: readonly string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args: [...args], stderr: "inherit" })
    .output();
  if (!success) throw new Error(`${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
}
