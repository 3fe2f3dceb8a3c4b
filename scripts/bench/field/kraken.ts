/** Kraken's table: how long 2 600 hosts take for one image, as multiples of what their links allow. Simulated. */
import { parseArgs } from "node:util";
import { numberOption } from "../number_option.ts";
import { simulateApart } from "../simulation/apart.ts";
import { type FieldTable, goal } from "./field_table.ts";
import { percentile } from "../percentile.ts";
import { plotBars } from "./plot_bars.ts";

/** https://github.com/uber/kraken, README.md, "Benchmark": 3 GB at 300 MB/s, so the limit is 10 s. */
const PUBLISHED = { limitSeconds: 10, p50: 10, p99: 18, "p99.9": 22 };
const SHARES = { p50: 0.5, p99: 0.99, "p99.9": 0.999 };
/** A quarter of Kraken's 4 MiB pieces and 300 MB/s: a piece takes as long on a link, in a quarter of the events. */
const SCALE = 4;
const PIECE_LENGTH = 4 * 2 ** 20 / SCALE;
const LINK_RATE = 300e6 * 8 / SCALE;

export async function bench(args: string[]): Promise<FieldTable> {
  const { values } = parseArgs({
    args,
    options: {
      nodes: { type: "string", default: "2600" },
      pieces: { type: "string", default: "768" },
      seeds: { type: "string", default: "5" },
      seed: { type: "string", default: "1" },
    },
  });
  const nodes = numberOption("nodes", values.nodes, { least: 1, most: 20_000 });
  const seeds = numberOption("seeds", values.seeds, { least: 1, most: 100 });
  const sizeBytes = numberOption("pieces", values.pieces, { least: 1, most: 100_000 }) * PIECE_LENGTH;
  const result = await simulateApart({
    nodes,
    seeds,
    sizeBytes,
    pieceLength: PIECE_LENGTH,
    linkRate: LINK_RATE,
    seed: numberOption("seed", values.seed, { least: 0, most: 2 ** 32 - 1 }),
  });
  const limitMs = sizeBytes * 8000 / LINK_RATE;
  return krakenTable(result.stayed.map(({ tookMs }) => tookMs / limitMs), {
    nodes,
    seeds,
    limitSeconds: limitMs / 1000,
    sent: result.serverSentBytes / sizeBytes,
  });
}

/** `ratios`: download time ÷ limit of every node, ascending. */
export function krakenTable(
  ratios: readonly number[],
  { nodes, seeds, limitSeconds, sent }: { nodes: number; seeds: number; limitSeconds: number; sent: number },
): FieldTable {
  const names = Object.keys(SHARES) as (keyof typeof SHARES)[];
  const rows = names.map((name) => ({
    name,
    theirs: PUBLISHED[name] / PUBLISHED.limitSeconds,
    ours: percentile(ratios, SHARES[name]),
  }));
  const title = `Kraken: ${nodes} nodes, ${seeds} seeds, download ÷ limit`;
  return {
    title,
    source: "github.com/uber/kraken, README, Benchmark (2018): 2 600 hosts, 3 GB, 300 MB/s, 5 origins",
    columns: ["", "Kraken", "Kraken ÷ limit", "Rackseed", "Rackseed ÷ limit"],
    rows: rows.map(({ name, theirs, ours }) => [
      name,
      `${PUBLISHED[name]} s`,
      theirs.toFixed(2),
      `${(ours * limitSeconds).toFixed(1)} s`,
      ours.toFixed(2),
    ]),
    conversions: [
      "Ours is a simulation of our own policies on a virtual clock; disks, hashes and processors cost nothing.",
      `Links and pieces are a quarter of Kraken's (75 MB/s, 1 MiB), so that a piece takes as long; limit ${
        limitSeconds.toFixed(1)
      } s.`,
      "One torrent; Kraken's image has two layers, downloaded at the same time. Nodes start within one second.",
      `Time from each node's own start to its last piece. The seeds together send ${
        sent.toFixed(2)
      } × the image.`,
    ],
    goals: [
      goal("p99 ÷ limit", percentile(ratios, SHARES.p99), 1.3),
      goal("p99.9 ÷ limit", percentile(ratios, SHARES["p99.9"]), 1.4),
    ],
    plot: plotBars(
      title,
      rows.flatMap(({ name, theirs, ours }) => [
        { label: `${name}, Rackseed`, value: ours, ours: true },
        { label: `${name}, Kraken`, value: theirs },
      ]),
    ),
  };
}
