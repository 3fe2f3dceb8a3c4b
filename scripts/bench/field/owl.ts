/** Owl's churn: what nodes that leave during a download cost those that stay. Simulated. */
import { parseArgs } from "node:util";
import { numberOption } from "../number_option.ts";
import { simulateApart } from "../simulation/apart.ts";
import { type Lifetime, mulberry32 } from "../simulation/simulation.ts";
import { type FieldTable, goal } from "./field_table.ts";
import { percentile } from "../percentile.ts";
import { plotBars } from "./plot_bars.ts";

const PIECE_LENGTH = 2 ** 20;
const LINK_RATE = 100e6;
const START_SPREAD_MS = 1000;

export async function bench(args: string[]): Promise<FieldTable> {
  const { values } = parseArgs({
    args,
    options: {
      nodes: { type: "string", default: "500" },
      leave: { type: "string", default: "5,10,20" },
      pieces: { type: "string", default: "512" },
      seed: { type: "string", default: "1" },
    },
  });
  const nodes = numberOption("nodes", values.nodes, { least: 1, most: 20_000 });
  const sizeBytes = numberOption("pieces", values.pieces, { least: 1, most: 100_000 }) * PIECE_LENGTH;
  const seed = numberOption("seed", values.seed, { least: 0, most: 2 ** 32 - 1 });
  const limitMs = sizeBytes * 8000 / LINK_RATE;
  const swarms: ChurnedSwarm[] = [];
  const percents = values.leave.split(",").map((text) => numberOption("leave", text, { least: 1, most: 99 }));
  for (const percent of [0, ...percents]) {
    const lifetimes = churn({ nodes, percent, withinMs: limitMs, seed });
    const { stayed, serverSentBytes } = await simulateApart({
      nodes: lifetimes.length,
      lifetimes,
      sizeBytes,
      pieceLength: PIECE_LENGTH,
      linkRate: LINK_RATE,
      seed,
    });
    const starts = new Set(lifetimes.map(({ leaveMs }) => leaveMs));
    const ratiosOf = (isNew: boolean) =>
      stayed.filter(({ startedMs }) => starts.has(startedMs) === isNew).map(({ tookMs }) => tookMs / limitMs);
    swarms.push({
      percent,
      survivors: ratiosOf(false),
      newcomers: ratiosOf(true),
      serverSent: serverSentBytes / sizeBytes,
    });
  }
  return owlTable(swarms, { nodes, limitSeconds: limitMs / 1000 });
}

/**
 * When each node starts and leaves: `percent` of the nodes leave at a random moment within `withinMs` of their start,
 * and an empty node takes the place of each at that moment.
 */
export function churn(
  { nodes, percent, withinMs, seed }: { nodes: number; percent: number; withinMs: number; seed: number },
): Lifetime[] {
  const random = mulberry32(seed);
  const leaving = Math.round(nodes * percent / 100);
  return Array.from({ length: nodes }, (_, index) => {
    const startMs = random() * START_SPREAD_MS;
    if (index >= leaving) return [{ startMs }];
    const leaveMs = startMs + random() * withinMs;
    return [{ startMs, leaveMs }, { startMs: leaveMs }];
  }).flat();
}

interface ChurnedSwarm {
  readonly percent: number;
  /** Download time ÷ limit of the nodes that were there from the start and stayed, ascending. */
  readonly survivors: readonly number[];
  /** The same of those that took the place of another. */
  readonly newcomers: readonly number[];
  /** As a multiple of the image. */
  readonly serverSent: number;
}

/** The first swarm is the undisturbed one. */
export function owlTable(
  swarms: readonly ChurnedSwarm[],
  { nodes, limitSeconds }: { nodes: number; limitSeconds: number },
): FieldTable {
  const [undisturbed] = swarms;
  if (!undisturbed) throw new RangeError("a table of churn needs the undisturbed swarm");
  const p99 = percentile(undisturbed.survivors, 0.99);
  const against = ({ survivors }: ChurnedSwarm) => percentile(survivors, 0.99) / p99;
  const disturbed = swarms.slice(1);
  const title = `Churn, after Owl: ${nodes} nodes, limit ${limitSeconds.toFixed(1)} s`;
  return {
    title,
    source:
      "Owl, OSDI 2022 (Meta): 2 to 3 times as fast as BitTorrent in production; no figure for churn alone",
    columns: [
      "nodes that leave",
      "p50 ÷ limit",
      "p99 ÷ limit",
      "p99 ÷ undisturbed",
      "newcomers' p99",
      "server sends",
    ],
    rows: swarms.map((swarm) => [
      `${swarm.percent} %`,
      percentile(swarm.survivors, 0.5).toFixed(2),
      percentile(swarm.survivors, 0.99).toFixed(2),
      against(swarm).toFixed(2),
      swarm.newcomers.length === 0 ? "" : percentile(swarm.newcomers, 0.99).toFixed(2),
      `${swarm.serverSent.toFixed(2)} ×`,
    ]),
    conversions: [
      "Owl's production traffic cannot be repeated; this is the nearest shape, simulated with our own policies.",
      "A node leaves at a random moment of its download; an empty node takes its place at that moment.",
      "Figures are of the survivors, present from the start; newcomers have a column. Each from its own start.",
      "A node that leaves resets its connections, as a process that ends; the tracker still gives its address out.",
    ],
    goals: disturbed.map((swarm) =>
      goal(`p99 ÷ undisturbed with ${swarm.percent} % leaving`, against(swarm), 1.15)
    ),
    plot: plotBars(
      `${title}: p99 ÷ limit`,
      swarms.map((swarm) => ({
        label: swarm.percent === 0 ? "undisturbed" : `${swarm.percent} % leave`,
        value: percentile(swarm.survivors, 0.99),
        ours: true,
      })),
    ),
  };
}
