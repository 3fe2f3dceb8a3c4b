/** `rackseed schedule …` */
import {
  type RunView,
  ScheduleName,
  type SchedulePreview,
  ScheduleTerms,
  WorkName,
} from "#contract/api/schedules.ts";
import { checked, UsageError } from "../words/usage.ts";
import { formatSeconds, formatTime } from "../words/figures.ts";
import {
  describeCounts,
  describeLast,
  describeNext,
  describeOrder,
  describeTimes,
} from "../words/schedule_text.ts";
import { describeReview } from "../words/review_text.ts";
import { formatZoned } from "../words/zoned_time.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { passphraseFromFile } from "./passphrase.ts";
import { print, printFields, printJson, printTable } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";

interface ScheduleOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

interface TermsOptions extends ScheduleOptions {
  readonly cron: string;
  readonly zone?: string | undefined;
  readonly window?: string[] | undefined;
  readonly batch?: number | undefined;
  readonly stopAfter?: number | undefined;
  /** Seconds. */
  readonly bootWithin?: number | undefined;
  readonly catchUp?: boolean | undefined;
  readonly image?: string | undefined;
  readonly version?: number | undefined;
  readonly keep?: string[] | undefined;
  readonly checkContent?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly identity?: string | undefined;
  readonly unlock?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly planCheck?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly atBoot?: boolean | undefined;
  readonly exclude?: string[] | undefined;
  readonly threshold?: number | undefined;
  readonly power?: boolean | undefined;
  readonly now?: boolean | undefined;
  readonly review?: boolean | undefined;
}

/** Options that belong to some kinds of work only. */
const OPTIONS_OF: Readonly<Record<WorkName, readonly string[]>> = {
  deploy: ["image", "identity", "unlock", "passphraseFile", "planCheck", "force", "power", "now"],
  restore: [
    "image",
    "version",
    "keep",
    "checkContent",
    "dryRun",
    "passphraseFile",
    "planCheck",
    "force",
    "now",
  ],
  backup: ["image", "atBoot", "exclude"],
  check: ["keep", "checkContent", "threshold"],
};

/** Adds a schedule, or sets all terms of one; with `review`, shows what it would do. */
export async function setSchedule(
  verb: "add" | "set",
  { name: text, work, nodes }: { name: string; work: string; nodes: readonly string[] },
  options: TermsOptions,
): Promise<void> {
  const { json, signal, passphraseFile, review } = options;
  const name = checked(ScheduleName, { name: "name", value: text });
  const terms = termsOf(work, nodes, options);
  if (review) {
    using client = await connect(options, signal);
    const preview = await client.call("POST /schedules/preview", { body: terms, signal });
    return json ? printJson(preview) : printPreview(preview);
  }
  // not checked with the rest: its error would show the passphrase
  const passphrase = passphraseFile === undefined ? undefined : await passphraseFromFile(passphraseFile);
  const body = { ...terms, order: present({ ...terms.order, passphrase }) };
  using client = await connect(options, signal);
  const schedule = verb === "add"
    ? await client.call("POST /schedules", { body: { ...body, name }, signal })
    : await client.call("PUT /schedules/:schedule", { schedule: name, body, signal });
  if (json) return printJson(schedule);
  const done = verb === "add" ? "added" : "changed";
  print(`${done} the schedule ${schedule.name}: ${describeOrder(schedule.order, schedule.nodes)}`);
  print("its next times:");
  for (const time of schedule.upcoming) print(`  ${formatZoned(time, schedule.zone)}`);
}

/** Throws UsageError. */
function termsOf(text: string, nodes: readonly string[], options: TermsOptions): ScheduleTerms {
  const { cron, zone, window, batch, stopAfter, bootWithin, catchUp } = options;
  const work = checked(WorkName, { name: "work", value: text });
  refuseOthers(work, options);
  const value = present({
    nodes: [...nodes],
    order: present({ work, ...orderOf(options) }),
    cron,
    zone,
    windows: window,
    batch,
    stopAfter,
    bootSeconds: bootWithin,
    catchUp,
  });
  return checked(ScheduleTerms, { name: "schedule", value });
}

function printPreview({ zone, upcoming, reviews }: SchedulePreview): void {
  print("its next times:");
  for (const { planned, begins } of upcoming) {
    const waits = begins === planned ? "" : `, begins when its window opens: ${formatZoned(begins, zone)}`;
    print(`  ${formatZoned(planned, zone)}${waits}`);
  }
  if (reviews.length === 0) print("Its runs write to no node.");
  for (const review of reviews) {
    print("A run now would do this:");
    for (const line of describeReview(review, { nowMs: Date.now() })) print(`  ${visibleLine(line)}`);
  }
  print("Nothing is added or changed.");
}

export async function listSchedules({ json, signal, ...options }: ScheduleOptions): Promise<void> {
  using client = await connect(options, signal);
  const schedules = await client.call("GET /schedules", { signal });
  if (json) return printJson(schedules);
  if (schedules.length === 0) return print("no schedules yet; see `rackseed schedule add --help`");
  printTable(
    ["schedule", "what", "next", "last outcome"],
    schedules.map((schedule) => [
      schedule.name,
      describeOrder(schedule.order, schedule.nodes),
      describeNext(schedule),
      describeLast(schedule),
    ]),
  );
}

export async function showSchedule(
  name: string,
  { json, signal, ...options }: ScheduleOptions,
): Promise<void> {
  using client = await connect(options, signal);
  const schedule = await client.call("GET /schedules/:schedule", { ...named(name), signal });
  if (json) return printJson(schedule);
  const { order, zone, bootSeconds, upcoming, run, runs } = schedule;
  printFields({
    Schedule: schedule.name,
    What: describeOrder(order, schedule.nodes),
    Nodes: schedule.nodes.join(" "),
    Times: describeTimes(schedule),
    "Boot within": bootSeconds === undefined ? undefined : formatSeconds(bootSeconds),
    "Made by": `${schedule.by}, ${formatTime(schedule.created)}`,
    Next: schedule.paused ? "paused" : upcoming.map((time) => formatZoned(time, zone)).join("; "),
  });
  if (run) printRun(run, zone);
  for (const ended of runs) printRun(ended, zone);
}

export async function changeSchedule(
  verb: "pause" | "resume" | "run" | "remove",
  name: string,
  { signal, ...options }: ScheduleOptions,
): Promise<void> {
  using client = await connect(options, signal);
  if (verb === "remove") {
    await client.call("DELETE /schedules/:schedule", { ...named(name), signal });
    return print(`removed the schedule ${name}`);
  }
  const schedule = await client.call(`POST /schedules/:schedule/${verb}`, { ...named(name), signal });
  if (verb !== "run") return print(`${name}: ${describeNext(schedule)}`);
  const run = schedule.run ?? schedule.runs[0];
  if (run) printRun(run, schedule.zone);
}

/** Throws UsageError if an option has no meaning for this work. */
function refuseOthers(work: WorkName, options: TermsOptions): void {
  const known = new Set(Object.values(OPTIONS_OF).flat());
  for (const [name, value] of Object.entries(options)) {
    // commander sets what stands after --no- to true
    if (value === undefined || value === true && name === "planCheck") continue;
    if (!known.has(name) || OPTIONS_OF[work].includes(name)) continue;
    const works = WorkName.options.filter((other) => OPTIONS_OF[other].includes(name));
    throw new UsageError(`--${flagOf(name)} has no meaning for ${work}: it is for ${works.join(" and ")}`);
  }
  if (work === "deploy" && options.image === undefined) {
    throw new UsageError("say what to deploy: --image NAME");
  }
}

function orderOf(
  {
    image,
    version,
    keep,
    checkContent,
    dryRun,
    identity,
    unlock,
    planCheck,
    force,
    atBoot,
    exclude,
    threshold,
    power,
    now,
  }: TermsOptions,
): object {
  return {
    image,
    version,
    keep,
    check: checkContent ? "content" : undefined,
    dryRun,
    identity,
    unlock,
    planCheck: planCheck === false ? false : undefined,
    force,
    atBoot,
    excludes: exclude,
    threshold,
    power: power ? {} : undefined,
    now,
  };
}

function printRun({ cause, planned, outcome, reason, nodes, failures }: RunView, zone: string): void {
  const how = cause === "time" ? "" : ` (${cause})`;
  print(
    `${(outcome ?? "running").padEnd(8)} ${formatZoned(planned, zone)}${how}: ${describeCounts({ nodes })}`,
  );
  if (reason !== undefined) print(`  ${visibleLine(reason)}`);
  for (const { node, problem } of failures) print(`  ${visibleLine(`${node}: ${problem}`)}`);
}

function flagOf(name: string): string {
  return name === "planCheck"
    ? "no-plan-check"
    : name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Without members that are undefined: the request is checked for unknown ones. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}

/** Throws UsageError. */
function named(name: string): { schedule: string } {
  return { schedule: checked(ScheduleName, { name: "name", value: name }) };
}
