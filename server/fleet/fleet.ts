/** The nodes, and everything that is done with them: the fleet's parts joined. */
import { getLogger } from "@logtape/logtape";
import type {
  DeploymentView,
  NodeChange,
  NodeSettings,
  NodeView,
  PlanPreview,
  PlanQuery,
  RecoveryKeyUse,
  RecoveryKeyView,
  StepReport,
} from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { AgentTokens } from "../store/agent_tokens.ts";
import type { Deployments } from "../store/deployments.ts";
import type { Identities } from "../store/identities.ts";
import type { Nodes } from "../store/nodes.ts";
import type { Templates } from "../store/templates.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Batches } from "./batches/batches.ts";
import { DeploymentOrders } from "./deployment_orders.ts";
import type { Encryption } from "./encryption.ts";
import { Enroller } from "./enrolment.ts";
import { CloneReports } from "./first_boot/clone_reports.ts";
import type { FirstBootWatch } from "./first_boot/first_boot_watch.ts";
import type { HookRegistry } from "./hook_registry.ts";
import { NetbootOrders } from "./netboot_orders.ts";
import { NodeAgents } from "./node_agents.ts";
import { NodeIdentity } from "./node_identity.ts";
import type { SwarmTerms } from "./swarm_terms.ts";
import { PlanPreviews } from "./plan_previews.ts";
import { Restarts } from "./restarts/restarts.ts";
import { NodeViews, SILENT_MS } from "./node_views.ts";
import type { Bell } from "./bell.ts";
import type { Images, InstallerBoot, Publish } from "./ports.ts";
import { tableIdentity } from "./table_identity.ts";

const log = getLogger(["rackseed", "nodes"]);

export interface FleetOptions {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly identities: Identities;
  readonly agents: AgentTokens;
  readonly images: Images;
  readonly batches: Batches;
  readonly terms: SwarmTerms;
  readonly firstBoots: FirstBootWatch;
  readonly hooks: HookRegistry;
  readonly encryption: Encryption;
  readonly templates: Templates;
  /** Rung when there may be an order for an agent that runs on a machine. */
  readonly bell: Bell;
  /** Undefined until machines can boot from here. */
  readonly installer: () => InstallerBoot | undefined;
  readonly publish: Publish;
  readonly now: () => number;
  /** Pin of the server's CA, for the nodes' boot tokens. */
  readonly pin: string;
}

/**
 * @example Deploy an image to every idle node
 * ```ts
 * import type { Fleet } from "./fleet.ts";
 *
 * export function deployToIdle(fleet: Fleet, image: string): string[] {
 *   const idle = fleet.list().filter((node) => node.state === "idle").map((node) => node.name);
 *   const { nodes } = fleet.orders.deploy({ nodes: idle, image });
 *   return nodes.map(({ node, token }) => `${node} ${token}`);
 * }
 * ```
 */
export class Fleet {
  readonly orders: DeploymentOrders;
  readonly netboot: NetbootOrders;
  readonly agents: NodeAgents;
  readonly clones: CloneReports;
  readonly restarts: Restarts;
  readonly #previews: PlanPreviews;
  readonly #options: FleetOptions;
  readonly #identity: NodeIdentity;
  readonly #views: NodeViews;
  /** When `flagSilent` was last called. */
  #checkedMs: number;

  constructor(options: FleetOptions) {
    const { nodes, deployments, images, batches, terms, hooks, encryption, pin, now } = options;
    const { firstBoots: watch } = options;
    const onChange = (node: NodeRecord) => this.changed(node);
    const onRemoved = (name: string) => options.publish({ type: "node-removed", name });
    const identity = new NodeIdentity(options);
    const clones = new CloneReports({ nodes, deployments, watch, onChange });
    const enroller = new Enroller({
      nodes,
      deployments,
      images,
      terms,
      hooks,
      clones,
      encryption,
      identity,
      onChange,
    });
    this.#previews = new PlanPreviews({ deployments, images, encryption, hooks });
    this.restarts = new Restarts({ ...options, onChange });
    this.orders = new DeploymentOrders({
      nodes,
      deployments,
      images,
      batches,
      clones,
      encryption,
      previews: this.#previews,
      restarts: this.restarts,
      pin,
      onChange,
    });
    this.netboot = new NetbootOrders({ nodes, deployments, pin, onChange });
    this.agents = new NodeAgents({
      nodes,
      deployments,
      batches,
      clones,
      encryption,
      enroller,
      identity,
      terms,
      onChange,
      onRemoved,
    });
    this.clones = clones;
    this.#options = options;
    this.#identity = identity;
    this.#views = new NodeViews({ nodes, deployments, batches, clones, encryption, terms, now });
    this.#checkedMs = now();
  }

  list(): NodeView[] {
    return this.#options.nodes.list().map((node) => this.#views.view(node));
  }

  /** Throws RackseedError (404). */
  get(key: string): NodeView {
    return this.#views.view(this.#options.nodes.get(key));
  }

  /** The node's name and group; undefined if it is not known. */
  named(key: string): { name: string; group: string | undefined } | undefined {
    const node = this.#options.nodes.find(key);
    return node && { name: node.name, group: node.settings.group };
  }

  put(key: string, settings: NodeSettings): NodeView {
    tableIdentity({ name: key, settings });
    return this.changed(this.#options.nodes.put(key, settings));
  }

  /** All of them or none. */
  putAll(changes: readonly NodeChange[]): NodeView[] {
    for (const { node, settings } of changes) tableIdentity({ name: node, settings });
    return this.#options.nodes.putAll(changes).map((node) => this.changed(node));
  }

  /** `force`: also if the server's copy of the node's recovery key is lost with it. Throws RackseedError (404, 409). */
  delete(key: string, { force = false }: { force?: boolean } = {}): void {
    const { nodes, deployments, batches, hooks, encryption, publish } = this.#options;
    const node = nodes.get(key);
    if (deployments.active(node.id)) {
      throw new RackseedError(`cannot delete the node ${node.name}`, {
        reason: "it is armed or being installed.",
        remedy: `cancel that first: rackseed node cancel ${node.name}`,
        status: 409,
      });
    }
    encryption.forget(node, { force });
    deployments.forgetNode(node.id);
    batches.forget(node.id);
    this.clones.forget(node.id);
    hooks.forgetNode(node.id);
    nodes.delete(node.id);
    this.#identity.forget(node.id);
    publish({ type: "node-removed", name: node.name });
  }

  /** By version ("web@1"): names of the nodes to which it is assigned, or that are armed with it. */
  nodesByVersion(): Map<string, string[]> {
    const byVersion = new Map<string, string[]>();
    for (const { id, name, image } of this.list()) {
      // until the order is carried out, the disk holds what was assigned before
      const now = this.#options.deployments.assigned(id);
      const refs = new Set([image, now && `${now.image}@${now.version}`]);
      for (const ref of refs) if (ref !== undefined) byVersion.set(ref, [...byVersion.get(ref) ?? [], name]);
    }
    return byVersion;
  }

  /** Throws RackseedError (404, 409); see encryption.ts. */
  showRecoveryKey(key: string, options: { who: string; again: string | undefined }): RecoveryKeyView {
    const view = this.#options.encryption.show(this.#options.nodes.get(key), options);
    this.changed(this.#options.nodes.get(key));
    return view;
  }

  /** Throws RackseedError (404). */
  recoveryKeyUses(key: string): RecoveryKeyUse[] {
    return this.#options.encryption.uses(this.#options.nodes.get(key));
  }

  /** Throws RackseedError (404). */
  deployment(id: string): DeploymentView {
    return this.#views.deployment(id);
  }

  /** What a deployment or a restore would do to the node. Throws RackseedError (404, 409). */
  plan(key: string, query: PlanQuery): PlanPreview {
    return this.#previews.preview(this.#options.nodes.get(key), query);
  }

  /** The steps of the node's latest deployment, oldest first. Throws RackseedError (404). */
  log(key: string): StepReport[] {
    const { nodes, deployments } = this.#options;
    return deployments.log(nodes.get(key).id);
  }

  /** Logs and publishes nodes that fell silent during their installation since the last call. */
  flagSilent(): void {
    const { nodes, deployments, now } = this.#options;
    const sinceMs = this.#checkedMs, nowMs = this.#checkedMs = now();
    for (const node of nodes.all()) {
      const silentMs = node.seen === undefined ? 0 : Date.parse(node.seen) + SILENT_MS;
      if (silentMs <= sinceMs || silentMs > nowMs) continue;
      if (deployments.active(node.id)?.state !== "installing") continue;
      log.warn("silent", { node: node.name, seen: node.seen });
      this.changed(node);
    }
  }

  /** Publishes the node as it is now. */
  changed(node: NodeRecord): NodeView {
    const view = this.#views.view(this.#options.nodes.get(node.id));
    this.#options.publish({ type: "node", node: view });
    return view;
  }
}
