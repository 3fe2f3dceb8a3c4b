/** A deployment as the API shows it: as a whole, its course, its swarm, and beside others. */
import {
  type DeploymentComparison,
  type DeploymentFigures,
  type DeploymentProgress,
  type DeploymentSwarm,
  type DeploymentView,
  MAX_LINES,
} from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { z } from "zod";
import type { Assignment } from "../../store/assignment.ts";
import type { Deployments } from "../../store/deployments.ts";
import type { Nodes } from "../../store/nodes.ts";
import type { CloneReports } from "../first_boot/clone_reports.ts";
import { present } from "../present.ts";
import type { RackRegistry } from "../rack_registry.ts";
import type { SwarmTerms } from "../swarm_terms.ts";
import type { BatchCurves } from "./batch_curves.ts";
import type { Batches } from "./batches.ts";
import { timesOf } from "./batch_figures.ts";
import { emptyCurve, lastCounts } from "./curve.ts";
import { type Failure, groupFailures } from "./failure_groups.ts";
import type { NodeTrack } from "./node_track.ts";
import { secondsLeft } from "./time_left.ts";
import { type BySource, each, NOTHING } from "./transfer_track.ts";

interface BatchViewSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly batches: Batches;
  readonly curves: BatchCurves;
  readonly clones: Pick<CloneReports, "view">;
  readonly terms: SwarmTerms;
  readonly racks: Pick<RackRegistry, "rackOf" | "serverRack">;
  readonly now: () => number;
}

/** Earlier deployments in a comparison. */
const COMPARED = 5;
/** A picture of the swarm may be this old: several desks look at the same one. */
const SWARM_KEPT_MS = 1000;

export class BatchViews {
  readonly #sources: BatchViewSources;
  readonly #swarms = new Map<string, { atMs: number; value: DeploymentSwarm }>();

  constructor(sources: BatchViewSources) {
    this.#sources = sources;
  }

  /** Throws RackseedError (404). */
  view(id: string): DeploymentView {
    const { nodes, deployments, batches, curves, terms } = this.#sources;
    const parts = this.parts(id), [first] = parts;
    const course = curves.get(id), orderedMs = deployments.orderedMs(id);
    return {
      id,
      image: `${first?.image}@${first?.version}`,
      seed: terms.seedPolicy(deployments.seedOf(id)),
      nodes: parts.map((part) => ({
        node: nodes.get(part.node).name,
        state: shownState(part),
        ...present("limit", batches.limit(part)),
      })),
      ...present("slowest", batches.slowest(id, { fresh: true })),
      ...deployments.about(id),
      ...(orderedMs !== undefined && { created: new Date(orderedMs).toISOString() }),
      ...present("started", course?.started),
      ...present("ended", course?.ended),
      failures: groupFailures(this.#failures(id, parts)),
    };
  }

  /** Throws RackseedError (404). */
  progress(id: string): DeploymentProgress {
    const { curves, now } = this.#sources;
    const parts = this.parts(id), course = curves.get(id);
    return {
      id,
      at: new Date(now()).toISOString(),
      ...present("started", course?.started),
      ...present("ended", course?.ended),
      nodes: parts.length,
      waiting: parts.filter(({ state }) => state === "armed").length,
      ...present("secondsLeft", this.#secondsLeft(id, parts)),
      rates: each(course?.rates ?? NOTHING, Math.round),
      curve: course?.curve ?? emptyCurve(),
    };
  }

  /** Throws RackseedError (404). */
  swarm(id: string): DeploymentSwarm {
    const now = this.#sources.now(), known = this.#swarms.get(id);
    if (known && now - known.atMs < SWARM_KEPT_MS) return known.value;
    const value = this.#swarm(id, now);
    this.#swarms.clear();
    this.#swarms.set(id, { atMs: now, value });
    return value;
  }

  /** `other`: by default the latest ones before it, of the same image and kind. Throws RackseedError (404). */
  comparison(id: string, other: string | undefined): z.infer<typeof DeploymentComparison> {
    this.parts(id);
    const others = other === undefined
      ? this.#sources.deployments.queries.earlier(id, { limit: COMPARED })
      : [other];
    return [id, ...others].map((each) => this.#figures(each));
  }

  /** Throws RackseedError (404) if there is no such deployment. */
  parts(id: string): Assignment[] {
    const parts = this.#sources.deployments.parts(id);
    if (parts.length > 0) return parts;
    throw new RackseedError(`cannot find the deployment ${id}`, {
      reason: "it is unknown, was cancelled, or all its nodes were deployed again since.",
      remedy: "see `rackseed deployment list`.",
      status: 404,
    });
  }

  #failures(id: string, parts: readonly Assignment[]): Failure[] {
    const { nodes, deployments, clones } = this.#sources;
    const nameOf = (node: string) => nodes.find(node)?.name ?? node;
    const failed = deployments.queries.failures(id).map(({ node, state, report }): Failure => ({
      node: nameOf(node),
      step: report?.step,
      problem: report?.problem,
      isAborted: state === "aborted",
      canRetry: true,
    }));
    const late = parts.filter(({ state }) => state === "installed").flatMap((part): Failure[] => {
      const node = nodes.find(part.node), problem = node && clones.view(part, node)?.problem;
      return problem ? [{ node: nameOf(part.node), step: "first-boot", problem, canRetry: false }] : [];
    });
    return [...failed, ...late];
  }

  #secondsLeft(id: string, parts: readonly Assignment[]): number | undefined {
    const { batches, now } = this.#sources, nowMs = now();
    const tracks = batches.tracksOf(id);
    const installing = new Set(parts.filter(({ state }) => state === "installing").map(({ node }) => node));
    return secondsLeft({
      underWay: tracks.flatMap((track) => installing.has(track.part.node) ? track.underWay(nowMs) ?? [] : []),
      finished: tracks.map(({ stepsMs }) => stepsMs),
    });
  }

  #swarm(id: string, now: number): DeploymentSwarm {
    const { nodes, batches, racks } = this.#sources;
    const parts = this.parts(id);
    const tracks = new Map(batches.tracksOf(id).map((track) => [track.part.node, track]));
    const nameOf = new Map(batches.peerIds().map(([peerId, node]) => [peerId, nodes.find(node)?.name]));
    const lines: DeploymentSwarm["lines"] = [];
    const shown = parts.flatMap((part): DeploymentSwarm["nodes"] => {
      const node = nodes.find(part.node), track = tracks.get(part.node);
      if (!node) return [];
      for (const line of track?.transfer.lines(now) ?? []) {
        const from = nameOf.get(line.peerId) ?? line.address;
        lines.push({ from, to: node.name, bytesPerSecond: Math.round(line.bytesPerSecond) });
      }
      const rack = node.settings.rack ??
        (node.address === undefined ? undefined : racks.rackOf(node.address));
      return [{
        node: node.name,
        state: shownState(part),
        ...present("rack", rack),
        ...swarmPart(track, { now, isInstalling: part.state === "installing" }),
      }];
    });
    lines.sort((a, b) => b.bytesPerSecond - a.bytesPerSecond);
    return {
      at: new Date(now).toISOString(),
      ...present("serverRack", racks.serverRack),
      nodes: shown,
      lines: lines.slice(0, MAX_LINES),
    };
  }

  #figures(id: string): DeploymentFigures {
    const { deployments, curves } = this.#sources;
    const kept = deployments.records.figures(id);
    if (kept) return kept;
    const parts = this.parts(id), [first] = parts, course = curves.get(id);
    const { server, web, peers, other } = lastCounts(course?.curve ?? emptyCurve());
    const { kind, by } = deployments.about(id);
    const orderedMs = deployments.orderedMs(id) ?? 0;
    const isState = (...states: string[]) => parts.filter(({ state }) => states.includes(state)).length;
    const figures: DeploymentFigures = {
      id,
      kind,
      image: `${first?.image}@${first?.version}`,
      created: new Date(orderedMs).toISOString(),
      ...present("by", by),
      nodes: parts.length,
      done: isState("installed", "running"),
      failed: isState("failed", "aborted"),
      ...(course?.ended !== undefined && {
        wallSeconds: (Date.parse(course.ended) - Date.parse(course.started)) / 1000,
      }),
      ...timesOf(deployments.queries.stepDurations(id)),
      bytes: { server, web, peers, other },
    };
    // a first boot may still fail, or be reported: only then do the figures stay as they are
    if (course?.ended !== undefined && isState("installed") === 0) deployments.records.keepFigures(figures);
    return figures;
  }
}

type SwarmPart = Omit<DeploymentSwarm["nodes"][number], "node" | "state" | "rack">;

function swarmPart(
  track: NodeTrack | undefined,
  { now, isInstalling }: { now: number; isInstalling: boolean },
): SwarmPart {
  const rates: BySource = track ? track.transfer.rates(now) : NOTHING;
  const { server, web, peers, other } = each(rates, Math.round);
  return {
    ...present("percent", track?.percent),
    server,
    web,
    peers: peers + other,
    ...(track?.seedsSince(now) !== undefined && { seeds: true as const }),
    ...(isInstalling && track?.isSilent(now) && { silent: true as const }),
  };
}

/** A cancelled part is not shown at all. */
function shownState({ state }: Assignment): DeploymentView["nodes"][number]["state"] {
  return state === "cancelled" ? "idle" : state;
}
