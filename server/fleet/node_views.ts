/** Nodes as the API and the page show them: settings, state, progress, first boot. */
import type { NodeView } from "#contract/api.ts";
import type { Attestations } from "./attestation/attestations.ts";
import type { Batches } from "./batches/batches.ts";
import type { Assignment } from "../store/assignment.ts";
import type { Deployments } from "../store/deployments.ts";
import type { NodeChecks } from "../store/node_checks.ts";
import type { Nodes } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { BootRestores } from "./boot_restores.ts";
import type { Encryption } from "./encryption.ts";
import type { CloneReports } from "./first_boot/clone_reports.ts";
import type { HardwareHistory } from "./hardware/hardware_history.ts";
import type { PowerViews } from "./ports.ts";
import { present } from "./present.ts";

/** An installing node reports every 15 s at least; without a report for this long it is silent. */
export const SILENT_MS = 60_000;

export function isSilent({ seen }: Pick<NodeRecord, "seen">, now: number): boolean {
  return seen !== undefined && now - Date.parse(seen) >= SILENT_MS;
}

interface NodeViewSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly batches: Batches;
  readonly clones: CloneReports;
  readonly checks: Pick<NodeChecks, "view">;
  readonly encryption: Encryption;
  readonly power: PowerViews;
  readonly bootRestores: Pick<BootRestores, "view">;
  readonly history: Pick<HardwareHistory, "warnings">;
  readonly attestations: Pick<Attestations, "view">;
  readonly now: () => number;
}

export class NodeViews {
  readonly #nodes: Nodes;
  readonly #deployments: Deployments;
  readonly #batches: Batches;
  readonly #clones: CloneReports;
  readonly #checks: Pick<NodeChecks, "view">;
  readonly #encryption: Encryption;
  readonly #power: PowerViews;
  readonly #bootRestores: Pick<BootRestores, "view">;
  readonly #history: Pick<HardwareHistory, "warnings">;
  readonly #attestations: Pick<Attestations, "view">;
  readonly #now: () => number;

  constructor(
    {
      nodes,
      deployments,
      batches,
      clones,
      checks,
      encryption,
      power,
      bootRestores,
      history,
      attestations,
      now,
    }: NodeViewSources,
  ) {
    this.#nodes = nodes;
    this.#deployments = deployments;
    this.#batches = batches;
    this.#clones = clones;
    this.#checks = checks;
    this.#encryption = encryption;
    this.#power = power;
    this.#bootRestores = bootRestores;
    this.#history = history;
    this.#attestations = attestations;
    this.#now = now;
  }

  view(node: NodeRecord): NodeView {
    const { assignment, report } = this.#deployments.progress(node.id);
    const restore = assignment && this.#deployments.restoreOf(assignment.deployment);
    const backup = assignment && this.#deployments.backupTerms(assignment.deployment);
    const discover = assignment && this.#deployments.discoverTerms(assignment.deployment);
    const onlyReads = backup !== undefined || discover !== undefined;
    const over = assignment?.state !== "armed" && assignment?.state !== "installing";
    // a finished dry run, and an order that only reads at any time, leave the node as it was
    const assigned = onlyReads || (restore?.dryRun && over)
      ? this.#deployments.assigned(node.id)
      : assignment;
    // after such an order, the last installation's first boot is still shown
    const part = onlyReads ? assigned : assignment;
    const warnings = this.#history.warnings(node);
    const state = assignment?.state === "installed" ? assigned?.state : assignment?.state;
    return {
      id: node.id,
      name: node.name,
      settings: node.settings,
      ...(node.discovered && { isMachine: true as const }),
      state: state === undefined || state === "cancelled" ? "idle" : state,
      armed: state === "armed" || state === "installing",
      ...(assigned && { image: `${assigned.image}@${assigned.version}` }),
      ...(assignment && this.#deployments.isHeld(assignment) && { paused: true as const }),
      ...(node.address !== undefined && { address: node.address }),
      ...(node.seen !== undefined && { seen: node.seen }),
      ...(state === "installing" && isSilent(node, this.#now()) && present("silentSince", node.seen)),
      ...(report && { report }),
      ...(node.inventory && { inventory: node.inventory }),
      ...present("inventoryAt", node.inventoryAt),
      ...(warnings.length > 0 && { warnings }),
      ...(assignment && !onlyReads && this.#pace(node, assignment)),
      ...present("firstBoot", part && this.#clones.view(part, node)),
      ...present("power", this.#power.view(node.id)),
      ...present("backup", backup),
      ...(discover && { discover: true as const }),
      ...present("check", this.#checks.view(node.id)),
      ...present("encryption", this.#encryption.view(node.id)),
      ...present("tpm", this.#attestations.view(node, { isWaiting: state === "armed" })),
      ...present("everyBoot", this.#bootRestores.view(node.id)),
      ...(restore && { restore: { ...restore, ...this.#changes(node, assignment) } }),
    };
  }

  /** What a finished restore reported to have changed. */
  #changes(node: NodeRecord, { state }: Assignment): { changes?: string[] } {
    if (state === "armed" || state === "installing") return {};
    const plans = this.#deployments.log(node.id).filter(({ step, plan }) => plan && step !== "plan");
    return present("changes", plans.at(-1)?.plan);
  }

  /** Its bottleneck, whether it is the slowest of its batch, and for whom it keeps seeding. */
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
