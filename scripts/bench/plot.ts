/**
 * Plots the times of the swarm bench, T(N), as an SVG: one line per engine, with the link's limit dashed. Readable in
 * light and dark mode.
 *
 *     deno task bench plot FILE.json… > server/docs/images/swarm.svg
 *
 * The files hold the output of `deno task bench swarm --json`, all for the same size and rate. If two files have the
 * same measurement, the later file counts.
 */
import { linkSeconds, type SwarmReport } from "./swarm/report.ts";
import type { Result } from "./swarm/result.ts";

export const WIDTH = 760;
const HEIGHT = 440;
const LEFT = 64, RIGHT = WIDTH - 140, TOP = 64, BOTTOM = HEIGHT - 56;
const LABEL_HEIGHT = 16;
/** Colours of text, lines and background, for light and dark mode. */
const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .paper { fill: #ffffff } .grid { stroke: #d1d9e0 } .limit { stroke: #1f2328; stroke-dasharray: 5 4 }
    .title { font-weight: 600; font-size: 15px } .ours { font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .paper { fill: #0d1117 } .grid { stroke: #3d444d } .limit { stroke: #f0f6fc }
    }`;
const COLOURS: Readonly<Record<string, string>> = {
  ours: "#0080d0",
  aria2: "#d98a00",
  transmission: "#c46a9b",
  libtorrent: "#009e73",
  rsync: "#8a8f98",
  http: "#b08d57",
  udpcast: "#d5502b",
};

interface Scale {
  readonly x: (nodes: number) => number;
  readonly y: (seconds: number) => number;
}

/** Throws if the reports differ in size or rate, or if there are none. */
export function plotSwarm(reports: readonly SwarmReport[]): string {
  const [first] = reports;
  if (!first || reports.some((r) => r.sizeBytes !== first.sizeBytes || r.rateMbit !== first.rateMbit)) {
    throw new Error("a plot needs reports of one size and one rate. Remedy: plot other runs separately.");
  }
  const results = latest(reports.flatMap((report) => report.results));
  const limit = linkSeconds(first);
  const counts = [...new Set(results.map(({ nodes }) => nodes))].sort((a, b) => a - b);
  const times = [...results.map(({ seconds }) => seconds), ...limit === undefined ? [] : [limit]];
  const scale = scaleOf(counts, times);
  const { sizeBytes } = first;
  const size = sizeBytes % 1e6 === 0 ? `${sizeBytes / 1e6} MB` : `${(sizeBytes / 2 ** 20).toFixed(0)} MiB`;
  const links = limit === undefined ? "unlimited links" : `links of ${first.rateMbit} Mbit/s`;
  const title = `${size} to N nodes, ${links}: time until the last node has everything`;
  return picture(title, {
    height: HEIGHT,
    lines: [...axes({ counts, times, scale }), ...limitLine(limit, scale), ...engineLines(results, scale)],
  });
}

/** An SVG with a heading and the styles of all plots. */
export function picture(
  title: string,
  { height, lines }: { height: number; lines: readonly string[] },
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
  <title>${title}</title>
  <style>${STYLE}
  </style>
  <rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>
  <text class="title" x="24" y="30">${title}</text>
${lines.join("\n")}
</svg>
`;
}

function latest(results: readonly Result[]): Result[] {
  return [...new Map(results.map((result) => [`${result.engine} ${result.nodes}`, result])).values()];
}

/** Both axes are logarithmic: times that grow with N slope, others are level. */
function scaleOf(counts: readonly number[], times: readonly number[]): Scale {
  const along = (value: number, from: number, to: number) =>
    from === to ? 0.5 : Math.log(value / from) / Math.log(to / from);
  const [fewest = 1, most = 1] = [counts[0], counts.at(-1)];
  const low = Math.min(...times) / 1.15, high = Math.max(...times) * 1.1;
  return {
    x: (nodes) => LEFT + 24 + along(nodes, fewest, most) * (RIGHT - LEFT - 48),
    y: (seconds) => BOTTOM - along(seconds, low, high) * (BOTTOM - TOP),
  };
}

function axes(
  { counts, times, scale }: { counts: readonly number[]; times: readonly number[]; scale: Scale },
): string[] {
  const lines = ticks(Math.min(...times) / 1.15, Math.max(...times) * 1.1).flatMap((seconds) => {
    const y = at(scale.y(seconds));
    return [
      `  <line class="grid" x1="${LEFT}" y1="${y}" x2="${RIGHT}" y2="${y}"/>`,
      `  <text x="${LEFT - 8}" y="${y}" dy="4" text-anchor="end">${seconds} s</text>`,
    ];
  });
  const numbers = counts.map((nodes) =>
    `  <text x="${at(scale.x(nodes))}" y="${BOTTOM + 22}" text-anchor="middle">${nodes}</text>`
  );
  const middle = at((LEFT + RIGHT) / 2);
  return [
    ...lines,
    ...numbers,
    `  <text x="${middle}" y="${BOTTOM + 42}" text-anchor="middle">nodes (N); both axes logarithmic</text>`,
  ];
}

/** 1, 2, 5, 10 … within the range. */
function ticks(low: number, high: number): number[] {
  const all: number[] = [];
  for (let power = -2; power < 5; power++) {
    for (const step of [1, 2, 5]) all.push(Number((step * 10 ** power).toPrecision(1)));
  }
  return all.filter((value) => value >= low && value <= high);
}

function limitLine(limit: number | undefined, { y }: Scale): string[] {
  if (limit === undefined) return [];
  const height = at(y(limit));
  return [
    `  <line class="limit" x1="${LEFT}" y1="${height}" x2="${RIGHT}" y2="${height}"/>`,
    `  <text x="${LEFT + 4}" y="${height}" dy="16">size ÷ link: ${limit.toFixed(1)} s</text>`,
  ];
}

function engineLines(results: readonly Result[], { x, y }: Scale): string[] {
  const names = [...new Set(results.map(({ engine }) => engine))];
  const ends = names.map((engine) => {
    const points = results.filter((result) => result.engine === engine).sort((a, b) => a.nodes - b.nodes);
    const last = points.at(-1) as Result;
    return { engine, points, last, height: y(last.seconds) };
  }).sort((a, b) => a.height - b.height);
  const heights = apart(ends.map(({ height }) => height));
  return ends.flatMap(({ engine, points, last }, i) => {
    const colour = COLOURS[engine] ?? "#8a8f98";
    const mine = engine === "ours";
    const path = points.map(({ nodes, seconds }) => `${at(x(nodes))},${at(y(seconds))}`).join(" ");
    const dots = points.map(({ nodes, seconds }) =>
      `  <circle cx="${at(x(nodes))}" cy="${at(y(seconds))}" r="${mine ? 4 : 3}" fill="${colour}"/>`
    );
    const foot = x(last.nodes) + 14;
    const height = at(heights[i] as number);
    // Names have the text colour, readable in both modes; the dot shows which line they belong to.
    return [
      `  <polyline points="${path}" fill="none" stroke="${colour}" stroke-width="${mine ? 3.5 : 1.8}"/>`,
      ...dots,
      `  <circle cx="${at(foot)}" cy="${height}" r="4" fill="${colour}"/>`,
      `  <text${mine ? ' class="ours"' : ""} x="${at(foot + 9)}" y="${height}" dy="4">${engine} ${
        last.seconds.toFixed(1)
      } s</text>`,
    ];
  });
}

/** Moves labels, given by ascending height, so that none overlap or fall below the plot. */
function apart(heights: readonly number[]): number[] {
  const moved: number[] = [];
  for (const height of heights) moved.push(Math.max(height, (moved.at(-1) ?? -Infinity) + LABEL_HEIGHT));
  for (let i = moved.length - 1, floor = BOTTOM; i >= 0; i--, floor -= LABEL_HEIGHT) {
    moved[i] = Math.min(moved[i] as number, floor);
  }
  return moved;
}

const at = (value: number) => value.toFixed(1);

if (import.meta.main) {
  const reports = await Promise.all(Deno.args.map(async (path) => JSON.parse(await Deno.readTextFile(path))));
  await Deno.stdout.write(new TextEncoder().encode(plotSwarm(reports)));
}
