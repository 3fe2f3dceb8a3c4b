/** The progress of one node of a batch, from its reports. Pure: the time is passed in. */
import type { StepReport } from "#contract/api.ts";
import type { InstallTimes, SeedPolicy } from "#contract/api/distribution.ts";
import type { Step } from "#contract/api/steps.ts";
import type { Fetcher } from "./seed_policy.ts";
import type { NodeTiming } from "./slowest_node.ts";
import type { UnderWay } from "./time_left.ts";
import { type BySource, NOTHING, SOURCES, TransferTrack } from "./transfer_track.ts";

/** One node's part of a batch. */
export interface BatchPart {
  readonly deployment: string;
  /** Node id. */
  readonly node: string;
  readonly image: string;
  readonly version: number;
}

/** No node keeps seeding for one that has been silent this long. */
export const SILENT_AFTER_MS = 20_000;
/** In these steps a node needs nothing from the others. */
const NEEDS_NO_PEERS: ReadonlySet<Step> = new Set([
  ...["identity", "bootloader", "verify", "post-install", "seed", "finish"] as const,
]);
/** A step that has run for less has no meaningful pace. */
const WARM_UP_MS = 5000;

interface RunningStep {
  readonly step: Step;
  readonly sinceMs: number;
  readonly progress: StepReport["progress"];
}

export class NodeTrack {
  readonly part: BatchPart;
  /** The batch's own policy. */
  readonly seed: SeedPolicy | undefined;
  readonly transfer: TransferTrack;
  readonly #upSinceMs: number;
  #stepsMs: Partial<Record<Step, number>> = {};
  #times: InstallTimes | undefined;
  #running: RunningStep | undefined;
  #failed = false;
  #heardMs: number;

  /** `isFresh`: its first report is the first one of the node. */
  constructor(
    part: BatchPart,
    { seed, now, isFresh = true }: { seed: SeedPolicy | undefined; now: number; isFresh?: boolean },
  ) {
    this.part = part;
    this.transfer = new TransferTrack({ isFresh });
    this.seed = seed;
    this.#upSinceMs = this.#heardMs = now;
  }

  /** Returns what it received since its report before. */
  note({ step, state, elapsedMs, progress, times }: StepReport, now: number): BySource {
    this.#heardMs = now;
    this.#times = times ?? this.#times;
    this.#running = state === "running" ? { step, sinceMs: now - elapsedMs, progress } : undefined;
    if (state !== "running") this.#stepsMs[step] = elapsedMs;
    this.#failed = state === "failed";
    return step === "install" ? this.transfer.note(progress, now) : NOTHING;
  }

  /** A step that ended before this server was started. */
  recall(
    { step, elapsedMs, times }: { step: Step; elapsedMs: number; times?: InstallTimes | undefined },
  ): void {
    this.#stepsMs = { [step]: elapsedMs, ...this.#stepsMs };
    this.#times ??= times;
  }

  get times(): InstallTimes | undefined {
    return this.#times;
  }

  /** When it began to seed; undefined if it does not seed, or is silent. */
  seedsSince(now: number): number | undefined {
    return this.#running?.step === "seed" && !this.isSilent(now) ? this.#running.sinceMs : undefined;
  }

  /** How long it took to fetch everything; undefined if it has not. */
  get fetchedMs(): number | undefined {
    if (this.#running?.step === "install" && hasAll(this.#running)) return this.#times?.fetchMs;
    return this.#stepsMs.install === undefined ? undefined : this.#times?.fetchMs ?? this.#stepsMs.install;
  }

  /** The node as one that still needs others; undefined if it needs nothing, or is silent. */
  fetcher(node: string, now: number): Fetcher | undefined {
    const running = this.#running;
    if (this.#failed || this.isSilent(now) || this.#stepsMs.install !== undefined) return undefined;
    if (running && (NEEDS_NO_PEERS.has(running.step) || hasAll(running))) return undefined;
    const fetches = running?.step === "torrent" || running?.step === "install";
    return { node, sinceMs: fetches ? running.sinceMs : this.#upSinceMs, progress: running?.progress };
  }

  /** A running step counts with the time it will take at its present pace. */
  timing(node: string, now: number): NodeTiming {
    const stepsMs = { ...this.#stepsMs };
    if (this.#running) {
      stepsMs[this.#running.step] = expectedMs(this.#running, this.isSilent(now) ? this.#heardMs : now);
    }
    return { node, stepsMs, times: this.#times };
  }

  /** How long the steps took that it has finished. */
  get stepsMs(): Readonly<Partial<Record<Step, number>>> {
    return this.#stepsMs;
  }

  /** Undefined if it is at no step, is silent, or only seeds. */
  underWay(now: number): UnderWay | undefined {
    const running = this.#running;
    if (!running || this.#failed || this.isSilent(now) || running.step === "seed") return undefined;
    const { step, sinceMs, progress } = running;
    const rates = this.transfer.rates(now);
    const bytesPerSecond = SOURCES.reduce((sum, source) => sum + rates[source], 0);
    const leftBytes = progress ? Math.max(0, progress.bytesTotal - progress.bytesDone) : 0;
    const isMeasured = progress !== undefined && now - sinceMs >= WARM_UP_MS &&
      (bytesPerSecond > 0 || leftBytes === 0);
    return { step, inStepMs: now - sinceMs, ...(isMeasured && { fetch: { leftBytes, bytesPerSecond } }) };
  }

  /** Whole percent of what it has to fetch; undefined before it fetches. */
  get percent(): number | undefined {
    if (this.#stepsMs.install !== undefined) return 100;
    const progress = this.#running?.progress;
    if (!progress || progress.bytesTotal === 0) return undefined;
    return Math.min(100, Math.floor(progress.bytesDone / progress.bytesTotal * 100));
  }

  isSilent(now: number): boolean {
    return now - this.#heardMs >= SILENT_AFTER_MS;
  }
}

function hasAll({ progress }: RunningStep): boolean {
  return progress !== undefined && progress.bytesTotal > 0 && progress.bytesDone >= progress.bytesTotal;
}

function expectedMs({ sinceMs, progress }: RunningStep, now: number): number {
  const elapsedMs = now - sinceMs;
  if (!progress || progress.bytesDone === 0 || elapsedMs < WARM_UP_MS) return elapsedMs;
  return elapsedMs * Math.max(1, progress.bytesTotal / progress.bytesDone);
}
