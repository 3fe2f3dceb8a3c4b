import assert from "node:assert/strict";
import { simulate } from "../simulation/simulation.ts";
import { dragonflyTable } from "./dragonfly.ts";
import { ezioTable } from "./ezio_table.ts";
import { goal, tableText } from "./field_table.ts";
import { kascadeTable, withKilled } from "./kascade.ts";
import { kascadeRealTable } from "./kascade_real.ts";
import { krakenTable } from "./kraken.ts";
import { churn, owlTable } from "./owl.ts";
import { percentile } from "../percentile.ts";

Deno.test("a percentile is the nearest rank, and never beyond the values", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  const cases: [number, number][] = [[0, 1], [0.5, 50], [0.99, 99], [0.999, 100], [1, 100]];
  for (const [share, value] of cases) assert.equal(percentile(hundred, share), value, `${share}`);
  assert.equal(percentile([7], 0.01), 7);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

Deno.test("a table's columns are aligned, and a missed goal stands as missed", () => {
  const text = tableText({
    title: "Title",
    source: "somewhere, 2019",
    columns: ["", "ours"],
    rows: [["p50", "1.00"], ["p99.9", "12.00"]],
    conversions: ["Half the rate."],
    goals: [goal("p50", 1, 1), goal("p99.9", 12, 1.4)],
  });
  assert.ok(text.includes("| p50   | 1.00  |\n| p99.9 | 12.00 |"), text);
  assert.ok(text.includes("p50 = 1.00 (goal 1): kept\np99.9 = 12.00 (goal 1.4): MISSED"), text);
  assert.ok(text.includes("Published: somewhere, 2019.\n- Half the rate."), text);
});

Deno.test("Kraken's seconds become multiples of its ten-second limit", () => {
  const ratios = [...Array(990).fill(1.1), ...Array(9).fill(1.35), 1.5];
  const { rows, goals } = krakenTable(ratios, { nodes: 1000, seeds: 5, limitSeconds: 10, sent: 2 });
  assert.deepEqual(rows, [
    ["p50", "10 s", "1.00", "11.0 s", "1.10"],
    ["p99", "18 s", "1.80", "11.0 s", "1.10"],
    ["p99.9", "22 s", "2.20", "13.5 s", "1.35"],
  ]);
  assert.ok(goals.every(({ kept }) => kept));
});

Deno.test("Dragonfly's goal is judged by our slowest row, at any size and rate", () => {
  const result = (engine: string, nodes: number, seconds: number) => {
    return { engine, nodes, seconds, allSeconds: [seconds], cpuSecondsPerGb: 1, memoryMib: 1, serverSent: 1 };
  };
  const results = [result("ours", 1, 4.2), result("aria2", 1, 5), result("ours", 16, 6.4)];
  const report = { sizeBytes: 100e6, rateMbit: 200, results, absent: { libtorrent: "not there" }, bars: [] };
  const { rows, goals, conversions, columns } = dragonflyTable(report);
  assert.deepEqual(columns, ["nodes", "Rackseed", "aria2", "Dragonfly, published"]);
  assert.deepEqual(rows, [
    ["1", "4.2 s (1.05)", "5.0 s (1.25)", "12 s (1.50)"],
    ["16", "6.4 s (1.60)", "", "12 s (1.50)"],
  ]);
  assert.deepEqual(goals.map(({ value, kept }) => [value, kept]), [[1.6, false]]);
  assert.ok(conversions.includes("Without libtorrent: not there."));
});

Deno.test("each node that leaves is replaced at that moment, and the undisturbed swarm is the reference", () => {
  const options = { nodes: 40, percent: 10, withinMs: 5000, seed: 1 };
  const lifetimes = churn(options);
  const leaving = lifetimes.filter(({ leaveMs }) => leaveMs !== undefined);
  assert.equal(lifetimes.length, 44);
  assert.equal(leaving.length, 4);
  for (const { startMs, leaveMs } of leaving) {
    assert.ok(leaveMs! >= startMs && leaveMs! <= startMs + 5000);
    assert.ok(lifetimes.some((other) => other.startMs === leaveMs));
  }
  assert.deepEqual(churn(options), lifetimes);

  const swarms = [1.2, 1.5].map((ratio, i) => {
    return { percent: i * 10, survivors: [ratio], newcomers: i === 0 ? [] : [1.1], serverSent: 1 };
  });
  const { rows, goals } = owlTable(swarms, { nodes: 1, limitSeconds: 10 });
  assert.deepEqual(rows[1], ["10 %", "1.50", "1.50", "1.25", "1.10", "1.00 ×"]);
  assert.deepEqual(goals.map(({ kept }) => kept), [false]);
  assert.throws(() => owlTable([], { nodes: 1, limitSeconds: 10 }), RangeError);
});

Deno.test("in a simulated swarm, those that stay finish although others leave, and seeds share the work", () => {
  const swarm = { sizeBytes: 16 * 2 ** 20, pieceLength: 2 ** 19, linkRate: 100e6, seed: 1 };
  const lifetimes = churn({ nodes: 30, percent: 20, withinMs: 1000, seed: 3 });
  const churned = simulate({ ...swarm, nodes: lifetimes.length, lifetimes });
  assert.equal(churned.stayed.length, 30);
  assert.ok(churned.stayed.every(({ tookMs }) => tookMs >= 16 * 2 ** 20 * 8000 / 100e6));

  const last = (seeds: number) => simulate({ ...swarm, nodes: 10, seeds }).stayed.at(-1)!.tookMs;
  assert.ok(last(5) < last(1), `${last(5)} ms with five seeds, ${last(1)} ms with one`);
});

Deno.test("machines that lose power fall silent at one moment, and the last survivor is compared", () => {
  const lifetimes = withKilled({ percent: 5, atMs: 3000 }, { nodes: 30, seed: 1 });
  const killed = lifetimes.filter(({ leaveMs }) => leaveMs !== undefined);
  assert.deepEqual(killed.map(({ leaveMs, isSilent }) => [leaveMs, isSilent]), [[3000, true], [3000, true]]);

  const swarms = [{ percent: 5, at: 90, survivors: 28, seconds: 12 }];
  const simulated = kascadeTable(swarms, { nodes: 30, undisturbedSeconds: 10, limitSeconds: 8 });
  assert.deepEqual(simulated.rows.at(-1), ["5 % at 90 %", "28", "12.0 s", "1.50", "1.20"]);
  assert.deepEqual(simulated.goals.map(({ kept }) => kept), [false]);

  const real = kascadeRealTable([
    { engine: "ours", killed: 0, at: 0, seconds: 10 },
    { engine: "ours", killed: 1, at: 90, seconds: 11 },
    { engine: "aria2", killed: 0, at: 0, seconds: 20 },
  ], { nodes: 16, sizeBytes: 100e6, rateMbit: 50, absent: { udpcast: "not here" } });
  assert.deepEqual(real.rows, [
    ["none", "10.0 s", "1.00", "20.0 s", "1.00"],
    ["1 at 90 %", "11.0 s", "1.10", "", ""],
  ]);
  assert.deepEqual(real.goals.map(({ value, kept }) => [value, kept]), [[1.1, true]]);
  assert.ok(real.conversions.includes("Without udpcast: not here."));
});

Deno.test("in a simulated swarm, silent machines are not waited for", () => {
  const swarm = { sizeBytes: 16 * 2 ** 20, pieceLength: 2 ** 19, linkRate: 100e6, seed: 1 };
  const lifetimes = withKilled({ percent: 10, atMs: 1500 }, { nodes: 30, seed: 1 });
  const { stayed } = simulate({ ...swarm, nodes: lifetimes.length, lifetimes });
  assert.equal(stayed.length, 27);
  assert.ok(stayed.every(({ tookMs }) => Number.isFinite(tookMs)));
});

Deno.test("EZIO's rows compare each program with itself for the fewest nodes; the goal judges ours alone", () => {
  const results = [
    { engine: "ours", nodes: 1, seconds: 10 },
    { engine: "ours", nodes: 32, seconds: 12 },
    { engine: "libtorrent", nodes: 32, seconds: 30 },
    { engine: "libtorrent", nodes: 1, seconds: 15 },
  ];
  const setting = {
    rawBytes: 48e6,
    imageBytes: 20e6,
    rateMbit: 25,
    diskMb: 3.2,
    absent: { udpcast: "not there" },
  };
  const { rows, goals, conversions } = ezioTable(results, setting);
  assert.deepEqual(rows, [
    ["1", "10.0 s (1.00)", "15.0 s (1.00)", "675 s (1.00)", "390 s (1.00)"],
    ["32", "12.0 s (1.20)", "30.0 s (2.00)", "1143 s (1.69)", "2203 s (5.65)"],
  ]);
  assert.deepEqual(goals.map(({ value, kept }) => [value, kept]), [[1.2, false]]);
  assert.ok(conversions[0]?.includes("a hard disk of 128 MB/s"), conversions[0]);
  assert.ok(conversions.includes("Without udpcast: not there."));
  assert.deepEqual(ezioTable(results.slice(1, 2), setting).goals, [], "one number of nodes shows no growth");
});
