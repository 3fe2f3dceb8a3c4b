/** What the API and the page show of a node: what is set, what its deployment came to, what it says of itself. */
import type { DeploymentView, NodeView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Batches } from "./batches/batches.ts";
import type { Assignment, Deployments } from "../store/deployments.ts";
import type { Nodes } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { CloneReports } from "./first_boot/clone_reports.ts";
import type { NodeTerms } from "./node_terms.ts";
import { present } from "./present.ts";

/** A node that installs tells of itself every 15 s at least. */
export const SILENT_MS = 60_000;

interface NodeViewSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly batches: Batches;
  readonly clones: CloneReports;
  readonly terms: NodeTerms;
  readonly now: () => number;
}

export class NodeViews {
  readonly #nodes: Nodes;
  readonly #deployments: Deployments;
  readonly #batches: Batches;
  readonly #clones: CloneReports;
  readonly #terms: NodeTerms;
  readonly #now: () => number;

  constructor({ nodes, deployments, batches, clones, terms, now }: NodeViewSources) {
    this.#nodes = nodes;
    this.#deployments = deployments;
    this.#batches = batches;
    this.#clones = clones;
    this.#terms = terms;
    this.#now = now;
  }

  view(node: NodeRecord): NodeView {
    const { assignment, report } = this.#deployments.progress(node.id);
    const restore = assignment && this.#deployments.restoreOf(assignment.deployment);
    const backup = assignment && this.#deployments.backupTerms(assignment.deployment);
    const over = assignment?.state !== "armed" && assignment?.state !== "installing";
    // a dry run that is over, and a backup at any time, has left the node as it was
    const assigned = backup || (restore?.dryRun && over) ? this.#deployments.assigned(node.id) : assignment;
    // whether its clone has reported is of no less interest after a backup
    const part = backup ? assigned : assignment;
    const state = assignment?.state === "installed" ? assigned?.state : assignment?.state;
    return {
      id: node.id,
      name: node.name,
      settings: node.settings,
      state: state === undefined || state === "cancelled" ? "idle" : state,
      armed: state === "armed" || state === "installing",
      ...(assigned && { image: `${assigned.image}@${assigned.version}` }),
      ...(node.address !== undefined && { address: node.address }),
      ...(node.seen !== undefined && { seen: node.seen }),
      ...(state === "installing" && this.#silence(node)),
      ...(report && { report }),
      ...(node.inventory && { inventory: node.inventory }),
      ...(assignment && !backup && this.#pace(node, assignment)),
      ...present("firstBoot", part && this.#clones.view(part, node)),
      ...present("backup", backup),
      ...(restore && { restore: { ...restore, ...this.#changes(node, assignment) } }),
    };
  }

  /** Throws RackseedError (404). */
  deployment(id: string): DeploymentView {
    const parts = this.#deployments.parts(id);
    const [first] = parts;
    if (!first) {
      throw new RackseedError(`cannot find the deployment ${id}`, {
        reason: "it is not known, was called off, or all its nodes were deployed anew since.",
        remedy: "see `rackseed node list`.",
        status: 404,
      });
    }
    const slowest = this.#batches.slowest(id, { fresh: true });
    return {
      id,
      image: `${first.image}@${first.version}`,
      seed: this.#terms.seedPolicy(this.#deployments.seedOf(id)),
      nodes: parts.map((part) => ({
        node: this.#nodes.get(part.node).name,
        state: part.state === "cancelled" ? "idle" as const : part.state,
        ...present("limit", this.#batches.limit(part)),
      })),
      ...present("slowest", slowest),
    };
  }

  #silence({ seen }: NodeRecord): { silentSince?: string } {
    const isSilent = seen !== undefined && this.#now() - Date.parse(seen) >= SILENT_MS;
    return isSilent ? { silentSince: seen } : {};
  }

  /** What a restore that is over has told of it. */
  #changes(node: NodeRecord, { state }: Assignment): { changes?: string[] } {
    if (state === "armed" || state === "installing") return {};
    const told = this.#deployments.log(node.id).filter(({ step, plan }) => plan && step !== "plan");
    return present("changes", told.at(-1)?.plan);
  }

  /** How fast it is among its batch, and for whom it seeds on. */
  #pace(node: NodeRecord, part: Assignment): Pick<NodeView, "limit" | "slowest" | "seeding"> {
    if (part.state === "armed") return {};
    const slowest = this.#batches.slowest(part.deployment);
    const seeding = part.state === "installing" ? this.#batches.seeding(part) : undefined;
    return {
      ...present("limit", this.#batches.limit(part)),
      ...(slowest?.node === node.name && { slowest }),
      ...(seeding && { seeding: { reason: seeding.reason, for: [...seeding.for] } }),
    };
  }
}
