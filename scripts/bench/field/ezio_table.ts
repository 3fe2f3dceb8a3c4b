/** EZIO's published figures beside ours. Pure. */
import { type FieldTable, goal } from "./field_table.ts";
import { plotBars } from "./plot_bars.ts";

/** Seconds by number of nodes: 50 GB onto 1 TB hard disks, over 1 Gbit/s. */
const PUBLISHED: Readonly<Record<number, { readonly ezio: number; readonly multicast: number }>> = {
  1: { ezio: 675, multicast: 390 },
  2: { ezio: 1273, multicast: 474 },
  4: { ezio: 1331, multicast: 638 },
  8: { ezio: 1412, multicast: 980 },
  16: { ezio: 1005, multicast: 1454 },
  24: { ezio: 1048, multicast: 1992 },
  32: { ezio: 1143, multicast: 2203 },
};
const GOAL = 1.15;

export interface Installation {
  readonly engine: string;
  readonly nodes: number;
  /** Until the last node is done. */
  readonly seconds: number;
}

interface Setting {
  readonly rawBytes: number;
  readonly imageBytes: number;
  readonly rateMbit: number;
  readonly diskMb: number;
  readonly absent: Readonly<Record<string, string>>;
}

/** One row for each number of nodes, with ratios to the same program's time for the fewest nodes. */
export function ezioTable(results: readonly Installation[], setting: Setting): FieldTable {
  const { rawBytes, imageBytes, rateMbit, diskMb, absent } = setting;
  const counts = [...new Set(results.map(({ nodes }) => nodes))].sort((a, b) => a - b);
  const engines = [...new Set(results.map(({ engine }) => engine))];
  const [fewest = NaN, most = NaN] = [counts[0], counts.at(-1)];
  const secondsOf = (engine: string, nodes: number) =>
    results.find((result) => result.engine === engine && result.nodes === nodes)?.seconds ?? NaN;
  const cell = (seconds: number, first: number, digits: number) =>
    Number.isNaN(seconds) ? "" : `${seconds.toFixed(digits)} s (${(seconds / first).toFixed(2)})`;
  const publishedOf = (name: "ezio" | "multicast", nodes: number) => PUBLISHED[nodes]?.[name] ?? NaN;
  const published = (name: "ezio" | "multicast", nodes: number) =>
    cell(publishedOf(name, nodes), publishedOf(name, fewest), 0);
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const title = `EZIO: ${megabytes(rawBytes)} installed on disks of ${diskMb} MB/s over ${rateMbit} Mbit/s`;
  const growth = engines.map((engine) => ({
    label: engine === "ours" ? "Rackseed" : engine,
    value: secondsOf(engine, most) / secondsOf(engine, fewest),
    ours: engine === "ours",
  }));
  const theirs = (["ezio", "multicast"] as const).map((name) => ({
    label: `${name === "ezio" ? "EZIO" : "its multicast"}, published`,
    value: publishedOf(name, most) / publishedOf(name, fewest),
  })).filter(({ value }) => !Number.isNaN(value));
  return {
    title: `${title}, seconds until the last node is done (÷ N = ${fewest})`,
    source: "README of EZIO (2019): 50 GB, 1 TB hard disks, 1 Gbit/s, 1 to 32 machines",
    columns: [
      "nodes",
      ...engines.map((name) => name === "ours" ? "Rackseed" : name),
      "EZIO, published",
      "multicast, published",
    ],
    rows: counts.map((nodes) => [
      String(nodes),
      ...engines.map((engine) => cell(secondsOf(engine, nodes), secondsOf(engine, fewest), 1)),
      published("ezio", nodes),
      published("multicast", nodes),
    ]),
    conversions: [
      `Links of ${rateMbit} Mbit/s and disks of ${diskMb} MB/s stand for 1 Gbit/s and a hard disk of ${
        (diskMb * 1000 / rateMbit).toFixed(0)
      } MB/s.`,
      `Rackseed formats, downloads ${
        megabytes(imageBytes)
      } of compressed image, writes the files, verifies and syncs. Partitions and boot loader are left out.`,
      `libtorrent and udpcast copy ${
        megabytes(rawBytes)
      } of raw bytes into one file and sync: no format, no files, no compression.`,
      "The write rate is limited; a hard disk's seeks are not imitated.",
      "Starting the programs is not counted. All machines share two cores.",
      "EZIO's unicast row is 474 s × N throughout, so calculated; it is left out.",
      ...Object.entries(absent).map(([engine, why]) => `Without ${engine}: ${why}.`),
    ],
    goals: engines.includes("ours") && fewest !== most
      ? [
        goal(
          `Rackseed, N = ${most} ÷ N = ${fewest}`,
          secondsOf("ours", most) / secondsOf("ours", fewest),
          GOAL,
        ),
      ]
      : [],
    plot: plotBars(`Installation time, N = ${most} ÷ N = ${fewest}`, [...growth, ...theirs]),
  };
}
