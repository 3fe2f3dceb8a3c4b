/** Whether a schedule's time has come. Pure. */
import type { Timetable } from "./timetable.ts";

/** A time counts as kept if the server comes to it this late: a restart for an upgrade takes less. */
export const GRACE_MS = 5 * 60_000;

type Due =
  /** Nothing has come up. */
  | { readonly kind: "not yet" }
  /** A run begins: one, however many times have passed. */
  | { readonly kind: "now"; readonly plannedMs: number; readonly cause: "time" | "catch-up" }
  /** Times passed while the server was off, and are not made up for. */
  | { readonly kind: "missed"; readonly plannedMs: number; readonly count: number };

/** `lookedMs`: up to when the times have been dealt with. */
export function whatIsDue(
  timetable: Timetable,
  { lookedMs, nowMs, catchUp }: { lookedMs: number; nowMs: number; catchUp: boolean },
): Due {
  const passed = timetable.passed({ sinceMs: lookedMs, nowMs });
  if (!passed) return { kind: "not yet" };
  const { lastMs: plannedMs, count } = passed;
  if (nowMs - plannedMs <= GRACE_MS) return { kind: "now", plannedMs, cause: "time" };
  return catchUp ? { kind: "now", plannedMs, cause: "catch-up" } : { kind: "missed", plannedMs, count };
}
