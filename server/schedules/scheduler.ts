/** The schedules: what people set, and what happens when their times come. */
import { getLogger } from "@logtape/logtape";
import type {
  RunView,
  ScheduleAdd,
  ScheduleDetails,
  SchedulePreview,
  ScheduleTerms,
  ScheduleView,
} from "#contract/api/schedules.ts";
import type { ReviewRequest } from "#contract/api/reviews.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Maker, RunRecord, ScheduleRecord } from "../store/schedules.ts";
import { formatZoned } from "../words/zoned_time.ts";
import { whatIsDue } from "./due.ts";
import { type RunPorts, Runs } from "./runs.ts";
import { Timetable } from "./timetable.ts";
import { runView, scheduleDetails, scheduleView } from "./views.ts";
import { Windows } from "./windows.ts";
import { workOf } from "./work/works.ts";

const log = getLogger(["rackseed", "schedules"]);
const MAX_SCHEDULES = 200;
/** Pause after an error, such as a full disk. */
const RETRY_MS = 60_000;

export interface SchedulerOptions extends RunPorts {
  /** The zone of schedules that name none. */
  readonly zone: string;
  /** A schedule cannot be carried out, or can be again; `problem`: undefined. */
  readonly onTrouble: (schedule: string, problem: string | undefined) => void;
}

interface Entry {
  readonly record: ScheduleRecord;
  readonly timetable: Timetable;
  readonly windows: Windows;
  nextMs: number | undefined;
  retryMs: number;
  last: RunRecord | undefined;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #runs: Runs;
  readonly #entries = new Map<string, Entry>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#runs = new Runs({
      ...options,
      onEnd: (schedule, run) => {
        const entry = this.#entries.get(schedule.name);
        if (entry) entry.last = run;
        options.onChange();
        options.onEnd(schedule, run);
      },
    });
    for (const record of options.store.list()) {
      try {
        this.#hold(record);
      } catch (error) {
        // the zone database of another release may lack a zone
        log.error("schedule-unusable", { schedule: record.name, error: messageOf(error) });
        options.onTrouble(record.name, messageOf(error));
      }
    }
  }

  list(): ScheduleView[] {
    const entries = [...this.#entries.values()].sort((a, b) => a.record.name < b.record.name ? -1 : 1);
    return entries.map((entry) => this.#view(entry));
  }

  /** Throws RackseedError (404). */
  get(name: string): ScheduleDetails {
    const entry = this.#entry(name);
    const { store, now } = this.#options;
    return scheduleDetails(this.#view(entry), {
      upcomingMs: entry.timetable.upcoming(now(), 3),
      runs: store.runs(name),
    });
  }

  /** Ranges and groups that it is for; undefined if there is no such schedule. */
  nodesOf(name: string): readonly string[] | undefined {
    return this.#entries.get(name)?.record.nodes;
  }

  /** What a schedule with these terms would do. Throws RackseedError (400, 404). */
  preview(
    { zone = this.#options.zone, ...terms }: ScheduleTerms,
  ): Omit<SchedulePreview, "reviews"> & { orders: ReviewRequest[] } {
    const { works, now } = this.#options;
    const { timetable, windows } = this.#times("preview this schedule", { ...terms, zone });
    const upcoming = timetable.upcoming(now(), 5).map((ms) => ({
      planned: new Date(ms).toISOString(),
      begins: new Date(windows.opens(ms)).toISOString(),
    }));
    const nodes = this.#nodesOf(terms.nodes);
    return { zone, upcoming, orders: workOf(works, terms.order).reviews(nodes, terms.order) };
  }

  /** Throws RackseedError (400, 404, 409) if it could not be carried out as it is. */
  add({ zone = this.#options.zone, ...request }: ScheduleAdd, by: Maker): ScheduleDetails {
    const { store, now } = this.#options;
    const { name } = request;
    if (this.#entries.has(name)) {
      throw new RackseedError(`cannot add the schedule ${name}`, {
        reason: "there is one of this name already.",
        remedy: `choose another name, or remove that one first: rackseed schedule remove ${name}`,
        status: 409,
      });
    }
    if (this.#entries.size >= MAX_SCHEDULES) {
      throw new RackseedError(`cannot add the schedule ${name}`, {
        reason: `there are ${MAX_SCHEDULES} already, which is the limit.`,
        remedy: "remove one: rackseed schedule remove NAME",
        status: 409,
      });
    }
    this.#prove(`add the schedule ${name}`, { ...request, zone });
    const record: ScheduleRecord = {
      ...request,
      zone,
      by,
      created: new Date(now()).toISOString(),
      paused: false,
      lookedMs: now(),
    };
    store.add(record);
    this.#reload(name);
    log.info("schedule-added", { schedule: name, by: by.name, cron: request.cron, zone });
    return this.get(name);
  }

  /**
   * Sets all of its terms. A run that is under way goes on with the order that it began with; times that passed are not
   * made up for. Throws RackseedError (400, 404, 409) if it could not be carried out as it is.
   */
  change(
    name: string,
    { zone = this.#options.zone, ...wanted }: ScheduleTerms,
    by: Maker,
  ): ScheduleDetails {
    const { store, now } = this.#options;
    const { record } = this.#entry(name), kept = store.passphrase(name);
    const order = withPassphrase(wanted.order, { kept, before: record.order });
    const terms = { ...wanted, order, zone };
    this.#prove(`change the schedule ${name}`, terms);
    if (this.#runs.current(name) && kept !== passphraseOf(order)) {
      throw new RackseedError(`cannot change the schedule ${name}`, {
        reason: "a run that is under way needs its passphrase.",
        remedy: "wait until it has ended, or cancel its nodes: rackseed node cancel NODE",
        status: 409,
      });
    }
    store.change(name, { ...terms, by, lookedMs: now() });
    this.#reload(name);
    log.info("schedule-changed", { schedule: name, by: by.name, cron: terms.cron, zone });
    return this.get(name);
  }

  /** Nothing of it begins until it is resumed. Throws RackseedError (404). */
  pause(name: string): ScheduleDetails {
    this.#entry(name);
    this.#options.store.setPaused(name, true);
    this.#reload(name);
    this.#advance(this.#entry(name));
    return this.get(name);
  }

  /** Times that passed meanwhile are not made up for. Throws RackseedError (404). */
  resume(name: string): ScheduleDetails {
    const { store, now } = this.#options;
    this.#entry(name);
    store.setLooked(name, now());
    store.setPaused(name, false);
    this.#reload(name);
    this.#advance(this.#entry(name));
    return this.get(name);
  }

  /** Begins a run now, or as soon as a window opens. Throws RackseedError (404, 409). */
  run(name: string): ScheduleDetails {
    const entry = this.#entry(name);
    const running = this.#runs.current(name);
    if (running || entry.record.paused) {
      throw new RackseedError(`cannot run the schedule ${name}`, {
        reason: running ? "a run of it has not ended." : "it is paused.",
        remedy: running
          ? `see how far it is: rackseed schedule show ${name}`
          : `resume it: rackseed schedule resume ${name}`,
        status: 409,
      });
    }
    this.#runs.begin(entry.record, { cause: "by hand", plannedMs: this.#options.now() });
    this.#advance(entry);
    return this.get(name);
  }

  /** What it has begun is finished. Throws RackseedError (404). */
  remove(name: string): void {
    const { store } = this.#options;
    // one that cannot be used has no entry
    if (!store.list().some((schedule) => schedule.name === name)) this.#entry(name);
    this.#runs.forget(name);
    store.delete(name);
    this.#entries.delete(name);
    this.#options.onTrouble(name, undefined);
    this.#options.onChange();
    log.info("schedule-removed", { schedule: name });
  }

  /** Begins what is due, and takes what is under way further. */
  tick(): void {
    const nowMs = this.#options.now();
    for (const entry of [...this.#entries.values()]) {
      if (nowMs < entry.retryMs) continue;
      const { name } = entry.record;
      try {
        this.#advance(entry);
        if (!entry.record.paused && entry.nextMs !== undefined && entry.nextMs <= nowMs) this.#due(entry);
        if (entry.retryMs > 0) this.#options.onTrouble(name, undefined);
        entry.retryMs = 0;
      } catch (error) {
        // it may have been loaded again meanwhile
        (this.#entries.get(name) ?? entry).retryMs = nowMs + RETRY_MS;
        log.error("schedule-stuck", { schedule: name, error: messageOf(error) });
        this.#options.onTrouble(name, messageOf(error));
      }
    }
  }

  /** The last run of each schedule, if one has ended. */
  lastRuns(): RunRecord[] {
    return [...this.#entries.values()].flatMap(({ last }) => last ?? []);
  }

  #due(entry: Entry): void {
    const { record, timetable } = entry;
    const { store, now } = this.#options;
    const nowMs = now();
    const due = whatIsDue(timetable, { lookedMs: record.lookedMs, nowMs, catchUp: record.catchUp ?? false });
    if (due.kind === "now" && this.#runs.current(record.name)) this.#giveWay(entry);
    if (due.kind === "missed") this.#runs.miss(record, due);
    else if (due.kind === "now" && !this.#runs.current(record.name)) this.#runs.begin(record, due);
    else if (due.kind === "now") log.warn("schedule-still-running", { schedule: record.name });
    store.setLooked(record.name, nowMs);
    this.#reload(record.name);
    this.#advance(this.#entry(record.name));
  }

  /** Machines that are off must not hold up the schedule for good. */
  #giveWay({ record, windows }: Entry): void {
    if (!windows.isOpen(this.#options.now()) || !this.#runs.givesWay(record.name)) return;
    const problem = "it had not booted from the network when the schedule's next time came";
    this.#runs.giveUp(record, { problem });
  }

  #advance({ record, windows }: Entry): void {
    const mayBegin = !record.paused && windows.isOpen(this.#options.now());
    this.#runs.advance(record, { mayBegin });
  }

  #view(entry: Entry): ScheduleView {
    const { record, nextMs, last } = entry;
    return scheduleView(record, { nextMs, run: this.#runView(entry), last });
  }

  /** With what it waits for. */
  #runView({ record, windows }: Entry): RunView | undefined {
    const run = this.#runs.current(record.name);
    if (!run) return undefined;
    const view = runView(run), nowMs = this.#options.now();
    if (view.nodes.waiting === 0) return view;
    if (record.paused) return { ...view, reason: "waits, because the schedule is paused" };
    if (windows.isOpen(nowMs)) return view;
    const opens = formatZoned(new Date(windows.opens(nowMs)).toISOString(), record.zone);
    return { ...view, reason: `waits for its window, which opens on ${opens}` };
  }

  /** Throws RackseedError (400, 404, 409) if it could not be carried out. `what`: after "cannot". */
  #prove(what: string, terms: ScheduleTerms & { zone: string }): void {
    this.#times(what, terms);
    workOf(this.#options.works, terms.order).check(this.#nodesOf(terms.nodes), terms.order);
  }

  /** Throws RackseedError (400) if they cannot be read, or never come. */
  #times(
    what: string,
    { cron, zone, windows }: Pick<ScheduleTerms, "cron" | "windows"> & { zone: string },
  ): Pick<Entry, "timetable" | "windows"> {
    const timetable = Timetable.parse({ cron, zone });
    if (timetable.next(this.#options.now()) !== undefined) {
      return { timetable, windows: new Windows(windows, { zone }) };
    }
    throw new RackseedError(`cannot ${what}`, {
      reason: `the time "${cron}" never comes.`,
      remedy: "correct the day and the month; an example: 0 3 1 * *",
      status: 400,
    });
  }

  /** Throws RackseedError: 400 if a group is empty, 404 if a node is not known. */
  #nodesOf(patterns: readonly string[]) {
    const { resolve, find } = this.#options;
    let names: string[];
    try {
      names = resolve(patterns);
    } catch (error) {
      throw new RackseedError("cannot use these nodes", {
        reason: messageOf(error),
        remedy: "correct the names, or put nodes into the group: rackseed node set NODE --group LABEL",
        status: 400,
      });
    }
    const unknown = names.filter((name) => find(name) === undefined);
    if (unknown.length > 0) {
      throw new RackseedError(
        `cannot find ${unknown.length === 1 ? "the node" : "the nodes"} ${shortList(unknown)}`,
        {
          reason: "no node has this name, MAC address or id.",
          remedy: "check it with rackseed node list, or create it: rackseed node set NODE --mac MAC",
          status: 404,
        },
      );
    }
    return names.flatMap((name) => find(name) ?? []);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry) return entry;
    throw new RackseedError(`cannot find the schedule ${name}`, {
      reason: "there is none of this name.",
      remedy: "see `rackseed schedule list`.",
      status: 404,
    });
  }

  /** After a change of its record. */
  #reload(name: string): void {
    const record = this.#options.store.list().find((schedule) => schedule.name === name);
    if (record) this.#hold(record);
    this.#options.onChange();
  }

  /** Throws RackseedError or RangeError if its times cannot be read. */
  #hold(record: ScheduleRecord): void {
    const timetable = Timetable.parse(record);
    this.#entries.set(record.name, {
      record,
      timetable,
      windows: new Windows(record.windows, record),
      nextMs: timetable.next(record.lookedMs),
      retryMs: 0,
      last: this.#options.store.runs(record.name, { limit: 2 }).find(({ ended }) => ended !== undefined),
    });
  }
}

function passphraseOf(order: ScheduleTerms["order"]): string | undefined {
  return "passphrase" in order ? order.passphrase : undefined;
}

/** The passphrase that is kept holds on for the image that it is for. */
function withPassphrase(
  order: ScheduleTerms["order"],
  { kept, before }: { kept: string | undefined; before: ScheduleTerms["order"] },
): ScheduleTerms["order"] {
  if (kept === undefined || passphraseOf(order) !== undefined) return order;
  const isSame = (order.work === "deploy" || order.work === "restore") && order.work === before.work &&
    order.image === before.image;
  return isSame ? { ...order, passphrase: kept } : order;
}

function shortList(names: readonly string[]): string {
  return names.length <= 10
    ? names.join(", ")
    : `${names.slice(0, 10).join(", ")} and ${names.length - 10} more`;
}
