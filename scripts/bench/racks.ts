/**
 * Measures how many times a file crosses the narrow link between two racks until every node has it.
 *
 *     deno task bench racks [--nodes 4] [--size MiB] [--rate Mbit] [--between Mbit] [--runs N] [--json]
 *
 *     --nodes    nodes in each rack; the server is in the first                    (4)
 *     --size     MiB of random bytes                                               (64)
 *     --rate     Mbit/s of every machine's link, both ways                         (200)
 *     --between  Mbit/s of the link between the racks                              (50)
 *     --runs     number of measurements; the median counts                         (1)
 *     --json     print the figures as JSON
 *
 * Compares the product with racks, the product without racks, and aria2, on the same bytes; every copy is compared
 * with the original. The crossing bytes are counted in both directions, with headers. Needs root. Bar: the product
 * with racks ≤ 1.3 × the file.
 */
import { parseArgs } from "node:util";
import { interruption } from "./interruption.ts";
import { aria2 } from "./swarm/aria2.ts";
import type { Sample } from "./swarm/measure.ts";
import { ours, rackAware } from "./swarm/ours.ts";
import { median, printBars } from "./swarm/report.ts";
import { Session } from "./swarm/session.ts";
import { installDebianPackages } from "../setup.ts";
import { numberOption } from "./number_option.ts";

const BAR = 1.3;
const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "4" },
    size: { type: "string", default: "64" },
    rate: { type: "string", default: "200" },
    between: { type: "string", default: "50" },
    runs: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const perRack = numberOption("nodes", values.nodes);
const sizeBytes = numberOption("size", values.size) * 2 ** 20;
const rateMbit = numberOption("rate", values.rate);
const betweenMbit = numberOption("between", values.between);
const runs = numberOption("runs", values.runs);
const signal = interruption();
const missing = await installDebianPackages(aria2.packages);
const engines = [rackAware, ours, ...missing.length === 0 ? [aria2] : []];
if (missing.length > 0) {
  console.error(`without aria2: this machine lacks the Debian package ${missing.join(", ")}`);
}
const samples = new Map<string, Sample[]>(engines.map(({ name }) => [name, []]));

{
  await using session = await Session.open("racks-bench", {
    nodes: 2 * perRack,
    // machine 0 is the server
    secondRack: { from: perRack + 1, betweenMbit },
    rateMbit,
    sizeBytes,
    signal,
  });
  for (let run = 0; run < runs; run++) {
    for (const engine of engines) {
      const sample = await session.run(engine, 2 * perRack);
      samples.get(engine.name)?.push(sample);
      console.error(`${engine.name}: ${sample.seconds.toFixed(1)} s`);
    }
  }
}

const results = [...samples].map(([engine, taken]) => ({
  engine,
  seconds: median(taken.map(({ seconds }) => seconds)),
  crossed: median(taken.map(({ crossedBytes }) => crossedBytes)) / sizeBytes,
  serverSent: median(taken.map(({ serverSentBytes }) => serverSentBytes)) / sizeBytes,
}));
const value = results[0]?.crossed ?? Infinity;
const bars = [{ name: "the file crosses × its size", value, bar: BAR, kept: value <= BAR }];
if (values.json) console.log(JSON.stringify({ sizeBytes, rateMbit, betweenMbit, perRack, results, bars }));
else {
  console.log(
    `${values.size} MiB, 2 × ${perRack} nodes, ${rateMbit} Mbit/s, ${betweenMbit} between the racks`,
  );
  console.log("engine       seconds  crossed  server sent");
  for (const { engine, seconds, crossed, serverSent } of results) {
    const figures = [seconds.toFixed(1).padStart(7), `${crossed.toFixed(2)} ×`.padStart(8)];
    console.log(`${engine.padEnd(12)} ${figures.join(" ")} ${`${serverSent.toFixed(2)} ×`.padStart(12)}`);
  }
  printBars(bars);
}
Deno.exitCode = bars.every(({ kept }) => kept) ? 0 : 1;
