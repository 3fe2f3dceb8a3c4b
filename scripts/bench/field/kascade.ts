/** Kascade's failures: what machines that lose power during a download cost the others. Simulated. */
import { parseArgs } from "node:util";
import { numberOption } from "../number_option.ts";
import { simulateApart } from "../simulation/apart.ts";
import { type Lifetime, mulberry32 } from "../simulation/simulation.ts";
import { type FieldTable, goal } from "./field_table.ts";
import { plotBars } from "./plot_bars.ts";

const PIECE_LENGTH = 2 ** 20;
const LINK_RATE = 100e6;
const START_SPREAD_MS = 1000;
const KILLED_PERCENTS = [1, 5, 10];
/** When machines lose power, in percent of the undisturbed time. */
export const AT_PERCENTS: readonly number[] = [30, 60, 90];
/** Our own goal for the last survivor ÷ undisturbed. */
export const MOST_RATIO = 1.15;
export const SOURCE =
  "Kascade, HPDIC 2014 (Inria): failures are survived gracefully; its abstract gives no figure for them";

export async function bench(args: string[]): Promise<FieldTable> {
  const { values } = parseArgs({
    args,
    options: {
      nodes: { type: "string", default: "200" },
      pieces: { type: "string", default: "512" },
      seed: { type: "string", default: "1" },
    },
  });
  const nodes = numberOption("nodes", values.nodes, { least: 100, most: 20_000 });
  const sizeBytes = numberOption("pieces", values.pieces, { least: 1, most: 100_000 }) * PIECE_LENGTH;
  const seed = numberOption("seed", values.seed, { least: 0, most: 2 ** 32 - 1 });
  const lastOf = async (killed: Killed) => {
    const { finishedMs } = await simulateApart({
      nodes,
      lifetimes: withKilled(killed, { nodes, seed }),
      sizeBytes,
      pieceLength: PIECE_LENGTH,
      linkRate: LINK_RATE,
      seed,
    });
    return { survivors: finishedMs.length, seconds: finishedMs.at(-1)! / 1000 };
  };
  const undisturbed = await lastOf({ percent: 0, atMs: 0 });
  const swarms: KilledSwarm[] = [];
  for (const percent of KILLED_PERCENTS) {
    for (const at of AT_PERCENTS) {
      const outcome = await lastOf({ percent, atMs: undisturbed.seconds * at * 10 });
      swarms.push({ percent, at, ...outcome });
    }
  }
  return kascadeTable(swarms, {
    nodes,
    undisturbedSeconds: undisturbed.seconds,
    limitSeconds: sizeBytes * 8 / LINK_RATE,
  });
}

interface Killed {
  readonly percent: number;
  readonly atMs: number;
}

/** When each node starts, and which lose power at the same moment: `percent` of them, at least one if any. */
export function withKilled(
  { percent, atMs }: Killed,
  { nodes, seed }: { nodes: number; seed: number },
): Lifetime[] {
  const random = mulberry32(seed);
  const killed = Math.ceil(nodes * percent / 100);
  return Array.from({ length: nodes }, (_, index) => {
    const startMs = random() * START_SPREAD_MS;
    return index < killed ? { startMs, leaveMs: Math.max(startMs, atMs), isSilent: true } : { startMs };
  });
}

interface KilledSwarm {
  readonly percent: number;
  /** Percent of the undisturbed time. */
  readonly at: number;
  readonly survivors: number;
  /** From the first start until the last survivor has everything. */
  readonly seconds: number;
}

export function kascadeTable(
  swarms: readonly KilledSwarm[],
  { nodes, undisturbedSeconds, limitSeconds }: {
    nodes: number;
    undisturbedSeconds: number;
    limitSeconds: number;
  },
): FieldTable {
  const against = ({ seconds }: KilledSwarm) => seconds / undisturbedSeconds;
  const title = `Failures, after Kascade: ${nodes} nodes, limit ${limitSeconds.toFixed(1)} s`;
  const rowOf = (what: string, { survivors, seconds }: { survivors: number; seconds: number }) => [
    what,
    String(survivors),
    `${seconds.toFixed(1)} s`,
    (seconds / limitSeconds).toFixed(2),
    (seconds / undisturbedSeconds).toFixed(2),
  ];
  const labelOf = ({ percent, at }: KilledSwarm) => `${percent} % at ${at} %`;
  return {
    title,
    source:
      "Kascade, HPDIC 2014 (Inria): failures are survived gracefully; its abstract gives no figure for them",
    columns: ["nodes that lose power", "survivors", "last of them", "÷ limit", "÷ undisturbed"],
    rows: [
      rowOf("none", { survivors: nodes, seconds: undisturbedSeconds }),
      ...swarms.map((swarm) => rowOf(labelOf(swarm), swarm)),
    ],
    conversions: [
      "Simulated with our own policies; the shares and moments are this project's choice.",
      "The moments are shares of the undisturbed time. All nodes that are killed lose power at the same moment.",
      "They fall silent: no connection is reset, and the tracker still gives their addresses out.",
    ],
    goals: swarms.map((swarm) =>
      goal(`last survivor ÷ undisturbed, ${labelOf(swarm)}`, against(swarm), MOST_RATIO)
    ),
    plot: plotBars(`${title}: last survivor ÷ limit`, [
      { label: "undisturbed", value: undisturbedSeconds / limitSeconds, ours: true },
      ...swarms.map((swarm) => ({ label: labelOf(swarm), value: swarm.seconds / limitSeconds, ours: true })),
    ]),
  };
}
