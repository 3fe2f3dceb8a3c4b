/**
 * The installing nodes, batch by batch: which keep seeding for which, and which is the slowest. Held in memory; after
 * a restart the durations of finished steps come from the store, everything else from the next reports.
 */
import type { StepReport } from "#contract/api.ts";
import type { InstallTimes, Limit, SeedPolicy, Slowness } from "#contract/api/distribution.ts";
import type { Step } from "#contract/api/steps.ts";
import { bottleneckOf } from "./bottleneck.ts";
import { type BatchPart, NodeTrack, SILENT_AFTER_MS } from "./node_track.ts";
import { decideSeeding, type SeedDecision } from "./seed_policy.ts";
import type { BySource } from "./transfer_track.ts";
import { slowestOf } from "./slowest_node.ts";

/** What the store knows of a batch. */
interface BatchStore {
  /** The batch's own policy. */
  seedOf(deployment: string): SeedPolicy | undefined;
  /** Finished steps. */
  stepTimes(deployment: string): readonly StepTime[];
  /** Ids of the nodes that are installing this version. */
  installing(version: { image: string; version: number }): readonly string[];
}

export interface StepTime extends BatchPart {
  readonly step: Step;
  readonly elapsedMs: number;
  readonly times?: InstallTimes | undefined;
}

interface BatchOptions {
  readonly store: BatchStore;
  /** The site's policy, for batches without their own. */
  readonly policy: () => SeedPolicy;
  readonly nameOf: (node: string) => string;
  /** Hears what the nodes of a deployment receive. */
  readonly onReceived?: ((deployment: string, received: BySource) => void) | undefined;
  readonly now: () => number;
}

/** With this many nodes or more, a report does not look at all the others: answers may be this old. */
const MANY = 100, SEEDING_KEPT_MS = 500, SLOWEST_KEPT_MS = 2000;
/**
 * Reports of mere progress from all nodes together: an eighth of a processor, open desks included. The longest pause between two of one
 * node: it must not seem silent.
 */
const REPORTS_PER_SECOND = 200, PAUSE_KEPT_MS = 1000, MAX_PAUSE_MS = SILENT_AFTER_MS / 2;
const UNDECIDED: SeedDecision = {
  on: true,
  for: [],
  reason: "keeps seeding until it is known which nodes need it",
};

export class Batches {
  readonly #options: BatchOptions;
  /** By node. */
  readonly #tracks = new Map<string, NodeTrack>();
  /** By version. */
  readonly #seeding = new Map<string, { atMs: number; decisions: Map<string, SeedDecision> }>();
  /** By deployment. */
  readonly #slowest = new Map<string, { atMs: number; stale: boolean; value: Slowness | undefined }>();
  /** Deployments whose finished steps were read from the store. */
  readonly #loaded = new Set<string>();
  #pause = { atMs: -Infinity, ms: 0 };
  readonly #startedMs: number;

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#startedMs = options.now();
  }

  /** Takes in a node's report. */
  note(part: BatchPart, report: StepReport): void {
    const received = this.#track(part, { isFresh: this.#isFresh(report) }).note(report, this.#options.now());
    this.#options.onReceived?.(part.deployment, received);
    const slowest = this.#slowest.get(part.deployment);
    if (slowest) slowest.stale = true;
  }

  /** From now on the node belongs to another batch, or to none. */
  forget(node: string): void {
    const deployment = this.#tracks.get(node)?.part.deployment;
    this.#tracks.delete(node);
    if (deployment !== undefined) this.#slowest.delete(deployment);
  }

  /** Undefined while the node does not seed. */
  seeding({ node, image, version }: BatchPart): SeedDecision | undefined {
    const now = this.#options.now();
    if (this.#tracks.get(node)?.seedsSince(now) === undefined) return undefined;
    const key = `${image}@${version}`;
    const known = this.#seeding.get(key);
    if (known && this.#isMany && now - known.atMs < SEEDING_KEPT_MS) {
      return known.decisions.get(node) ?? UNDECIDED;
    }
    const decisions = this.#decide({ image, version }, now);
    this.#seeding.set(key, { atMs: now, decisions });
    return decisions.get(node);
  }

  /** What keeps, or kept, the node from installing faster; undefined if it has measured nothing. */
  limit({ deployment, node }: BatchPart): Limit | undefined {
    this.#load(deployment);
    const track = this.#tracks.get(node);
    return track?.part.deployment === deployment && track.times
      ? bottleneckOf(track.times)?.limit
      : undefined;
  }

  /** The slowest of at least two nodes. `fresh`: as of now, not from the cache. */
  slowest(deployment: string, { fresh = false } = {}): Slowness | undefined {
    const { now, nameOf } = this.#options;
    const known = this.#slowest.get(deployment);
    const isUsable = known && (!known.stale || this.#isMany && now() - known.atMs < SLOWEST_KEPT_MS);
    if (isUsable && !fresh) return known.value;
    this.#load(deployment);
    const batch = this.#tracks.values().filter(({ part }) => part.deployment === deployment).toArray();
    const value = batch.length < 2
      ? undefined
      : slowestOf(batch.map((track) => track.timing(nameOf(track.part.node), now())));
    this.#slowest.set(deployment, { atMs: now(), stale: false, value });
    return value;
  }

  /** Those of its nodes that have reported, or whose steps are remembered. */
  tracksOf(deployment: string): NodeTrack[] {
    this.#load(deployment);
    return this.#tracks.values().filter(({ part }) => part.deployment === deployment).toArray();
  }

  /** The nodes (by id) by the peer ids under which others know them. */
  peerIds(): [peerId: string, node: string][] {
    return this.#tracks.values().flatMap(({ part, transfer: { peerId } }): [string, string][] =>
      peerId === undefined ? [] : [[peerId, part.node]]
    ).toArray();
  }

  /** The pause between two progress reports of one node, if there are so many nodes that it must exceed a second. */
  get reportPauseMs(): number | undefined {
    const now = this.#options.now();
    if (now - this.#pause.atMs >= PAUSE_KEPT_MS) {
      const heard = this.#tracks.values().filter((track) => !track.isSilent(now)).toArray().length;
      this.#pause = { atMs: now, ms: Math.min(MAX_PAUSE_MS, Math.ceil(heard * 1000 / REPORTS_PER_SECOND)) };
    }
    return this.#pause.ms > 1000 ? this.#pause.ms : undefined;
  }

  get #isMany(): boolean {
    return this.#tracks.size >= MANY;
  }

  #decide(
    { image, version }: Pick<BatchPart, "image" | "version">,
    now: number,
  ): Map<string, SeedDecision> {
    const { nameOf, policy } = this.#options;
    const tracks = this.#tracks.values().filter(({ part }) =>
      part.image === image && part.version === version
    )
      .toArray();
    const seeders = tracks.flatMap((track) => {
      const sinceMs = track.seedsSince(now);
      return sinceMs === undefined ? [] : { node: track.part.node, sinceMs, policy: track.seed ?? policy() };
    });
    return decideSeeding({
      seeders,
      fetchers: [
        ...tracks.flatMap((track) => track.fetcher(nameOf(track.part.node), now) ?? []),
        ...this.#notYetHeard({ image, version }, now).map((node) => ({
          node: nameOf(node),
          sinceMs: Math.min(now, ...seeders.map((seeder) => seeder.sinceMs)),
        })),
      ],
      fetchedMs: tracks.flatMap((track) => track.fetchedMs ?? []),
    }, now);
  }

  /** Just after a restart: nodes that were installing before it and have had no time to report. */
  #notYetHeard(version: Pick<BatchPart, "image" | "version">, now: number): string[] {
    if (now - this.#startedMs >= SILENT_AFTER_MS) return [];
    return this.#options.store.installing(version).filter((node) => !this.#tracks.has(node));
  }

  /** Whether all the node received since it began is still to be counted: this server has heard it from the start. */
  #isFresh({ elapsedMs }: StepReport): boolean {
    return this.#options.now() - elapsedMs >= this.#startedMs;
  }

  #track(part: BatchPart, { isFresh = false }: { isFresh?: boolean } = {}): NodeTrack {
    const known = this.#tracks.get(part.node);
    if (known?.part.deployment === part.deployment) return known;
    const { deployment, node, image, version } = part;
    const track = new NodeTrack({ deployment, node, image, version }, {
      seed: this.#options.store.seedOf(deployment),
      now: this.#options.now(),
      isFresh,
    });
    this.#tracks.set(node, track);
    return track;
  }

  #load(deployment: string): void {
    if (this.#loaded.has(deployment)) return;
    this.#loaded.add(deployment);
    for (const time of this.#options.store.stepTimes(deployment)) {
      const known = this.#tracks.get(time.node);
      if (known === undefined || known.part.deployment === deployment) this.#track(time).recall(time);
    }
  }
}
