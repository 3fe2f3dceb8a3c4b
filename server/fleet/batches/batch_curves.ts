/** The curves of the deployments that are under way: sampled every few seconds, kept when they have ended. */
import type { DeploymentCurve } from "#contract/api.ts";
import type { Deployments } from "../../store/deployments.ts";
import { addPoint, type Counts, emptyCurve, lastCounts } from "./curve.ts";
import { type BySource, NOTHING, SOURCES } from "./transfer_track.ts";

interface CurveOptions {
  readonly deployments: Pick<Deployments, "queries" | "records">;
  readonly now: () => number;
}

/** A curve that changed is written this often: progress is not worth a write every time. */
const WRITTEN_EVERY_MS = 30_000;
/** Rates are measured over about this time. */
const WINDOW_MS = 8000;

interface Live {
  readonly startedMs: number;
  readonly curve: DeploymentCurve;
  received: BySource;
  /** What had been received, and when. */
  totals: { readonly atMs: number; readonly received: BySource }[];
  writtenMs: number;
}

/** What is known of a deployment's course. */
interface Course {
  readonly started: string;
  readonly ended?: string | undefined;
  readonly curve: DeploymentCurve;
  /** Bytes per second. */
  readonly rates: BySource;
}

export class BatchCurves implements Disposable {
  readonly #options: CurveOptions;
  /** By deployment. */
  readonly #live = new Map<string, Live>();

  /** Goes on with what a server before this one had begun. */
  constructor(options: CurveOptions) {
    this.#options = options;
    for (const deployment of options.deployments.records.open()) {
      const known = options.deployments.records.get(deployment);
      if (known) this.#live.set(deployment, liveOf(known, options.now()));
    }
  }

  /** A node of the deployment reported, and has received so much since its report before. */
  add(deployment: string, received: BySource): void {
    const live = this.#live.get(deployment) ?? this.#begin(deployment);
    // an agent repeats its last report if the answer was lost
    if (!live) return;
    const { received: before } = live;
    live.received = {
      server: before.server + received.server,
      web: before.web + received.web,
      peers: before.peers + received.peers,
      other: before.other + received.other,
    };
  }

  /** Every few seconds: takes a sample of each deployment that is under way. */
  tick(): void {
    const now = this.#options.now();
    for (const [deployment, live] of this.#live) {
      const isOver = this.#sample(deployment, live, now);
      if (isOver || now - live.writtenMs >= WRITTEN_EVERY_MS) this.#write(deployment, live, { now, isOver });
      if (isOver) this.#live.delete(deployment);
    }
  }

  /** Undefined if no node has begun. */
  get(deployment: string): Course | undefined {
    const live = this.#live.get(deployment);
    if (!live) {
      const record = this.#options.deployments.records.get(deployment);
      return record && { ...record, rates: NOTHING };
    }
    return {
      started: new Date(live.startedMs).toISOString(),
      curve: structuredClone(live.curve),
      rates: ratesOf(live),
    };
  }

  /** Writes what is not written yet. */
  [Symbol.dispose](): void {
    const now = this.#options.now();
    for (const [deployment, live] of this.#live) this.#write(deployment, live, { now, isOver: false });
  }

  /** Undefined if the deployment has ended. */
  #begin(deployment: string): Live | undefined {
    const { deployments: { records }, now } = this.#options;
    if (records.get(deployment) !== undefined) return undefined;
    const startedMs = now();
    const live = { startedMs, curve: emptyCurve(), received: NOTHING, totals: [], writtenMs: -Infinity };
    this.#live.set(deployment, live);
    return live;
  }

  /** Returns whether no node has anything left to do. */
  #sample(deployment: string, live: Live, now: number): boolean {
    const { armed = 0, installing = 0, installed = 0, running = 0, failed = 0, aborted = 0 } = this.#options
      .deployments.queries.countParts(deployment);
    const counts: Counts = {
      begun: installing + installed + running + failed + aborted,
      done: installed + running,
      failed: failed + aborted,
      ...live.received,
    };
    addPoint(live.curve, Math.max(0, Math.round((now - live.startedMs) / 1000)), counts);
    live.totals.push({ atMs: now, received: live.received });
    while ((live.totals[1]?.atMs ?? now) <= now - WINDOW_MS) live.totals.shift();
    return armed + installing === 0;
  }

  #write(deployment: string, live: Live, { now, isOver }: { now: number; isOver: boolean }): void {
    const { records } = this.#options.deployments;
    if (isOver) records.prune();
    live.writtenMs = now;
    records.put(deployment, {
      started: new Date(live.startedMs).toISOString(),
      ...(isOver && { ended: new Date(now).toISOString() }),
      curve: live.curve,
    });
  }
}

function liveOf({ started, curve }: { started: string; curve: DeploymentCurve }, now: number): Live {
  const { server, web, peers, other } = lastCounts(curve);
  return {
    startedMs: Date.parse(started),
    curve,
    received: { server, web, peers, other },
    totals: [],
    writtenMs: now,
  };
}

function ratesOf({ totals }: Live): BySource {
  const [first] = totals, last = totals.at(-1);
  if (!first || !last || first === last) return NOTHING;
  const seconds = (last.atMs - first.atMs) / 1000;
  const rate = (source: typeof SOURCES[number]) => (last.received[source] - first.received[source]) / seconds;
  return { server: rate("server"), web: rate("web"), peers: rate("peers"), other: rate("other") };
}
