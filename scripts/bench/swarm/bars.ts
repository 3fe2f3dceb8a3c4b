/** The swarm's bars, as far as a run has the figures for them. Pure. */
import type { Result } from "./result.ts";

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly bar: number;
  readonly kept: boolean;
}

interface Conditions {
  /** Seconds that the payload takes on one link; undefined if links are not limited. */
  readonly linkSeconds: number | undefined;
  readonly rateMbit: number | undefined;
}

/** From this rate on, processors matter as well as links. */
const FAST_MBIT = 200;
const OTHER_SWARMS = ["aria2", "transmission", "libtorrent"];
const MAX_AGENT_MIB = 300;

/** Bars by number of nodes; other numbers have none. */
const SPREAD: Readonly<Record<number, { time: number; sent: number }>> = {
  8: { time: 1.1, sent: 1.4 },
  16: { time: 1.15, sent: 1.6 },
};

export function barsOf(results: readonly Result[], { linkSeconds, rateMbit }: Conditions): Bar[] {
  const bars: Bar[] = [];
  const add = (name: string, value: number | undefined, bar: number) => {
    if (value !== undefined && Number.isFinite(value)) bars.push({ name, value, bar, kept: value <= bar });
  };
  const of = (engine: string, nodes: number) =>
    results.find((result) => result.engine === engine && result.nodes === nodes);
  const one = of("ours", 1);
  const linksLimit = linkSeconds !== undefined && (rateMbit ?? Infinity) < FAST_MBIT;
  if (linksLimit && one) add("T(1) ÷ (size ÷ link)", one.seconds / linkSeconds, 1.08);
  for (const mine of results.filter((result) => result.engine === "ours")) {
    const { nodes, seconds, cpuSecondsPerGb, memoryMib, serverSent } = mine;
    const spread = SPREAD[nodes];
    if (linksLimit && spread) {
      if (one) add(`T(${nodes}) ÷ T(1)`, seconds / one.seconds, spread.time);
      add(`server sends × size at ${nodes}`, serverSent, spread.sent);
    }
    const aria2 = of("aria2", nodes);
    const best = Math.min(...OTHER_SWARMS.map((name) => of(name, nodes)?.seconds ?? Infinity));
    if (nodes === 8 && !linksLimit) {
      if (rateMbit === undefined) add("T(8) ÷ aria2's", seconds / (aria2?.seconds ?? NaN), 0.7);
      else add("T(8) ÷ the best other swarm's", seconds / best, 0.9);
    }
    if (aria2) add(`CPU a GB ÷ aria2's at ${nodes}`, cpuSecondsPerGb / aria2.cpuSecondsPerGb, 1.6);
    add(`agent's memory at ${nodes}, MiB`, memoryMib, MAX_AGENT_MIB);
  }
  return bars;
}
