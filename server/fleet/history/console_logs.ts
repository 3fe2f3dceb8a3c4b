/**
 * What the nodes' agents write to their logs while they work, for those who watch. Only in memory, and bounded for each
 * node and for all of them: the steps, with the end of the log of one that failed, are stored.
 */
import type { ConsoleLine, ConsoleView, StepReport } from "#contract/api.ts";
import { present } from "../present.ts";

const KEPT_LINES = 400;
/** Of all nodes together, in characters; the logs that nothing was added to for the longest time are dropped first. */
const KEPT_CHARS = 32 << 20;
/** Requests that wait for the next line. */
const MAX_WAITING = 200;

interface Log {
  readonly deployment: string;
  readonly lines: ConsoleLine[];
  chars: number;
  last: number;
}

export class ConsoleLogs {
  /** By node id, the one that was added to last at the end. */
  readonly #logs = new Map<string, Log>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #now: () => number;
  #chars = 0;
  #waiters = 0;

  constructor({ now }: { now: () => number }) {
    this.#now = now;
  }

  add({ node, deployment }: { node: string; deployment: string }, report: StepReport): void {
    const texts = report.console ?? linesOf(report);
    if (texts.length === 0) return;
    const at = new Date(this.#now()).toISOString(), log = this.#logOf(node, deployment);
    for (const text of texts) {
      log.lines.push({ number: ++log.last, at, text });
      this.#grow(log, text.length);
    }
    for (const { text } of log.lines.splice(0, Math.max(0, log.lines.length - KEPT_LINES))) {
      this.#grow(log, -text.length);
    }
    this.#dropOldest(node);
    for (const wake of this.#waiting.get(node) ?? []) wake();
  }

  /** The lines after this number; all that are kept if there is no such number. */
  view(node: string, { after }: { after: number }): ConsoleView {
    const log = this.#logs.get(node);
    const from = after > (log?.last ?? 0) ? 0 : after;
    return {
      lines: log?.lines.filter(({ number }) => number > from) ?? [],
      next: log?.last ?? 0,
      ...present("deployment", log?.deployment),
    };
  }

  /** The same, but waits for a line until the signal aborts. */
  async next(node: string, { after, signal }: { after: number; signal: AbortSignal }): Promise<ConsoleView> {
    const view = this.view(node, { after });
    if (view.lines.length > 0 || signal.aborted || this.#waiters >= MAX_WAITING) return view;
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = this.#waiting.get(node) ?? new Set();
    this.#waiting.set(node, mine.add(resolve));
    signal.addEventListener("abort", () => resolve(), { once: true });
    this.#waiters++;
    await promise;
    this.#waiters--;
    mine.delete(resolve);
    if (mine.size === 0) this.#waiting.delete(node);
    return this.view(node, { after });
  }

  forget(node: string): void {
    const log = this.#logs.get(node);
    this.#chars -= log?.chars ?? 0;
    this.#logs.delete(node);
  }

  /** A new order begins a new log; its numbers go on. */
  #logOf(node: string, deployment: string): Log {
    const old = this.#logs.get(node);
    if (old?.deployment === deployment) {
      this.#logs.delete(node);
      this.#logs.set(node, old);
      return old;
    }
    this.forget(node);
    const log: Log = { deployment, lines: [], chars: 0, last: old?.last ?? 0 };
    this.#logs.set(node, log);
    return log;
  }

  #grow(log: Log, chars: number): void {
    log.chars += chars;
    this.#chars += chars;
  }

  #dropOldest(except: string): void {
    for (const node of this.#logs.keys()) {
      if (this.#chars <= KEPT_CHARS || node === except) return;
      this.forget(node);
    }
  }
}

/** For agents of earlier releases, which send no lines. */
function linesOf({ step, state, message, problem }: StepReport): string[] {
  if (state === "running") return [];
  const what = problem ? `${problem.title}: ${problem.detail}` : message;
  return [`${step}: ${state}${what === undefined ? "" : `, ${what}`}`.slice(0, 1000)];
}
