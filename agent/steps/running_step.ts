/** One step while it runs: shown on the console, reported to the server, timed. */
import type { StepReport } from "#contract/api.ts";
import { firstError, messageOf, RackseedError } from "#contract/errors.ts";
import { type Step, STEPS } from "#contract/api/steps.ts";
import type { Console } from "../sys/console.ts";
import type { LogTail } from "./log_tail.ts";
import type { Reporter } from "./reporter.ts";
import type { StepOutcome, StepProgress, StepState } from "./step.ts";

export interface StepSurroundings {
  readonly reporter: Reporter;
  readonly console: Console;
  readonly log: LogTail;
  readonly signal: AbortSignal;
  /** Interval between reports of a step that has no news. */
  readonly heartbeatMs?: number;
}

/** How long the last report is retried: it disarms the node, which would otherwise be installed again and again. */
const FINISH_BUDGET_MS = 30 * 60_000;
const FAILED_BUDGET_MS = 2 * 60_000;
/** Lines of a plan on the console: a thousand would take seconds on a serial line. */
const CONSOLE_LINES = 40;
/** From these reports the server knows that the node is alive. */
const HEARTBEAT_MS = 10_000;

export class RunningStep implements StepProgress {
  readonly #step: Step;
  readonly #surroundings: StepSurroundings;
  readonly #started = performance.now();
  /** "[ 7/22] plan" */
  readonly #head: string;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  #state: StepState = {};
  #sending: Promise<unknown>;
  #sentAt = this.#started;
  #isSending = false;
  /** Runs while there is news that came too soon after the last report. */
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(step: Step, surroundings: StepSurroundings) {
    const { reporter, console, log, heartbeatMs = HEARTBEAT_MS } = surroundings;
    this.#step = step;
    this.#surroundings = surroundings;
    this.#head = `[${String(STEPS.indexOf(step) + 1).padStart(2)}/${STEPS.length}] ${step}`;
    this.#sending = reporter.send({ step, state: "running", elapsedMs: 0 });
    this.#heartbeat = setInterval(() => reporter.isConnected && this.#report(), heartbeatMs);
    console.show?.({ step, message: undefined, transfer: undefined });
    console.progress(`${this.#head} …`);
    log.add(`step ${step}`);
  }

  /** May be passed on as it is. */
  readonly update = (state: StepState): void => {
    this.#state = { ...this.#state, ...state };
    const { console } = this.#surroundings;
    console.progress(`${this.#head}: ${progressLine(this.#state)}`);
    console.show?.(this.#state);
    this.#report();
  };

  /** Throws RackseedError if the operator cancelled, or if the last report does not reach the server. */
  async done(outcome: StepOutcome): Promise<void> {
    const { reporter, console, log, signal } = this.#surroundings;
    this.#endTimers();
    await this.#sending;
    const report = doneReport(this.#step, this.#elapsedMs(), outcome);
    const { message = "done", planLines = [] } = outcome;
    console.line(`${this.#head}: ${message} (${seconds(report.elapsedMs)})`);
    for (const line of planLines.slice(0, CONSOLE_LINES)) console.line(`        ${line}`);
    const more = planLines.length - CONSOLE_LINES;
    if (more > 0) console.line(`        and ${more} lines more, which the server has`);
    log.add(`${this.#step}: ${message} (${seconds(report.elapsedMs)})`);
    if (this.#step !== "finish") return await this.#send(report);
    const isSent = await reporter.insist({ ...report, console: log.unsent() }, {
      budgetMs: FINISH_BUDGET_MS,
      signal,
    });
    reporter.cancelled.throwIfAborted();
    if (!isSent) throw notDisarmed();
  }

  /** Returns the error as reported. */
  async failed(error: unknown): Promise<RackseedError> {
    const { reporter, console, log, signal } = this.#surroundings;
    this.#endTimers();
    const problem = asRackseedError(error, this.#step);
    console.line(`${this.#head}: FAILED after ${seconds(this.#elapsedMs())}`);
    log.add(problem.message);
    await this.#sending;
    await reporter.insist({
      step: this.#step,
      state: "failed",
      elapsedMs: this.#elapsedMs(),
      message: problem.title.slice(0, 8000),
      problem: boundedProblem(problem),
      log: log.lines(),
      console: log.unsent(),
    }, { budgetMs: FAILED_BUDGET_MS, signal });
    return problem;
  }

  #report(): void {
    const { reporter } = this.#surroundings;
    // one at a time: none overtakes another, and a slow server is not flooded
    if (this.#isSending) return;
    clearTimeout(this.#later);
    const waitMs = this.#sentAt + reporter.pauseMs - performance.now();
    if (waitMs > 0) {
      this.#later = setTimeout(() => this.#report(), waitMs);
      return;
    }
    this.#isSending = true;
    this.#sentAt = performance.now();
    const { message, transfer, times } = this.#state;
    const report: StepReport = { step: this.#step, state: "running", elapsedMs: this.#elapsedMs() };
    if (message !== undefined) report.message = message.slice(0, 8000);
    if (transfer !== undefined) report.progress = transfer;
    if (times !== undefined) report.times = times;
    this.#sending = this.#sending.then(() => this.#send(report)).then(() => {
      this.#isSending = false;
    });
  }

  #endTimers(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#later);
  }

  /** Takes along what was logged since the last report that arrived. */
  async #send(report: StepReport): Promise<void> {
    const { reporter, log } = this.#surroundings;
    const console = reporter.isConnected ? log.unsent() : [];
    const isSent = await reporter.send(console.length > 0 ? { ...report, console } : report);
    if (isSent) log.sent(console.length);
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#started);
  }
}

function doneReport(
  step: Step,
  elapsedMs: number,
  { message, planLines, disks, encrypted, times, transfer, log, reportsAs }: StepOutcome,
): StepReport {
  return {
    step,
    state: "done",
    elapsedMs,
    ...(message !== undefined && { message: message.slice(0, 8000) }),
    ...(times && { times }),
    ...(transfer && { progress: transfer }),
    ...(disks && { disks: [...disks] }),
    ...(encrypted && { encrypted }),
    ...(reportsAs !== undefined && { reportsAs }),
    ...(log && { log: log.map((line) => line.slice(0, 4000)).slice(-400) }),
    ...(planLines && { plan: planLines.map((line) => line.slice(0, 1000)).slice(0, 1000) }),
  };
}

function boundedProblem(error: RackseedError): NonNullable<StepReport["problem"]> {
  const { title, status, detail, remedy } = error.toProblem();
  return {
    title: title.slice(0, 2000),
    status,
    detail: detail.slice(0, 20_000),
    remedy: remedy.slice(0, 4000),
  };
}

function notDisarmed(): RackseedError {
  return new RackseedError("cannot tell the server that the installation is done", {
    reason: "it did not answer for 30 minutes, and while the node is armed it would be installed again.",
    remedy:
      "bring the server back, run `rackseed node cancel` for this node, then restart it: its disk is ready.",
    status: 503,
  });
}

function asRackseedError(error: unknown, step: Step): RackseedError {
  const first = firstError(error);
  if (first instanceof RackseedError) return first;
  return new RackseedError(`the step ${step} failed`, {
    reason: `${messageOf(error)}.`,
    remedy: "see the log; deploy again; if it stays, report it with the log.",
    cause: error,
  });
}

function progressLine({ message, transfer }: StepState): string {
  if (transfer === undefined) return message ?? "";
  const { bytesDone, bytesTotal, bytesPerSecond, peers } = transfer;
  if (bytesDone === bytesTotal) return ["all fetched", message].filter(Boolean).join(", ");
  const percent = Math.floor(bytesDone * 100 / bytesTotal);
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
  const rate = `${mb(bytesPerSecond)} MB/s, ${peers} peer${peers === 1 ? "" : "s"}`;
  return `${percent} %, ${mb(bytesDone)} of ${mb(bytesTotal)} MB, ${rate}${message ? `, ${message}` : ""}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
