/** Schedules in the reader's words. */
import type { RunOutcome, RunView, ScheduledOrder, ScheduleView } from "#contract/api/schedules.ts";
import { durationText } from "../../messages/figures.ts";
import { language } from "../../messages/language.ts";
import { t } from "./messages.ts";
import { runsOf, timesOf } from "./times.ts";

/** Names in one line that a person still reads. */
const NAMES = 4;

export function orderText(order: ScheduledOrder, patterns: readonly string[]): string {
  const names = patterns.slice(0, NAMES).join(", "), more = patterns.length - NAMES;
  const nodes = more > 0 ? t("andMore", { names, n: more }) : names;
  switch (order.work) {
    case "deploy":
      return t("deployWhat", { image: order.image, nodes });
    case "restore":
      if (order.dryRun) return t("compareWhat", { nodes });
      return order.image === undefined
        ? t("restoreWhat", { nodes })
        : t("restoreTo", { nodes, image: order.image });
    case "backup":
      return t(order.atBoot ? "backupBoot" : "backupWhat", { nodes });
    case "check":
      return t("checkWhat", { nodes });
  }
}

// 2026-06-07 is a Sunday
const weekday = new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" });
export const DAYS = Array.from({ length: 7 }, (_, day) => weekday.format(Date.UTC(2026, 5, 7 + day)));
/** As weeks are written: from Monday on. */
export const WEEK = [1, 2, 3, 4, 5, 6, 0];

/** When it runs; an expression that words are too few for stands for itself. */
export function timesText(cron: string): string {
  const { often, clock, minute, days, dayOfMonth } = timesOf(cron);
  switch (often) {
    case "hourly":
      return t("everyHour", { minute });
    case "daily":
      return t("everyDay", { clock });
    case "weekly":
      return t("onDays", { clock, days: daysText(days) });
    case "monthly":
      return t("onDay", { clock, day: dayOfMonth });
    case "cron":
      return cron;
  }
}

function daysText(days: readonly number[]): string {
  // Sunday ends the week
  const runs = runsOf(days.map((day) => day || 7));
  const name = (day: number | undefined = 0) => DAYS[day % 7] ?? "";
  return runs.map((run) => run.length > 2 ? `${name(run[0])}–${name(run.at(-1))}` : run.map(name).join(", "))
    .join(", ");
}

/** What holds its runs back. */
export function limitsText(
  { windows, batch, stopAfter, bootSeconds, catchUp }: Pick<
    ScheduleView,
    "windows" | "batch" | "stopAfter" | "bootSeconds" | "catchUp"
  >,
): string {
  return [
    ...windows ? [t("onlyWithin", { windows: windows.join(", ") })] : [],
    ...batch === undefined ? [] : [t("atATime", { n: batch })],
    ...stopAfter === undefined ? [] : [t("stopsAfter", { n: stopAfter })],
    ...bootSeconds === undefined ? [] : [t("bootWithin", { time: durationText(bootSeconds) })],
    ...catchUp ? [t("madeUp")] : [],
  ].join("; ");
}

const COUNTS = ["done", "failed", "cancelled", "begun", "ordered", "waiting"] as const;

/** "12 done, 1 failed, 3 waiting" */
export function countsText({ nodes }: Pick<RunView, "nodes">): string {
  return COUNTS.flatMap((state) => nodes[state] === 0 ? [] : t(state, { n: nodes[state] })).join(", ") ||
    t("noNodes");
}

const OUTCOMES = {
  done: "outcomeDone",
  failed: "outcomeFailed",
  stopped: "outcomeStopped",
  refused: "outcomeRefused",
  missed: "outcomeMissed",
} as const;
const CAUSES = { "time": "causeTime", "catch-up": "causeCatchUp", "by hand": "causeByHand" } as const;

export function outcomeText(outcome: RunOutcome | undefined): string {
  return outcome === undefined ? t("running") : t(OUTCOMES[outcome]);
}

export function causeText(cause: RunView["cause"]): string {
  return t(CAUSES[cause]);
}

const MINE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What the clock of a time zone shows, with the day of the week. */
export function clockText(iso: string, zone?: string): string {
  return new Intl.DateTimeFormat(language, {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  }).format(new Date(iso));
}

/** Whether a clock in this zone shows the same as the reader's at this moment. */
export function isSameClock(iso: string, zone: string): boolean {
  return zone === MINE || clockText(iso) === clockText(iso, zone);
}
