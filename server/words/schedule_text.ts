/** Schedules in words, the same on the page and in a terminal. */
import type { RunView, ScheduledOrder, ScheduleView } from "#contract/api/schedules.ts";
import { formatZoned } from "./zoned_time.ts";

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(describeOrder({ work: "deploy", image: "web@3" }, ["@lab"]), "deploy web@3 to @lab");
 * ```
 */
export function describeOrder(order: ScheduledOrder, nodes: readonly string[]): string {
  const names = nodes.length <= 4 ? nodes.join(" ") : `${nodes.slice(0, 4).join(" ")} …`;
  switch (order.work) {
    case "deploy":
      return `deploy ${order.image} to ${names}`;
    case "restore":
      return `${order.dryRun ? "compare" : "restore"} ${names}${order.image ? ` to ${order.image}` : ""}`;
    case "backup":
      return `back up ${names}${order.atBoot ? " at their boot" : ""}`;
    case "check":
      return `check ${names}`;
  }
}

/** The times at which it runs, and what holds it back. */
export function describeTimes({ cron, zone, windows, batch, stopAfter, catchUp }: ScheduleView): string {
  return [
    `${cron} (${zone})`,
    windows && `only ${windows.join(" and ")}`,
    batch !== undefined && `${batch} at a time`,
    stopAfter !== undefined && `stops after ${stopAfter} ${stopAfter === 1 ? "failure" : "failures"}`,
    catchUp && "missed times are made up for",
  ].filter(Boolean).join("; ");
}

/** "12 done, 1 failed, 3 waiting" */
export function describeCounts({ nodes }: Pick<RunView, "nodes">): string {
  const { waiting, ordered, begun, done, failed, cancelled } = nodes;
  const counts = [
    [done, "done"],
    [failed, "failed"],
    [cancelled, "cancelled"],
    [begun, "under way"],
    [ordered, "waiting for boot"],
    [waiting, "waiting"],
  ] as const;
  return counts.flatMap(([count, word]) => count === 0 ? [] : `${count} ${word}`).join(", ") || "no nodes";
}

/** When it runs next, or how far it is. */
export function describeNext({ run, paused, next, zone }: ScheduleView): string {
  if (run) return `now: ${describeCounts(run)}`;
  if (paused) return "paused";
  return next === undefined ? "never" : formatZoned(next, zone);
}

export function describeLast({ last, zone }: ScheduleView): string {
  return last === undefined ? "–" : `${last.outcome}, ${formatZoned(last.planned, zone)}`;
}
