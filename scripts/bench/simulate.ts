/**
 * Simulates swarms of different sizes on a virtual clock, with the product's own policies for picking, choking,
 * dealing and connecting (see simulation/simulation.ts), and prints when the nodes finish.
 *
 *     deno task bench simulate [--nodes 10,100,1000] [--size MiB] [--piece KiB] [--rate Mbit] [--seeds N]
 *                              [--seed N] [--check] [--real] [--json]
 *
 *     --nodes  numbers of nodes, one simulation each; the first is the reference   (10,100,1000)
 *     --size   size of the image in MiB                                            (512)
 *     --piece  size of a piece in KiB                                              (1024)
 *     --rate   Mbit/s of every link, in both directions                            (100)
 *     --seeds  machines that have everything from the start                        (1)
 *     --seed   seed of the random numbers: the same seed gives the same figures    (1)
 *     --check  exit with 1 if the bar is missed
 *     --real   also run the swarm bench with eight real nodes (root)
 *     --json   print the figures as JSON
 *
 * Times are multiples of size ÷ link. Bar: with the most nodes, the last node finishes within 1.5 × the time with the
 * fewest. The product cuts an image into 1025 to 2048 pieces; the 512 here make the bar harder, because the start,
 * which takes longer with more nodes, weighs more.
 */
import { parseArgs } from "node:util";
import { simulateApart } from "./simulation/apart.ts";
import { numberOption, numbersOption } from "./number_option.ts";

const BAR = 1.5;
const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "10,100,1000" },
    size: { type: "string", default: "512" },
    piece: { type: "string", default: "1024" },
    rate: { type: "string", default: "100" },
    seeds: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    check: { type: "boolean", default: false },
    real: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

interface Row {
  readonly nodes: number;
  /** Finishing times of the first, median and last nodes, as multiples of size ÷ link. */
  readonly first: number;
  readonly median: number;
  readonly p99: number;
  readonly last: number;
  /** As multiples of the size. */
  readonly serverSent: number;
  readonly received: number;
  /** Nodes that at some time got so little that they would have used the web seed. */
  readonly dry: number;
  readonly seconds: number;
}

const COLUMNS =
  "nodes   first  median     p99    last  last ÷ first row's  server sent  received  dry  seconds";
const sizeBytes = numberOption("size", values.size) * 1024 * 1024;
const linkRate = numberOption("rate", values.rate) * 1e6;
await compareAll();

async function measure(nodes: number): Promise<Row> {
  const result = await simulateApart({
    nodes,
    sizeBytes,
    linkRate,
    pieceLength: numberOption("piece", values.piece) * 1024,
    seeds: numberOption("seeds", values.seeds, { least: 1, most: 100 }),
    seed: numberOption("seed", values.seed),
  });
  const { finishedMs, serverSentBytes, receivedBytes, dryNodes } = result;
  const ideal = sizeBytes * 8000 / linkRate;
  const at = (share: number) => (finishedMs[Math.floor((finishedMs.length - 1) * share)] ?? NaN) / ideal;
  return {
    nodes,
    first: at(0),
    median: at(0.5),
    p99: at(0.99),
    last: at(1),
    serverSent: serverSentBytes / sizeBytes,
    received: receivedBytes / nodes / sizeBytes,
    dry: dryNodes,
    seconds: result.seconds,
  };
}

async function compareAll(): Promise<void> {
  const rows: Row[] = [];
  if (!values.json) console.log(COLUMNS);
  for (const nodes of numbersOption("nodes", values.nodes)) {
    const row = await measure(nodes);
    rows.push(row);
    if (!values.json) print(row, rows[0]!);
  }
  const ratio = rows.at(-1)!.last / rows[0]!.last;
  const isMissed = ratio > BAR;
  if (values.json) console.log(JSON.stringify({ rows, ratio, bar: BAR }));
  else {
    console.log(
      `last of ${rows.at(-1)!.nodes} ÷ last of ${rows[0]!.nodes}: ${ratio.toFixed(2)} ` +
        `(bar ${BAR}, ${isMissed ? "MISSED" : "kept"})`,
    );
  }
  if (values.real) await compareWithReality();
  if (values.check && isMissed) Deno.exitCode = 1;
}

function print({ nodes, first, median, p99, last, ...rest }: Row, { last: fewest }: Row): void {
  const times = [first, median, p99, last].map((value) => value.toFixed(3).padStart(7)).join(" ");
  console.log(
    `${String(nodes).padStart(5)} ${times} ${(last / fewest).toFixed(2).padStart(19)} ` +
      `${rest.serverSent.toFixed(2).padStart(10)} × ${rest.received.toFixed(3).padStart(7)} × ` +
      `${String(rest.dry).padStart(4)} ${rest.seconds.toFixed(0).padStart(8)}`,
  );
}

/** Compares eight simulated nodes with eight real processes on real links in network namespaces. */
async function compareWithReality(): Promise<void> {
  const { last } = await measure(8);
  const bench = new URL("swarm.ts", import.meta.url).pathname;
  const args = ["--engines", "ours", "--size", values.size, "--rate", values.rate, "--nodes", "8", "--json"];
  const { results } = JSON.parse(await outputOf(["run", "-A", bench, ...args]));
  const ours = results.find(({ engine, nodes }: { engine: string; nodes: number }) =>
    engine === "ours" && nodes === 8
  );
  const seconds = last * sizeBytes * 8 / linkRate;
  console.error(`eight nodes: simulated ${seconds.toFixed(1)} s, real ${ours.seconds.toFixed(1)} s`);
}

async function outputOf(args: readonly string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args: [...args], stderr: "inherit" })
    .output();
  if (!success) throw new Error(`${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
}
