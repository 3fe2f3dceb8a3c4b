/** Dragonfly's table: the average time of N clients that download one file at the same time. Real programs. */
import { parseArgs } from "node:util";
import { interruption } from "../interruption.ts";
import { numberOption, numbersOption } from "../number_option.ts";
import { plotSwarm } from "../plot.ts";
import { provideEngines } from "../swarm/engines.ts";
import { measureAll } from "../swarm/measure_all.ts";
import { linkSeconds, reportOf, type SwarmReport } from "../swarm/report.ts";
import { Session } from "../swarm/session.ts";
import { type FieldTable, goal } from "./field_table.ts";

/** Dragonfly's "How does it stack up": about 12 s for 200 MB at 200 Mbit/s, whatever the number of clients. */
const PUBLISHED_SECONDS = 12;
const PUBLISHED_LIMIT_SECONDS = 8;

export async function bench(args: string[]): Promise<FieldTable> {
  const { values } = parseArgs({
    args,
    options: {
      nodes: { type: "string", default: "1,2,4,8,16" },
      size: { type: "string", default: "50" },
      rate: { type: "string", default: "50" },
      engines: { type: "string", default: "ours,aria2,libtorrent" },
      runs: { type: "string", default: "1" },
    },
  });
  const counts = numbersOption("nodes", values.nodes);
  const sizeBytes = Math.round(numberOption("size", values.size) * 1e6);
  const rateMbit = numberOption("rate", values.rate);
  const runs = numberOption("runs", values.runs, { least: 1, most: 100 });
  const signal = interruption();
  const { engines, absent } = await provideEngines(values.engines.split(","));
  await using session = await Session.open("field-dragonfly", {
    nodes: Math.max(...counts),
    sizeBytes,
    rateMbit,
    signal,
  });
  const results = await measureAll(session, { engines, absent, counts, runs, sizeBytes, signal });
  return dragonflyTable(reportOf(results, { sizeBytes, rateMbit, absent }));
}

/** One row for each number of nodes, with ratios to the link's limit: other rates and sizes stay comparable. */
export function dragonflyTable(report: SwarmReport): FieldTable {
  const { results, sizeBytes, rateMbit, absent } = report;
  const limit = linkSeconds(report) ?? NaN;
  const counts = [...new Set(results.map(({ nodes }) => nodes))];
  const engines = [...new Set(results.map(({ engine }) => engine))];
  const secondsOf = (engine: string, nodes: number) =>
    results.find((result) => result.engine === engine && result.nodes === nodes)?.seconds ?? NaN;
  const cell = (seconds: number) =>
    Number.isNaN(seconds) ? "" : `${seconds.toFixed(1)} s (${(seconds / limit).toFixed(2)})`;
  const theirs = PUBLISHED_SECONDS / PUBLISHED_LIMIT_SECONDS;
  const slowest = Math.max(...counts.map((nodes) => secondsOf("ours", nodes)));
  return {
    title: `Dragonfly: ${sizeBytes / 1e6} MB over ${rateMbit} Mbit/s links, seconds (÷ limit of ${
      limit.toFixed(1)
    } s)`,
    source:
      'Dragonfly, "How does it stack up against traditional solution?" (20 April 2016): 200 MB, 200 Mbit/s',
    columns: ["nodes", ...engines.map((name) => name === "ours" ? "Rackseed" : name), "Dragonfly, published"],
    rows: counts.map((nodes) => [
      String(nodes),
      ...engines.map((engine) => cell(secondsOf(engine, nodes))),
      `${PUBLISHED_SECONDS} s (${theirs.toFixed(2)})`,
    ]),
    conversions: [
      `Measured: ${sizeBytes / 1e6} MB over ${rateMbit} Mbit/s, limit ${limit.toFixed(1)} s. ` +
      `Published: 200 MB over 200 Mbit/s, limit ${PUBLISHED_LIMIT_SECONDS}.0 s.`,
      "Ours, aria2 and libtorrent: until the last node has everything. Dragonfly: the average of all clients.",
      `Our server's link has the same ${rateMbit} Mbit/s as a node's; Dragonfly had two servers of 2 000 Mbit/s.`,
      "All of our machines share two cores; each of Dragonfly's clients had four.",
      ...Object.entries(absent).map(([engine, why]) => `Without ${engine}: ${why}.`),
    ],
    goals: [goal("Rackseed's slowest row ÷ limit, no worse than Dragonfly's", slowest / limit, theirs)],
    plot: plotSwarm([report]),
  };
}
