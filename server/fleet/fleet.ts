/** The nodes, and everything that is done with them: the fleet's parts joined. */
import { getLogger } from "@logtape/logtape";
import type {
  ConsoleView,
  DeploymentQuery,
  NodeChange,
  NodeSettings,
  NodeView,
  Notice,
  PlanPreview,
  PlanQuery,
  RecoveryKeyUse,
  RecoveryKeyView,
  StepReport,
} from "#contract/api.ts";
import type { Adoption } from "#contract/api/machines.ts";
import type { SecureBootOrder } from "#contract/api/secure_boot.ts";
import { RackseedError } from "#contract/errors.ts";
import { parseHeader } from "#contract/format/manifest.ts";
import type { HardwareRecord } from "#contract/api/hardware_history.ts";
import type { AgentTokens } from "../store/agent_tokens.ts";
import type { AuditLog } from "../store/audit_log.ts";
import type { Deployments } from "../store/deployments.ts";
import type { EveryBoots } from "../store/every_boot.ts";
import type { HardwareRecords } from "../store/hardware_records.ts";
import type { NodeChecks } from "../store/node_checks.ts";
import type { NodeHistory } from "../store/node_history.ts";
import type { Identities } from "../store/identities.ts";
import type { ListedDeployment } from "../store/deployment_list.ts";
import { compareNames, type Nodes } from "../store/nodes.ts";
import type { Templates } from "../store/templates.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Attestations } from "./attestation/attestations.ts";
import type { Batches } from "./batches/batches.ts";
import type { BatchCurves } from "./batches/batch_curves.ts";
import { BatchOrders } from "./batches/batch_orders.ts";
import { BatchViews } from "./batches/batch_views.ts";
import { BootRestores } from "./boot_restores.ts";
import { BootSignatures, type BootSigner } from "./boot_signatures.ts";
import { DeploymentOrders } from "./deployment_orders.ts";
import type { Encryption } from "./encryption.ts";
import { Enroller } from "./enrolment.ts";
import { CloneReports } from "./first_boot/clone_reports.ts";
import type { FirstBootWatch } from "./first_boot/first_boot_watch.ts";
import { Discoveries } from "./hardware/discoveries.ts";
import { HardwareHistory } from "./hardware/hardware_history.ts";
import { ConsoleLogs } from "./history/console_logs.ts";
import { BootLog } from "./history/boot_log.ts";
import { NodeTimeline, type TimelineItem } from "./history/node_timeline.ts";
import type { HookRegistry } from "./hook_registry.ts";
import { Machines } from "./machines.ts";
import { NetbootOrders } from "./netboot_orders.ts";
import { isFollowed, NodeEvents } from "./node_events.ts";
import { NodeAgents } from "./node_agents.ts";
import { NodeIdentity } from "./node_identity.ts";
import type { Proofs } from "./proofs.ts";
import { type NodeUses, usersByVersion } from "./version_users.ts";
import type { SwarmTerms } from "./swarm_terms.ts";
import { PlanPreviews } from "./plan_previews.ts";
import type { RackRegistry } from "./rack_registry.ts";
import { Restarts } from "./restarts/restarts.ts";
import { NodeViews, SILENT_MS } from "./node_views.ts";
import type { Bell } from "./bell.ts";
import type { Advance, Images, InstallerBoot, PowerViews, Publish } from "./ports.ts";
import { Reviews } from "./reviews/reviews.ts";
import { tableIdentity } from "./table_identity.ts";

const log = getLogger(["rackseed", "nodes"]);

export interface FleetOptions {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly identities: Identities;
  readonly agents: AgentTokens;
  readonly checks: NodeChecks;
  readonly images: Images;
  readonly batches: Batches;
  readonly curves: BatchCurves;
  readonly racks: Pick<RackRegistry, "rackOf" | "serverRack">;
  readonly terms: SwarmTerms;
  readonly firstBoots: FirstBootWatch;
  readonly hooks: HookRegistry;
  readonly encryption: Encryption;
  readonly power: PowerViews;
  readonly proofs: Proofs;
  /** Whether the node (by name) is a virtual machine that a version is proved with. */
  readonly isRehearsal: (node: string) => boolean;
  readonly everyBoots: EveryBoots;
  readonly audit: Pick<AuditLog, "begin" | "ofNodes">;
  /** What happened to each node. */
  readonly events: NodeHistory;
  /** Shows a problem until it is gone. */
  readonly notify: (key: string, notice: Notice | undefined) => void;
  readonly hardware: HardwareRecords;
  readonly templates: Templates;
  /** Nodes that must prove by their TPM what they run. */
  readonly attestations: Attestations;
  /** Rung when there may be an order for an agent that runs on a machine. */
  readonly bell: Bell;
  /** Undefined until machines can boot from here. */
  readonly installer: () => InstallerBoot | undefined;
  /** The site's Secure Boot key, for machines in set-up mode. */
  readonly secureBoot?: SecureBootOrder | undefined;
  /** The site's key for clones' boot programs, if the server signs them. */
  readonly bootSigner?: BootSigner | undefined;
  readonly publish: Publish;
  readonly advance: Advance;
  readonly now: () => number;
  /** Pin of the server's CA, for the nodes' boot tokens. */
  readonly pin: string;
  /** The server's own IPv4 address, and the addresses that its DHCP gives away. */
  readonly address?: string | undefined;
  readonly dhcpRange?: { readonly first: string; readonly last: string } | undefined;
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
export class Fleet implements Disposable {
  readonly orders: DeploymentOrders;
  /** Deployments as a whole. */
  readonly batchOrders: BatchOrders;
  readonly batchViews: BatchViews;
  readonly netboot: NetbootOrders;
  readonly agents: NodeAgents;
  readonly clones: CloneReports;
  readonly machines: Machines;
  readonly discoveries: Discoveries;
  readonly restarts: Restarts;
  readonly reviews: Reviews;
  readonly signatures: BootSignatures;
  readonly #previews: PlanPreviews;
  readonly #options: FleetOptions;
  readonly #identity: NodeIdentity;
  readonly #history: HardwareHistory;
  readonly #events: NodeEvents;
  readonly #views: NodeViews;
  readonly #timeline: NodeTimeline;
  readonly #consoles: ConsoleLogs;
  /** When `flagSilent` was last called. */
  #checkedMs: number;

  constructor(options: FleetOptions) {
    const { nodes, deployments, images, batches, terms, hooks, encryption, everyBoots, pin, now } = options;
    const { firstBoots: watch, audit, notify, checks, attestations } = options;
    const onChange = (node: NodeRecord) => this.changed(node);
    const onChanges = (ids: readonly string[]) => this.#events.changedAll(ids);
    const onRemoved = (name: string) => options.publish({ type: "node-removed", name });
    const history = new HardwareHistory(options.hardware, { now });
    const identity = new NodeIdentity(options);
    const clones = new CloneReports({ nodes, deployments, watch, onChange });
    this.machines = new Machines({ nodes, deployments });
    this.machines.adoptInstalled();
    this.#events = new NodeEvents({
      ...options,
      machines: this.machines,
      view: (node) => this.#views.view(node),
    });
    const signer = options.bootSigner, signs = signer?.certificate;
    this.signatures = new BootSignatures({
      nodes,
      programs: (ref) => parseHeader(images.secrets(ref).manifest.header).layout?.boot?.programs ?? [],
      audit,
      signer,
    });
    this.#previews = new PlanPreviews({ deployments, images, encryption, hooks, history, signer });
    this.restarts = new Restarts({ ...options, onChange });
    this.orders = new DeploymentOrders({
      nodes,
      deployments,
      images,
      batches,
      clones,
      encryption,
      previews: this.#previews,
      proofs: options.proofs,
      everyBoots,
      onCalledOff: (node) => bootRestores.calledOff(node),
      now,
      machines: this.machines,
      restarts: this.restarts,
      pin,
      onChange,
      onChanges,
    });
    const { orders, restarts } = this;
    const { address, dhcpRange } = options;
    this.reviews = new Reviews({
      ...options,
      history,
      previews: this.#previews,
      orders,
      restarts,
      address,
      dhcpRange,
    });
    const bootRestores = new BootRestores({ everyBoots, deployments, orders, audit, notify, now });
    const onForgotten = (id: string) => this.#events.endMachine(id);
    const boots = new BootLog(options.events, { now });
    this.netboot = new NetbootOrders({ nodes, deployments, bootRestores, boots, pin, onChange, onForgotten });
    this.#timeline = new NodeTimeline({ history: options.events, audit });
    const enroller = new Enroller({ ...options, signs, clones, identity, history, bootRestores, onChange });
    this.discoveries = new Discoveries({ nodes, deployments, images, pin, onChanges });
    this.#consoles = new ConsoleLogs({ now });
    this.agents = new NodeAgents({
      checks,
      consoles: this.#consoles,
      nodes,
      deployments,
      batches,
      clones,
      encryption,
      attestations,
      enroller,
      identity,
      terms,
      history,
      onChange,
      onProgress: (node) => this.#events.advanced(node),
      now,
      onRemoved,
    });
    this.clones = clones;
    this.#options = options;
    this.#identity = identity;
    this.#history = history;
    this.#views = new NodeViews({ ...options, clones, bootRestores, history });
    this.batchViews = new BatchViews({ ...options, clones });
    this.batchOrders = new BatchOrders({
      nodes,
      deployments,
      orders,
      views: this.batchViews,
      onChanges,
      onResumed: () => options.bell.ring(),
    });
    this.#checkedMs = now();
  }

  /** Without the machines that only appeared. */
  list(): NodeView[] {
    return this.#options.nodes.list().filter(({ discovered }) => !discovered)
      .map((node) => this.#views.view(node));
  }

  /** All nodes, and the machines that an operator ordered something for. */
  listOrdered(): NodeView[] {
    return this.#options.nodes.list().map((node) => this.#views.view(node)).filter(isFollowed);
  }

  /** The nodes of `list`, or of one group, whose names come after this one; each is viewed when it is taken. */
  listAfter(after: string | undefined, group?: string): IteratorObject<NodeView> {
    return this.#options.nodes.list().values()
      .filter(({ name, discovered }) => !discovered && (after === undefined || compareNames(name, after) > 0))
      .filter(({ settings }) => group === undefined || settings.group === group)
      .map((node) => this.#views.view(node));
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

  /** Undefined if the node is not known. */
  settings(key: string): NodeSettings | undefined {
    return this.#options.nodes.find(key)?.settings;
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

  /** All of them or none. Throws RackseedError (404, 409). */
  adopt(adoptions: readonly Adoption[]): NodeView[] {
    return this.machines.adopt(adoptions).map((node) => this.changed(node));
  }

  /** `force`: also if the server's copy of the node's recovery key is lost with it. Throws RackseedError (404, 409). */
  delete(key: string, { force = false }: { force?: boolean } = {}): void {
    const { nodes, deployments, everyBoots, batches, checks, hooks, encryption } = this.#options;
    const { power, publish, attestations } = this.#options;
    const node = nodes.get(key);
    if (deployments.active(node.id) ?? everyBoots.of(node.id)) {
      throw new RackseedError(`cannot delete the node ${node.name}`, {
        reason: "it is armed or being installed, or restored at every boot.",
        remedy: `cancel that first: rackseed node cancel ${node.name}`,
        status: 409,
      });
    }
    encryption.forget(node, { force });
    deployments.forgetNode(node.id);
    batches.forget(node.id);
    this.clones.forget(node.id);
    this.#consoles.forget(node.id);
    hooks.forgetNode(node.id);
    power.forget(node.id);
    this.#history.forget(node.id);
    checks.forget(node.id);
    attestations.forgetTpm(node.id);
    nodes.delete(node.id);
    this.#identity.forget(node.id);
    this.#events.endMachine(node.id);
    publish({ type: "node-removed", name: node.name });
  }

  /** The next TPM that the node shows is taken for its own. Throws RackseedError (404). */
  forgetTpm(key: string): NodeView {
    const node = this.#options.nodes.get(key);
    this.#options.attestations.forgetTpm(node.id);
    return this.changed(node);
  }

  /** By version ("web@1"): the nodes that would lose their image with it. */
  versionUsers(): Map<string, NodeUses> {
    const { nodes, deployments, everyBoots, images } = this.#options;
    return usersByVersion(nodes.list(), {
      active: (id) => deployments.active(id),
      // until an order is carried out, the disk holds what was assigned before
      assigned: (node) => [deployments.assigned(node.id), this.#views.view(node).image],
      everyBoot: (id) => everyBoots.of(id)?.terms.image,
      images,
    });
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

  /** The newest first, each with its key for cursors: at most one more than the limit. `before`: such a key. */
  deployments(query: DeploymentQuery, { before }: { before: string | undefined }): ListedDeployment[] {
    return this.#options.deployments.list(query, { before });
  }

  /** Its life, newest first. `after`: the key of the item where the page before ended. Throws RackseedError (404). */
  timeline(key: string, { after }: { after: string | undefined }): Iterable<TimelineItem> {
    return this.#timeline.items(this.#options.nodes.get(key), { after });
  }

  /** What its hardware was, newest first. Throws RackseedError (404). */
  hardwareHistory(key: string): HardwareRecord[] {
    return this.#history.list(this.#options.nodes.get(key));
  }

  /** What changed in its hardware is no longer flagged. Throws RackseedError (404). */
  acceptHardware(key: string): NodeView {
    const node = this.#options.nodes.get(key);
    this.#history.accept(node);
    return this.changed(node);
  }

  /** Whether it was ordered with `force`. */
  isForcedDeployment(id: string): boolean {
    return this.#options.deployments.orderOf(id)?.force ?? false;
  }

  /** Its nodes, for those who ask what an order for it is about; none if it is unknown. */
  namesOfDeployment(id: string): string[] {
    const { nodes, deployments } = this.#options;
    return deployments.parts(id).flatMap(({ node }) => nodes.find(node)?.name ?? []);
  }

  /** What a deployment or a restore would do to the node. Throws RackseedError (404, 409). */
  plan(key: string, query: PlanQuery): PlanPreview {
    return this.#previews.preview(this.#options.nodes.get(key), query);
  }

  /** Mount points of its image that are on disks which it does not have. Throws RackseedError (404). */
  leftMounts(key: string): readonly string[] {
    return this.#previews.leftMounts(this.#options.nodes.get(key));
  }

  /** The steps of the node's latest deployment, oldest first. Throws RackseedError (404). */
  log(key: string): StepReport[] {
    const { nodes, deployments } = this.#options;
    return deployments.log(nodes.get(key).id);
  }

  /** What its agent logged after line `after`; waits for the next line until the signal aborts. Throws RackseedError (404). */
  async console(key: string, options: { after: number; signal: AbortSignal }): Promise<ConsoleView> {
    return await this.#consoles.next(this.#options.nodes.get(key).id, options);
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

  /** Publishes the node, or the machine that is none, as it is now. */
  changed(node: NodeRecord): NodeView {
    return this.#events.changed(node);
  }

  [Symbol.dispose](): void {
    this.#events[Symbol.dispose]();
  }
}
