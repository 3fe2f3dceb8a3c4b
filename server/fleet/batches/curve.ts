/** The course of a deployment as a curve with a bounded number of points. Pure. */
import { type DeploymentCurve, MAX_POINTS } from "#contract/api.ts";

const COLUMNS = ["begun", "done", "failed", "server", "web", "peers", "other"] as const;
export type Counts = Record<typeof COLUMNS[number], number>;

/** Points are at least this far apart at first. */
const STEP_SECONDS = 2;

export function emptyCurve(): DeploymentCurve {
  return { seconds: [], begun: [], done: [], failed: [], server: [], web: [], peers: [], other: [] };
}

/**
 * Adds a point; a full curve loses every second one first. A point too soon after the last one replaces it, and so does
 * one that shows no change: a deployment that waits for a node all night is one line.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const curve = emptyCurve();
 * const counts = { begun: 1, done: 0, failed: 0, server: 0, web: 0, peers: 0, other: 0 };
 * for (let s = 0; s <= 10_000; s += 2) addPoint(curve, s, { ...counts, server: s });
 * assert.ok(curve.seconds.length <= 300);
 * assert.deepEqual([curve.seconds[0], curve.seconds.at(-1)], [0, 10_000]);
 * ```
 */
export function addPoint(curve: DeploymentCurve, seconds: number, counts: Counts): void {
  const { length } = curve.seconds;
  const isSoon = length >= 2 && seconds - (curve.seconds[length - 2] ?? 0) < stepOf(curve);
  const isSame = length >= 2 && isLike(curve, length - 1, counts) && isLike(curve, length - 2, counts);
  if (isSoon || isSame) removeLast(curve);
  else if (length >= MAX_POINTS) coarsen(curve);
  curve.seconds.push(seconds);
  for (const column of COLUMNS) curve[column].push(counts[column]);
}

/** What the curve ends with. */
export function lastCounts(curve: DeploymentCurve): Counts {
  return Object.fromEntries(COLUMNS.map((column) => [column, curve[column].at(-1) ?? 0])) as Counts;
}

/** Grows with the curve, so that a long one is coarsened seldom. */
function stepOf({ seconds }: DeploymentCurve): number {
  const span = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0);
  return Math.max(STEP_SECONDS, span / MAX_POINTS);
}

function isLike(curve: DeploymentCurve, at: number, counts: Counts): boolean {
  return COLUMNS.every((column) => curve[column][at] === counts[column]);
}

function removeLast(curve: DeploymentCurve): void {
  for (const column of ["seconds", ...COLUMNS] as const) curve[column].pop();
}

/** The first and the last point stay. */
function coarsen(curve: DeploymentCurve): void {
  const last = curve.seconds.length - 1;
  for (const column of ["seconds", ...COLUMNS] as const) {
    curve[column] = curve[column].filter((_, i) => i % 2 === 0 || i === last);
  }
}
