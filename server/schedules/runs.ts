/** The runs that are under way: which nodes begin, what became of them, and when a run is over. */
import { getLogger } from "@logtape/logtape";
import type { AuditResult } from "#contract/api/audit.ts";
import { DEFAULT_BOOT_SECONDS, type RunOutcome, type ScheduledOrder } from "#contract/api/schedules.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Act } from "../store/audit_log.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Maker, PartRecord, RunRecord, ScheduleRecord, Schedules } from "../store/schedules.ts";
import { formatSeconds } from "../words/figures.ts";
import { GRACE_MS } from "./due.ts";
import { nextStep } from "./run_plan.ts";
import type { Ordered, RecordOrder, Work } from "./work/work.ts";
import { workOf, type Works } from "./work/works.ts";

const log = getLogger(["rackseed", "schedules"]);

export interface RunPorts {
  readonly store: Schedules;
  readonly works: Works;
  /** A node by its id or name. */
  readonly find: (key: string) => NodeRecord | undefined;
  /** Names of the nodes that ranges and groups stand for. Throws if one cannot be resolved. */
  readonly resolve: (patterns: readonly string[]) => string[];
  /** Why the maker of a schedule may not order this now; undefined if it is allowed. */
  readonly refusal: (
    by: Maker,
    of: { nodes: readonly NodeRecord[]; force: boolean },
  ) => RackseedError | undefined;
  /** Records what is about to be done. Throws RackseedError if it cannot be recorded. */
  readonly record: (act: Act) => { end(outcome: { result: AuditResult; status: number }): void };
  /** A run has begun, or got further. */
  readonly onChange: () => void;
  /** A run has ended. */
  readonly onEnd: (schedule: ScheduleRecord, run: RunRecord) => void;
  readonly now: () => number;
}

export class Runs {
  readonly #ports: RunPorts;
  /** By schedule. */
  readonly #current = new Map<string, RunRecord>();

  constructor(ports: RunPorts) {
    this.#ports = ports;
    for (const { name } of ports.store.list()) {
      const run = ports.store.current(name);
      if (run) this.#current.set(name, run);
    }
  }

  current(schedule: string): RunRecord | undefined {
    return this.#current.get(schedule);
  }

  /** Resolves the schedule's nodes. Nothing of it is ordered before `advance`. */
  begin(
    schedule: ScheduleRecord,
    { cause, plannedMs }: { cause: RunRecord["cause"]; plannedMs: number },
  ): void {
    const { store, works, now } = this.#ports;
    const { name, order: asked } = schedule;
    const run = { schedule: name, cause, planned: new Date(plannedMs).toISOString() };
    try {
      const order = workOf(works, asked).pin(asked);
      const parts = this.#partsOf(schedule);
      const number = store.begin({ ...run, order, parts }, { lookedMs: now() });
      this.#current.set(name, { ...run, order, parts, number });
      this.#ports.onChange();
      log.info("schedule-begins", { schedule: name, run: number, cause, nodes: parts.length });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const reason = error instanceof RackseedError ? `${error.title}: ${error.reason}` : error.message;
      this.#endAtOnce(schedule, { ...run, order: asked, parts: [] }, { outcome: "refused", reason });
    }
  }

  /** Enters a time that passed unseen. */
  miss(schedule: ScheduleRecord, { plannedMs, count }: { plannedMs: number; count: number }): void {
    const before = count === 1 ? "" : `, and at ${count - 1} earlier times`;
    const run = {
      schedule: schedule.name,
      cause: "time" as const,
      planned: new Date(plannedMs).toISOString(),
      order: schedule.order,
      parts: [],
    };
    this.#endAtOnce(schedule, run, {
      outcome: "missed",
      reason: `the server was off at this time${before}; it is not made up for`,
    });
  }

  /** Takes the run as far as it goes now. `mayBegin`: a window is open and the schedule is not paused. */
  advance(schedule: ScheduleRecord, { mayBegin }: { mayBegin: boolean }): void {
    const run = this.#current.get(schedule.name);
    if (!run) return;
    const work = workOf(this.#ports.works, run.order);
    this.#change(run, this.#observed(run, { work, bootSeconds: schedule.bootSeconds }));
    const { parts } = this.#current.get(schedule.name) ?? run;
    const limits = { batch: schedule.batch, stopAfter: schedule.stopAfter };
    const step = nextStep(parts, { limits, mayBegin });
    this.#takeBack(run, step.takeBack);
    const begin = step.begin.slice(0, step.begin.length === 0 ? 0 : work.room?.(run.order));
    if (begin.length > 0) this.#order(schedule, begin);
    if (step.end === undefined) return;
    const failed = parts.filter(({ state }) => state === "failed").length;
    const rest = parts.filter(({ state }) => state === "waiting" || state === "ordered").length;
    const reason = step.end === "stopped"
      ? `${failed} of ${parts.length} nodes failed, so that the remaining ${rest} were not begun`
      : step.end === "failed"
      ? `${failed} of ${parts.length} nodes failed`
      : undefined;
    this.#end(schedule, { outcome: step.end, reason });
  }

  /** Whether the run has nothing under way but nodes that had time to boot: then the schedule's next time replaces it. */
  givesWay(schedule: string): boolean {
    const parts = this.#current.get(schedule)?.parts ?? [];
    const ordered = parts.filter(({ state }) => state === "ordered");
    const isLate = ({ orderedMs = 0 }: PartRecord) => this.#ports.now() - orderedMs > GRACE_MS;
    return ordered.length > 0 && ordered.every(isLate) && parts.every(({ state }) => state !== "begun");
  }

  /** Ends the run: what has not begun is taken back. `problem`: of nodes that were ordered and did not boot. */
  giveUp(schedule: ScheduleRecord, { problem }: { problem: string }): void {
    const run = this.#current.get(schedule.name);
    if (!run) return;
    const ordered = run.parts.filter(({ state }) => state === "ordered");
    this.#takeBack(run, ordered.map(({ node }) => node));
    this.#change(run, ordered.map((part) => ({ ...part, state: "failed", problem })));
    this.#end(schedule, { outcome: "failed", reason: problem });
  }

  /** The schedule is removed: takes back what has not begun; what has is finished. */
  forget(schedule: string): void {
    const run = this.#current.get(schedule);
    if (!run) return;
    this.#takeBack(run, run.parts.filter(({ state }) => state === "ordered").map(({ node }) => node));
    this.#current.delete(schedule);
  }

  #partsOf({ nodes }: ScheduleRecord): PartRecord[] {
    const { resolve, find } = this.#ports;
    const parts = resolve(nodes).map((key): PartRecord => {
      const node = find(key);
      return node
        ? { node: node.id, name: node.name, state: "waiting" }
        : { node: key, name: key, state: "failed", problem: "there is no node of this name" };
    });
    return [...new Map(parts.map((part) => [part.node, part])).values()];
  }

  /** The parts that have changed since they were looked at. */
  #observed(
    run: RunRecord,
    { work, bootSeconds = DEFAULT_BOOT_SECONDS }: { work: Work; bootSeconds: number | undefined },
  ): PartRecord[] {
    const { now } = this.#ports;
    const open = run.parts.flatMap((part) =>
      (part.state === "ordered" || part.state === "begun") && part.handle !== undefined
        ? [{ ...part, handle: part.handle }]
        : []
    );
    if (open.length === 0) return [];
    const progress = work.progress(open);
    return open.flatMap((part, i): PartRecord[] => {
      const { state, problem } = progress[i] ?? { state: "cancelled" };
      if (state === "ordered" && now() - (part.orderedMs ?? 0) >= bootSeconds * 1000) {
        work.takeBack(part);
        const late = `it has not booted from the network within ${formatSeconds(bootSeconds)}`;
        return [{ ...part, state: "failed", problem: late }];
      }
      return state === part.state ? [] : [{ ...part, state, ...(problem !== undefined && { problem }) }];
    });
  }

  #takeBack(run: RunRecord, nodes: readonly string[]): void {
    if (nodes.length === 0) return;
    const work = workOf(this.#ports.works, run.order);
    const parts = this.#partsIn(run, nodes);
    for (const { node, handle } of parts) if (handle !== undefined) work.takeBack({ node, handle });
    this.#change(run, parts.map(({ node, name }) => ({ node, name, state: "waiting" })));
    log.info("schedule-takes-back", { schedule: run.schedule, nodes: parts.map(({ name }) => name) });
  }

  /** Orders the next batch, if its maker may still do that. */
  #order(schedule: ScheduleRecord, ids: readonly string[]): void {
    const { store, works, find, refusal, record, now } = this.#ports;
    const run = this.#current.get(schedule.name);
    if (!run) return;
    const parts = this.#partsIn(run, ids);
    const nodes = parts.flatMap(({ node }) => find(node) ?? []);
    const gone = parts.filter(({ node }) => find(node) === undefined);
    this.#change(run, gone.map((part) => ({ ...part, state: "failed", problem: "the node was deleted" })));
    if (nodes.length === 0) return;
    const work = workOf(works, run.order);
    const act = record(actOf(schedule, { action: work.action, nodes, order: run.order }));
    const refused = refusal(schedule.by, { nodes, force: "force" in run.order && run.order.force === true });
    if (refused) {
      act.end({ result: "refused", status: refused.status });
      return this.#end(schedule, { outcome: "refused", reason: `${refused.title}: ${refused.reason}` });
    }
    const orderedMs = now();
    let ordered: Ordered[];
    try {
      ordered = this.#give(run, { work, nodes, orderedMs });
    } catch (error) {
      act.end({ result: "failed", status: 500 });
      // some may have been ordered
      this.#current.set(schedule.name, store.current(schedule.name) ?? run);
      throw error;
    }
    this.#noteOrdered(run, { ordered, orderedMs });
    const isAny = ordered.some((result) => "handle" in result);
    act.end(isAny ? { result: "done", status: 200 } : { result: "refused", status: 409 });
    log.info("schedule-orders", {
      schedule: schedule.name,
      run: run.number,
      nodes: nodes.map(({ name }) => name),
    });
  }

  #give(
    run: RunRecord,
    { work, nodes, orderedMs }: { work: Work; nodes: readonly NodeRecord[]; orderedMs: number },
  ): Ordered[] {
    const { store } = this.#ports;
    const passphrase = store.passphrase(run.schedule);
    const order = (passphrase === undefined ? run.order : { ...run.order, passphrase }) as ScheduledOrder;
    const record: RecordOrder = (ids, handle) => {
      const parts = this.#partsIn(run, ids);
      store.record(run.number, parts.map((part) => ({ ...part, state: "ordered", handle, orderedMs })));
    };
    return work.begin(nodes, order, { record, by: `schedule ${run.schedule}` });
  }

  #noteOrdered(
    run: RunRecord,
    { ordered, orderedMs }: { ordered: readonly Ordered[]; orderedMs: number },
  ): void {
    const results = new Map(ordered.map((result) => [result.node, result]));
    const parts = this.#partsIn(run, [...results.keys()]);
    this.#change(
      run,
      parts.map((part): PartRecord => {
        const result = results.get(part.node) ?? { problem: "it was not ordered" };
        return "handle" in result
          ? { ...part, state: "ordered", handle: result.handle, orderedMs }
          : { ...part, state: "failed", problem: result.problem };
      }),
    );
  }

  #partsIn({ schedule }: RunRecord, nodes: readonly string[]): PartRecord[] {
    const wanted = new Set(nodes);
    return this.#current.get(schedule)?.parts.filter(({ node }) => wanted.has(node)) ?? [];
  }

  /** Stores changed parts. */
  #change({ schedule, number }: RunRecord, changed: readonly PartRecord[]): void {
    if (changed.length === 0) return;
    this.#ports.store.update(number, changed);
    this.#ports.onChange();
    const run = this.#current.get(schedule);
    if (!run) return;
    const byNode = new Map(changed.map((part) => [part.node, part]));
    this.#current.set(schedule, { ...run, parts: run.parts.map((part) => byNode.get(part.node) ?? part) });
  }

  #endAtOnce(
    schedule: ScheduleRecord,
    run: Omit<RunRecord, "number">,
    { outcome, reason }: { outcome: RunOutcome; reason: string },
  ): void {
    const { store, now, onEnd } = this.#ports;
    const ended = { ...run, ended: new Date(now()).toISOString(), outcome, reason };
    const number = store.begin(ended, { lookedMs: now() });
    log.warn(`schedule-${outcome}`, { schedule: schedule.name, run: number, planned: run.planned, reason });
    onEnd(schedule, { ...ended, number });
  }

  #end(
    schedule: ScheduleRecord,
    { outcome, reason }: { outcome: RunOutcome; reason: string | undefined },
  ): void {
    const { store, now, onEnd } = this.#ports;
    const run = this.#current.get(schedule.name);
    if (!run) return;
    const ended = new Date(now()).toISOString();
    store.end(run.number, { ended, outcome, reason });
    this.#current.delete(schedule.name);
    const facts = { schedule: schedule.name, run: run.number, reason };
    if (outcome === "done") log.info("schedule-done", facts);
    else log.warn(`schedule-${outcome}`, facts);
    onEnd(schedule, { ...run, ended, outcome, ...(reason !== undefined && { reason }) });
  }
}

/** As the schedule's own deed; whose schedule it is, stands beside it. */
function actOf(
  { name, by }: ScheduleRecord,
  { action, nodes, order }: { action: string; nodes: readonly NodeRecord[]; order: ScheduledOrder },
): Act {
  return {
    who: `schedule ${name}`,
    role: by.role,
    address: "this server",
    action,
    nodes: nodes.map((node) => node.name),
    images: "image" in order && order.image !== undefined ? [order.image] : [],
    subject: `made by ${by.name}`,
  };
}
