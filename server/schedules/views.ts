/** Schedules and runs as the API shows them. Pure. */
import type { RunView, ScheduleDetails, ScheduleView } from "#contract/api/schedules.ts";
import type { RunRecord, ScheduleRecord } from "../store/schedules.ts";

const MAX_FAILURES = 20;

export function runView({ number, cause, planned, ended, outcome, reason, parts }: RunRecord): RunView {
  const nodes = { waiting: 0, ordered: 0, begun: 0, done: 0, failed: 0, cancelled: 0 };
  for (const { state } of parts) nodes[state]++;
  return {
    number,
    cause,
    planned,
    ...(ended !== undefined && { ended }),
    ...(outcome !== undefined && { outcome }),
    ...(reason !== undefined && { reason: reason.slice(0, 4000) }),
    nodes,
    failures: parts.filter(({ state }) => state === "failed").slice(0, MAX_FAILURES).map((
      { name, problem = "" },
    ) => ({
      node: name,
      problem: problem.slice(0, 4000),
    })),
  };
}

export function scheduleView(
  { by, lookedMs: _, ...record }: ScheduleRecord,
  { nextMs, run, last }: {
    nextMs: number | undefined;
    run: RunView | undefined;
    last: RunRecord | undefined;
  },
): ScheduleView {
  return {
    ...record,
    by: by.name,
    ...(nextMs !== undefined && !record.paused && { next: new Date(nextMs).toISOString() }),
    ...(run && { run }),
    ...(last && { last: runView(last) }),
  };
}

export function scheduleDetails(
  view: ScheduleView,
  { upcomingMs, runs }: { upcomingMs: readonly number[]; runs: readonly RunRecord[] },
): ScheduleDetails {
  return {
    ...view,
    upcoming: upcomingMs.map((ms) => new Date(ms).toISOString()),
    runs: runs.filter(({ ended }) => ended !== undefined).map(runView),
  };
}
