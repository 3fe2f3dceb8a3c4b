/** Runs the steps of an installation in order: each shown, reported and timed; the first failure ends it. */
import type { StepReport } from "#contract/api.ts";
import type { InstallTimes } from "#contract/distribution.ts";
import { firstError, messageOf, RackseedError } from "#contract/errors.ts";
import { type Step, STEPS } from "#contract/steps.ts";
import type { Console } from "../sys/console.ts";
import type { LogTail } from "./log_tail.ts";
import type { Reporter } from "./reporter.ts";

export interface StepDefinition {
  readonly step: Step;
  /** Whether it is needed at all, as what ran before it has found out; else it is left out. */
  readonly when?: () => boolean;
  /** Resolves with what is to be said of it; throws where the installation cannot go on. */
  readonly run: (progress: StepProgress) => Promise<StepOutcome | void>;
}

export interface StepOutcome {
  readonly message?: string;
  readonly plan?: readonly string[];
  /** Of the step that makes the plan. */
  readonly disk?: NonNullable<StepReport["disk"]>;
  readonly times?: InstallTimes;
  /** What hooks printed. */
  readonly log?: readonly string[];
  /** Of the last step: the clone will report its first boot, under this host name. */
  readonly reportsAs?: string | undefined;
}

export interface StepProgress {
  /** Shown, and reported as often as the server wants it. `times` are reported only. */
  update(
    state: { message?: string; transfer?: NonNullable<StepReport["progress"]>; times?: InstallTimes },
  ): void;
}

interface StepSurroundings {
  readonly reporter: Reporter;
  readonly console: Console;
  readonly log: LogTail;
  readonly signal: AbortSignal;
  readonly beatMs?: number;
}

/** How long the report that disarms the node is tried: without it the node would be installed again and again. */
const FINISH_BUDGET_MS = 30 * 60_000;
const FAILED_BUDGET_MS = 2 * 60_000;
/** Of a plan: on a serial line a thousand would take seconds. */
const CONSOLE_LINES = 40;
/** A step that has nothing to tell is told of so often: by that the server knows that the node lives. */
const BEAT_MS = 10_000;

/** Throws RackseedError of the step that failed, after it was reported. */
export async function runSteps(
  steps: readonly StepDefinition[],
  surroundings: StepSurroundings,
): Promise<void> {
  for (const definition of steps) if (definition.when?.() ?? true) await runStep(definition, surroundings);
}

async function runStep(
  { step, run }: StepDefinition,
  { reporter, console, log, signal, beatMs = BEAT_MS }: StepSurroundings,
): Promise<void> {
  const started = performance.now();
  const elapsedMs = () => Math.round(performance.now() - started);
  const head = `[${String(STEPS.indexOf(step) + 1).padStart(2)}/${STEPS.length}] ${step}`;
  let latest: Parameters<StepProgress["update"]>[0] = {};
  let sentAt = started, busy = false;
  let sending: Promise<unknown> = reporter.send({ step, state: "running", elapsedMs: 0 });
  const tell = () => {
    // one at a time: none overtakes another, and a slow server is not pressed
    if (busy || performance.now() - sentAt < reporter.pauseMs) return;
    busy = true;
    sentAt = performance.now();
    const { message, transfer, times } = latest;
    const report: StepReport = { step, state: "running", elapsedMs: elapsedMs() };
    if (message !== undefined) report.message = message.slice(0, 8000);
    if (transfer !== undefined) report.progress = transfer;
    if (times !== undefined) report.times = times;
    sending = sending.then(() => reporter.send(report)).then(() => {
      busy = false;
    });
  };
  const update: StepProgress["update"] = (state) => {
    latest = { ...latest, ...state };
    console.progress(`${head}: ${progressLine(latest)}`);
    tell();
  };
  const beating = setInterval(() => reporter.isConnected && tell(), beatMs);
  console.progress(`${head} …`);
  log.add(`step ${step}`);
  try {
    signal.throwIfAborted();
    // as the answer to the step before said last; what the answer to this one says is heard meanwhile
    reporter.cancelled.throwIfAborted();
    const { message, plan, disk, times, log: printed, reportsAs } = await run({ update }) ?? {};
    clearInterval(beating);
    await sending;
    const report: StepReport = {
      step,
      state: "done",
      elapsedMs: elapsedMs(),
      ...(message !== undefined && { message: message.slice(0, 8000) }),
      ...(times && { times }),
      ...(disk && { disk }),
      ...(reportsAs !== undefined && { reportsAs }),
      ...(printed && { log: printed.map((line) => line.slice(0, 4000)).slice(-400) }),
      ...(plan && { plan: plan.map((line) => line.slice(0, 1000)).slice(0, 1000) }),
    };
    console.line(`${head}: ${message ?? "done"} (${seconds(report.elapsedMs)})`);
    plan?.slice(0, CONSOLE_LINES).forEach((line) => console.line(`        ${line}`));
    const more = (plan?.length ?? 0) - CONSOLE_LINES;
    if (more > 0) console.line(`        and ${more} lines more, which the server has`);
    if (step !== "finish") await reporter.send(report);
    else {
      const isTold = await reporter.insist(report, { budgetMs: FINISH_BUDGET_MS, signal });
      reporter.cancelled.throwIfAborted();
      if (!isTold) throw notDisarmed();
    }
  } catch (error) {
    clearInterval(beating);
    const problem = asRackseedError(error, step);
    console.line(`${head}: FAILED after ${seconds(elapsedMs())}`);
    log.add(problem.message);
    await sending;
    await reporter.insist({
      step,
      state: "failed",
      elapsedMs: elapsedMs(),
      message: problem.title.slice(0, 8000),
      problem: boundedProblem(problem),
      log: log.lines(),
    }, { budgetMs: FAILED_BUDGET_MS, signal });
    throw problem;
  }
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

function progressLine({ message, transfer }: Parameters<StepProgress["update"]>[0]): string {
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
