/** The figures of a swarm bench: medians over its runs, as a table and as JSON. */
import type { Result } from "./result.ts";
import { type Bar, barsOf } from "./bars.ts";
import type { Sample } from "./measure.ts";

/** The output of `--json`, which the plot reads. */
export interface SwarmReport {
  readonly sizeBytes: number;
  /** null if links are not limited. */
  readonly rateMbit: number | null;
  readonly results: readonly Result[];
  /** Engines that are unavailable or failed, with the reason. */
  readonly absent: Readonly<Record<string, string>>;
  readonly bars: readonly Bar[];
}

export function resultOf(
  samples: readonly Sample[],
  { engine, nodes, sizeBytes }: { engine: string; nodes: number; sizeBytes: number },
): Result {
  const allSeconds = samples.map(({ seconds }) => seconds);
  return {
    engine,
    nodes,
    seconds: median(allSeconds),
    allSeconds,
    cpuSecondsPerGb: median(samples.map(({ cpuSeconds }) => cpuSeconds)) / (nodes * sizeBytes / 1e9),
    memoryMib: Math.max(...samples.map(({ memoryBytes }) => memoryBytes)) / 2 ** 20,
    serverSent: median(samples.map(({ serverSentBytes }) => serverSentBytes)) / sizeBytes,
  };
}

export function reportOf(
  results: readonly Result[],
  { sizeBytes, rateMbit, absent }: {
    sizeBytes: number;
    rateMbit: number | undefined;
    absent: Record<string, string>;
  },
): SwarmReport {
  const bars = barsOf(results, { linkSeconds: linkSeconds({ sizeBytes, rateMbit }), rateMbit });
  return { sizeBytes, rateMbit: rateMbit ?? null, results, absent, bars };
}

/** Counts payload only; on Ethernet, headers make it about 1.045 times as much. */
export function linkSeconds(
  { sizeBytes, rateMbit }: { sizeBytes: number; rateMbit: number | null | undefined },
): number | undefined {
  return typeof rateMbit === "number" ? sizeBytes * 8 / rateMbit / 1e6 : undefined;
}

export function printReport(report: SwarmReport): void {
  const { sizeBytes, rateMbit, results, absent, bars } = report;
  const limit = linkSeconds(report);
  const links = limit === undefined
    ? "unlimited links"
    : `${rateMbit} Mbit/s, link limit ${limit.toFixed(1)} s`;
  console.log(`${(sizeBytes / 2 ** 20).toFixed(0)} MiB, ${links}`);
  console.log("engine        nodes  seconds  CPU s/GB  node MiB  server sent");
  for (const { engine, nodes, seconds, cpuSecondsPerGb, memoryMib, serverSent } of results) {
    console.log(
      [
        engine.padEnd(12),
        String(nodes).padStart(6),
        seconds.toFixed(1).padStart(8),
        cpuSecondsPerGb.toFixed(1).padStart(9),
        memoryMib.toFixed(0).padStart(9),
        `${serverSent.toFixed(2)} ×`.padStart(12),
      ].join(" "),
    );
  }
  for (const [engine, why] of Object.entries(absent)) console.log(`without ${engine}: ${why}`);
  printBars(bars);
}

export function printBars(bars: readonly Bar[]): void {
  for (const { name, value, bar, kept } of bars) {
    console.log(`${name} = ${value.toFixed(2)} (bar ${bar}) ${kept ? "kept" : "MISSED"}`);
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
