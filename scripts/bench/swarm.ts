/**
 * Measures time and cost of distributing one file to N nodes, each on a limited link, with the product and with other
 * programs, on the same bytes.
 *
 *     deno task bench swarm [--engines ours,aria2,…] [--nodes 1,4] [--size MiB] [--rate Mbit] [--runs N]
 *                           [--json] [--svg FILE]
 *
 *     --engines  ours, aria2, transmission, libtorrent, rsync, http, udpcast; by default all of them.
 *                Missing programs are installed from Debian; those that are not available are reported.
 *     --nodes    numbers of nodes, one measurement each                                 (1,4)
 *     --size     MiB of random bytes                                                     (256)
 *     --rate     Mbit/s of every machine's link, in both directions, or "unlimited"      (200)
 *     --runs     number of measurements; the median counts                               (1)
 *     --json     print the figures as JSON, for `deno task bench plot`
 *     --svg      write the plot of T(N) to FILE
 *
 * T(N) is the time from the start of the nodes to the last byte of the last node; every copy is compared with the
 * original. CPU is the processor time of the server and all nodes from the same moment, per GB received. Memory is
 * that of the largest node, without payload. Needs root (network namespaces, tc). Exits with 1 if a bar is missed or
 * the product fails.
 */
import { parseArgs } from "node:util";
import { interruption } from "./interruption.ts";
import { plotSwarm } from "./plot.ts";
import { ENGINE_NAMES, provideEngines } from "./swarm/engines.ts";
import { measureAll } from "./swarm/measure_all.ts";
import { printReport, reportOf } from "./swarm/report.ts";
import type { Result } from "./swarm/result.ts";
import { Session } from "./swarm/session.ts";
import { numberOption, numbersOption } from "./number_option.ts";

const { values } = parseArgs({
  options: {
    engines: { type: "string", default: ENGINE_NAMES.join(",") },
    nodes: { type: "string", default: "1,4" },
    size: { type: "string", default: "256" },
    rate: { type: "string", default: "200" },
    runs: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    svg: { type: "string" },
  },
});
const counts = numbersOption("nodes", values.nodes);
const sizeBytes = numberOption("size", values.size) * 2 ** 20;
const rateMbit = values.rate === "unlimited" ? undefined : numberOption("rate", values.rate);
const runs = numberOption("runs", values.runs);
const signal = interruption();
const { engines, absent } = await provideEngines(values.engines.split(","));
let results: Result[];
{
  await using session = await Session.open("swarm-bench", {
    nodes: Math.max(...counts),
    sizeBytes,
    signal,
    ...(rateMbit === undefined ? {} : { rateMbit }),
  });
  results = await measureAll(session, { engines, absent, counts, runs, sizeBytes, signal });
}
const report = reportOf(results, { sizeBytes, rateMbit, absent });
if (values.json) console.log(JSON.stringify(report));
else printReport(report);
if (values.svg !== undefined) await Deno.writeTextFile(values.svg, plotSwarm([report]));
Deno.exitCode = "ours" in absent || report.bars.some(({ kept }) => !kept) ? 1 : 0;
