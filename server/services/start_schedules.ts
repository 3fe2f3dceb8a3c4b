/** Schedules: orders at times, and those who learn how their runs ended. */
import type { People } from "../access/people.ts";
import { refusalOf } from "../access/principal.ts";
import { RackseedError } from "#contract/errors.ts";
import type { CaptureService } from "../capture/capture_service.ts";
import type { Backups } from "../fleet/backups/backups.ts";
import type { BootBackups } from "../fleet/backups/boot_backups.ts";
import type { Checks } from "../fleet/checks/checks.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Images, Publish } from "../fleet/ports.ts";
import type { Notices } from "../images/notices.ts";
import type { ScheduleMetrics } from "../metrics/schedule_metrics.ts";
import type { Starter } from "../schedules/work/installs.ts";
import { Scheduler, type SchedulerOptions } from "../schedules/scheduler.ts";
import { runView } from "../schedules/views.ts";
import { allWorks } from "../schedules/work/works.ts";
import { type Maker, type RunRecord, type ScheduleRecord, Schedules } from "../store/schedules.ts";
import { nodeNames } from "../words/node_names.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";
import type { ServerData } from "./open_data.ts";
import { every, type StartContext } from "./start_context.ts";

const TICK_MS = 1000;

interface ScheduleSources {
  readonly data: ServerData;
  readonly fleet: Fleet;
  readonly images: Images;
  readonly captures: CaptureService;
  readonly backups: Backups;
  readonly bootBackups: BootBackups;
  readonly checks: Checks;
  readonly power: Starter;
  readonly people: People;
  readonly notices: Notices;
  readonly webhooks: Pick<Webhooks, "emit">;
  readonly metrics: ScheduleMetrics;
  readonly publish: Publish;
}

export function startSchedules(
  { stack, now }: StartContext,
  { data, fleet, images, captures, backups, bootBackups, checks, power, people, publish, ...told }:
    ScheduleSources,
): Scheduler {
  const { nodes, deployments, audit, db, directory } = data;
  const { orders, clones } = fleet;
  const scheduler = new Scheduler({
    store: new Schedules(db, directory),
    works: allWorks({
      nodes,
      deployments,
      images,
      orders,
      clones,
      captures,
      backups,
      bootBackups,
      checks,
      power,
      now,
    }),
    find: (key) => nodes.find(key),
    resolve: (patterns) => nodeNames(patterns, { nodes: nodes.list() }),
    refusal: (by, { nodes, force }) => refusalFor(people, by, { nodes, force }),
    record: (act) => audit.begin(act),
    onChange: () => publish({ type: "schedules" }),
    onEnd: (schedule, run) => tell({ schedule, run }, told),
    onTrouble: (schedule, problem) =>
      told.notices.set(
        `trouble with the schedule ${schedule}`,
        problem === undefined ? undefined : {
          subject: `schedule ${schedule}`,
          problem: `it cannot be carried out: ${problem.replace(/\.$/, "")}`,
          remedy: "see the server's log; it is tried again each minute",
        },
      ),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    now,
  });
  for (const { name, last } of scheduler.list()) {
    if (last) notice({ name, outcome: last.outcome, reason: last.reason }, told.notices);
  }
  told.metrics.ask(() => scheduler.list());
  stack.use(every(TICK_MS, () => scheduler.tick()));
  return scheduler;
}

/** The rights of the person who made it, as they are now. */
function refusalFor(
  people: People,
  by: Maker,
  { nodes, force }: Parameters<SchedulerOptions["refusal"]>[1],
): RackseedError | undefined {
  const principal = people.ofMaker(by);
  if (!principal) {
    return new RackseedError(`${by.name} may not do this`, {
      reason: `${by.user} is no user of this server any more.`,
      remedy: "let somebody else make the schedule again.",
      status: 403,
    });
  }
  const named = nodes.map(({ name, settings: { group } }) => ({ name, group }));
  return refusalOf(principal, { access: force ? "operate" : "order", nodes: named });
}

function tell(
  { schedule: { name, order, nodes }, run }: { schedule: ScheduleRecord; run: RunRecord },
  { notices, webhooks, metrics }: Pick<ScheduleSources, "notices" | "webhooks" | "metrics">,
): void {
  const { outcome = "failed", reason, planned, ended } = run;
  const { failures, nodes: counts } = runView(run);
  metrics.ended({ work: order.work, outcome });
  const event = outcome === "done" || outcome === "missed"
    ? `schedule.${outcome}` as const
    : "schedule.failed";
  webhooks.emit({
    event,
    data: {
      schedule: name,
      work: order.work,
      nodes,
      outcome,
      reason,
      planned,
      ended,
      counts,
      failures,
    },
  });
  notice({ name, outcome, reason }, notices);
}

/** Shown until a later run is done. */
function notice(
  { name, outcome, reason = "" }: {
    name: string;
    outcome: RunRecord["outcome"];
    reason: string | undefined;
  },
  notices: Notices,
): void {
  notices.set(
    noticeKey(name),
    outcome === "done" ? undefined : {
      subject: `schedule ${name}`,
      problem: `its last run was ${outcome === "failed" ? "not done everywhere" : outcome}: ${
        reason.replace(/\.$/, "")
      }`,
      remedy: `see rackseed schedule show ${name}; to run it again: rackseed schedule run ${name}`,
    },
  );
}

function noticeKey(name: string): string {
  return `schedule ${name}`;
}
