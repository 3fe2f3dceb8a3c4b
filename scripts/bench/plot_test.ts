import assert from "node:assert/strict";
import { plotSwarm } from "./plot.ts";
import type { SwarmReport } from "./swarm/report.ts";
import type { Result } from "./swarm/result.ts";
import { result } from "./swarm/testing/result.ts";

const report = (results: Result[], rateMbit: number | null = 200): SwarmReport => ({
  sizeBytes: 2 ** 28,
  rateMbit,
  results,
  absent: {},
  bars: [],
});

const heightOf = (svg: string, label: string) => {
  const found = new RegExp(`y="([\\d.]+)"[^>]*>${label}`).exec(svg);
  assert(found, `no label ${label}`);
  return Number(found[1]);
};

Deno.test("every engine has a line and a label, higher for slower engines, and no labels overlap", () => {
  const results = ["ours", "aria2", "libtorrent"].flatMap((engine, i) => [
    result(engine, 1, 12),
    result(engine, 8, 15 + i / 10),
  ]);
  const svg = plotSwarm([report([...results, result("rsync", 8, 90)])]);
  assert.equal(svg.match(/<polyline/g)?.length, 4);
  const heights = ["rsync", "libtorrent", "aria2", "ours"].map((name) => heightOf(svg, name));
  heights.slice(1).forEach((height, i) => assert(height - (heights[i] as number) >= 15.9));
});

Deno.test("the link's limit is drawn if there is one", () => {
  assert.match(plotSwarm([report([result("ours", 1, 12)])]), /size ÷ link: 10\.7 s/);
  assert.doesNotMatch(plotSwarm([report([result("ours", 1, 12)], null)]), /size ÷ link/);
});

Deno.test("the later of two reports of the same measurement counts", () => {
  const svg = plotSwarm([report([result("ours", 1, 12)]), report([result("ours", 1, 11)])]);
  assert.match(svg, /ours 11\.0 s/);
  assert.doesNotMatch(svg, /ours 12\.0 s/);
});

Deno.test("reports with different rates are refused", () => {
  assert.throws(() => plotSwarm([report([]), report([], 100)]), /one rate/);
  assert.throws(() => plotSwarm([]), /one rate/);
});
