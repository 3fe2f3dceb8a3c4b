/** Nodes and their deployments together: what the API, the page and the netboot policy do with them. */
import { getLogger } from "@logtape/logtape";
import type {
  BackupOrder,
  DeployAnswer,
  DeploymentView,
  DeployRequest,
  Enrolment,
  IdentityClaim,
  NodeChange,
  NodeSettings,
  NodeView,
  Order,
  ReportAnswer,
  RestoreRequest,
  StepReport,
} from "#contract/api.ts";
import type { Identity } from "#contract/identity.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { RestoreTerms } from "#contract/restore.ts";
import { formatToken } from "#contract/token.ts";
import type { Batches } from "./batches/batches.ts";
import type { FirstBootWatch } from "./first_boot/first_boot_watch.ts";
import type { HookBook } from "./hook_book.ts";
import type { NodeTerms } from "./node_terms.ts";
import { tableIdentity } from "./table_identity.ts";
import type { AgentTokens } from "../store/agent_tokens.ts";
import type { Assignment, Deployments } from "../store/deployments.ts";
import { type Nodes, shortList } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Identities } from "../store/identities.ts";
import { CloneReports } from "./first_boot/clone_reports.ts";
import { Enroller, unknownBearer } from "./enrolment.ts";
import { NodeIdentity } from "./node_identity.ts";
import { NodeViews, SILENT_MS } from "./node_views.ts";
import { present } from "./present.ts";
import type { Images, Publish, SwarmAddresses } from "./ports.ts";

const log = getLogger(["rackseed", "nodes"]);

export interface FleetOptions {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly identities: Identities;
  readonly agents: AgentTokens;
  readonly images: Images;
  readonly batches: Batches;
  readonly terms: NodeTerms;
  readonly firstBoots: FirstBootWatch;
  readonly hooks: HookBook;
  readonly publish: Publish;
  readonly now: () => number;
  /** Pin of the server's CA, for the tokens that nodes are given. */
  readonly pin: string;
}

export class Fleet {
  /** What they say when they are up. */
  readonly clones: CloneReports;
  readonly #nodes: Nodes;
  readonly #deployments: Deployments;
  readonly #identity: NodeIdentity;
  readonly #images: Images;
  readonly #batches: Batches;
  readonly #terms: NodeTerms;
  readonly #hooks: HookBook;
  readonly #enroller: Enroller;
  readonly #views: NodeViews;
  readonly #publish: Publish;
  readonly #now: () => number;
  readonly #pin: string;
  #lookedMs: number;

  constructor(
    { nodes, deployments, identities, agents, images, batches, terms, firstBoots, hooks, publish, now, pin }:
      FleetOptions,
  ) {
    this.#nodes = nodes;
    this.#deployments = deployments;
    this.#identity = new NodeIdentity({ nodes, deployments, identities, agents });
    this.#images = images;
    this.#batches = batches;
    this.#terms = terms;
    this.clones = new CloneReports({
      nodes,
      deployments,
      watch: firstBoots,
      onChange: (node) => this.changed(node),
    });
    this.#hooks = hooks;
    this.#enroller = new Enroller({
      nodes,
      deployments,
      images,
      terms,
      hooks,
      clones: this.clones,
      identity: this.#identity,
      onChange: (node) => this.changed(node),
    });
    this.#views = new NodeViews({ deployments, batches, clones: this.clones, now });
    this.#publish = publish;
    this.#now = now;
    this.#lookedMs = now();
    this.#pin = pin;
  }

  list(): NodeView[] {
    return this.#nodes.list().map((node) => this.#views.view(node));
  }

  get(key: string): NodeView {
    return this.#views.view(this.#nodes.get(key));
  }

  put(key: string, settings: NodeSettings): NodeView {
    tableIdentity({ name: key, settings });
    return this.changed(this.#nodes.put(key, settings));
  }

  /** All of them or none. */
  putAll(changes: readonly NodeChange[]): NodeView[] {
    for (const { node, settings } of changes) tableIdentity({ name: node, settings });
    return this.#nodes.putAll(changes).map((node) => this.changed(node));
  }

  delete(key: string): void {
    const node = this.#nodes.get(key);
    if (this.#deployments.active(node.id)) {
      throw new RackseedError(`cannot delete the node ${node.name}`, {
        reason: "it is armed or being installed.",
        remedy: `call that off first: rackseed node cancel ${node.name}`,
        status: 409,
      });
    }
    this.#deployments.forgetNode(node.id);
    this.#batches.forget(node.id);
    this.clones.forget(node.id);
    this.#hooks.forgetNode(node.id);
    this.#nodes.delete(node.id);
    this.#identity.forget(node.id);
    this.#publish({ type: "node-removed", name: node.name });
  }

  /** Arms all of the nodes, or none. Throws RackseedError where one cannot be had. */
  deploy(
    { nodes: keys, image: ref, seed, identity, askSeconds, firstBootSeconds, force, restore }:
      & DeployRequest
      & {
        restore?: RestoreTerms;
      },
  ): DeployAnswer {
    const { image, version, bootable, bootNotes, backupOf } = this.#images.get(ref);
    const nodes = this.#distinct(keys);
    const named = `${image}@${version}`;
    const damage = this.#images.damage(named);
    if (damage) throw damage;
    const others = nodes.filter((node) => node.name !== backupOf);
    if (backupOf !== undefined && others.length > 0 && !force) {
      throw new RackseedError(`cannot deploy ${named} to ${shortList(others.map((node) => node.name))}`, {
        reason: `it is a backup of the node ${backupOf}, with all that is that node's own.`,
        remedy: "deploy an image; or give --force where another machine is to take that node's place.",
        status: 409,
      });
    }
    this.#refuseBackedUp(nodes, `cannot deploy ${named}`);
    const busy = nodes.filter((node) => this.#deployments.active(node.id)?.state === "installing");
    if (busy.length > 0) {
      const names = shortList(busy.map((node) => node.name));
      throw new RackseedError(`cannot deploy ${named}`, {
        reason: `being installed just now: ${names}.`,
        remedy: `wait, or call that off first: rackseed node cancel ${busy.map((n) => n.name).join(" ")}`,
        status: 409,
      });
    }
    const netbooted = nodes.filter((node) => node.settings.mac !== undefined);
    if (!bootable && netbooted.length > 0) {
      throw new RackseedError(`cannot deploy ${named}`, {
        reason: `no machine can be booted with it: ${bootNotes.join(" ") || "it has no kernel."}`,
        remedy: "install on the template what is missing and capture it again.",
        status: 409,
      });
    }
    const ids = nodes.map((node) => node.id);
    const { deployment, secrets } = this.#deployments.arm(ids, {
      image,
      version,
      seed,
      restore,
      ...((identity ?? askSeconds) && {
        identity: { ...identity && { mode: identity }, ...askSeconds && { askSeconds } },
      }),
    });
    this.clones.order(ids, { deployment, seconds: firstBootSeconds });
    const names = nodes.map((node) => node.name);
    log.info("armed", { deployment, image: named, nodes: names, ...(restore && { restore }) });
    for (const node of nodes) {
      this.#batches.forget(node.id);
      this.changed(node);
    }
    return {
      deployment,
      image: named,
      nodes: nodes.map(({ id, name }) => ({ id, node: name, token: this.#token(secrets.get(id) ?? "") })),
    };
  }

  /** Which nodes bear a version, or are about to, by version ("web@1"). */
  borne(): Map<string, string[]> {
    const borne = new Map<string, string[]>();
    for (const { id, name, image } of this.list()) {
      // what an order is to replace stands on its disk until then
      const now = this.#deployments.borne(id);
      const refs = new Set([image, now && `${now.image}@${now.version}`]);
      for (const ref of refs) if (ref !== undefined) borne.set(ref, [...borne.get(ref) ?? [], name]);
    }
    return borne;
  }

  /**
   * Arms the nodes to be brought back to an image: the one that they bear where none is named. What the image's
   * settings keep is kept, too. Throws RackseedError.
   */
  restore(
    { nodes: keys, image, version, keep = [], dryRun = false, check, force }: RestoreRequest,
  ): DeployAnswer {
    const ref = image ?? this.#borneBy(this.#distinct(keys), version);
    const named = this.#images.get(ref);
    const always = this.#images.settings(named.image).keep ?? [];
    const restore = { keep: [...new Set([...always, ...keep])], dryRun, ...present("check", check) };
    const target = `${named.image}@${named.version}`;
    return this.deploy({ nodes: keys, image: target, identity: "keep", force, restore });
  }

  cancel(key: string): NodeView {
    const node = this.#nodes.get(key);
    const cancelled = this.#deployments.cancel(node.id);
    if (!cancelled) {
      throw new RackseedError(`cannot cancel the deployment of ${node.name}`, {
        reason: "the node is neither armed nor being installed.",
        remedy: "see `rackseed node list`.",
        status: 409,
      });
    }
    log.info("cancelled", { node: node.name, deployment: cancelled.deployment });
    return this.changed(node);
  }

  /** Tells of nodes that fell silent in the middle of their installation since the last call. */
  flagSilent(): void {
    const sinceMs = this.#lookedMs, nowMs = this.#lookedMs = this.#now();
    for (const node of this.#nodes.all()) {
      const silentMs = node.seen === undefined ? 0 : Date.parse(node.seen) + SILENT_MS;
      if (silentMs <= sinceMs || silentMs > nowMs) continue;
      if (this.#deployments.active(node.id)?.state !== "installing") continue;
      log.warn("silent", { node: node.name, seen: node.seen });
      this.changed(node);
    }
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

  log(key: string): StepReport[] {
    return this.#deployments.log(this.#nodes.get(key).id);
  }

  /**
   * A machine asked how to boot. It is shown from now on; where it is armed, the answer is its image and a fresh
   * boot token. Asking alone ("peek") makes no token.
   */
  netboot(mac: string, { peek = false, address }: { peek?: boolean; address?: string } = {}):
    | { node: NodeRecord; image: string; version: number; token: string | undefined }
    | undefined {
    this.#noteBoot(mac, address);
    const node = this.#nodes.byMac(mac);
    const order = node && this.#deployments.active(node.id);
    if (!node || !order) return undefined;
    const secret = peek ? undefined : this.#deployments.issueBootSecret(node.id);
    return {
      node,
      image: order.image,
      version: order.version,
      token: secret === undefined ? undefined : this.#token(secret),
    };
  }

  /** What cannot be written down, as on a full disk, keeps no machine from starting. */
  #noteBoot(mac: string, address: string | undefined): void {
    try {
      const news = this.#nodes.discover(mac, { ...(address !== undefined && { address }) });
      if (news) this.changed(news);
    } catch (error) {
      log.error("boot-not-noted", { mac, error: messageOf(error) });
    }
  }

  /** Throws RackseedError (401) unless a node with this boot secret is awaited. */
  expects(bootSecret: string): void {
    this.#enroller.expects(bootSecret);
  }

  /** Turns a boot secret into the node's order. Throws RackseedError (401, 409). */
  enrol(
    bootSecret: string,
    request: Enrolment & { address: string; swarm: SwarmAddresses },
  ): Order | BackupOrder {
    return this.#enroller.enrol(bootSecret, request);
  }

  /** See POST /node/identity in #contract/api.ts. */
  claimIdentity(assignment: Assignment, claim: IdentityClaim): Identity {
    this.#refuseOthers(assignment);
    const { node, identity, instead } = this.#identity.claim(assignment, claim);
    if (instead !== undefined) this.#publish({ type: "node-removed", name: instead });
    this.changed(node);
    return identity;
  }

  async recordIdentity(assignment: Assignment, identity: Identity): Promise<void> {
    this.#refuseOthers(assignment);
    await this.#identity.record(assignment.node, identity);
  }

  /** Whose session this is. Throws RackseedError (401). */
  assignmentOf(session: string): Assignment {
    const assignment = this.#deployments.ofSession(session);
    if (!assignment) throw unknownBearer();
    return assignment;
  }

  /** The same while it installs: a session lives on for reports alone. Throws RackseedError (401, 409). */
  installingOf(session: string): Assignment {
    const assignment = this.assignmentOf(session);
    this.#refuseOthers(assignment);
    return assignment;
  }

  report(assignment: Assignment, report: StepReport, { address }: { address: string }): ReportAnswer {
    this.#nodes.touch(assignment.node, { address });
    const { step, reportsAs } = report;
    if (step === "finish" && reportsAs !== undefined) this.clones.begin(assignment, { reportsAs });
    const after = this.#deployments.report(assignment, report);
    const slowestBefore = this.#batches.slowest(assignment.deployment)?.node;
    if (!this.#deployments.backupTerms(assignment.deployment)) this.#batches.note(assignment, report);
    const node = this.#nodes.find(assignment.node);
    if (node) this.changed(node);
    this.#unmarkSlowest(assignment, slowestBefore);
    if (report.state !== "running") {
      log.info("step", {
        node: node?.name,
        step: report.step,
        state: report.state,
        elapsedMs: report.elapsedMs,
        ...(report.problem && { problem: `${report.problem.title}: ${report.problem.detail}` }),
      });
    }
    const cancelled = after.state === "cancelled" || after.state === "aborted" ||
      (after.state === "failed" && report.state !== "failed");
    return {
      cancelled,
      seedOn: !cancelled && (this.#batches.seeding(assignment)?.on ?? false),
      ...present("nextReportMs", this.#batches.reportPauseMs),
      ...(node && this.#terms.changed(node, { address, known: report.racks })),
    };
  }

  /** Who was the slowest and is it no longer is shown without the mark. */
  #unmarkSlowest({ deployment }: Assignment, before: string | undefined): void {
    if (before === undefined || before === this.#batches.slowest(deployment)?.node) return;
    const node = this.#nodes.find(before);
    if (node) this.changed(node);
  }

  /** Whoever ordered a backup first wants it before the disk is overwritten. */
  #refuseBackedUp(nodes: readonly NodeRecord[], title: string): void {
    const names = nodes.filter(({ id }) => {
      const order = this.#deployments.active(id);
      return order && this.#deployments.backupTerms(order.deployment);
    }).map((node) => node.name);
    if (names.length === 0) return;
    throw new RackseedError(title, {
      reason: `to be backed up at their next boot, or just now: ${shortList(names)}.`,
      remedy: `wait for that, or call it off first: rackseed node cancel ${names.join(" ")}`,
      status: 409,
    });
  }

  #distinct(keys: readonly string[]): NodeRecord[] {
    return [...new Map(keys.map((key) => this.#nodes.get(key)).map((n) => [n.id, n])).values()];
  }

  /** The one image that all of them bear, or that version of it. */
  #borneBy(nodes: readonly NodeRecord[], version: number | undefined): string {
    const refs = new Set(nodes.map((node) => {
      const borne = this.#deployments.borne(node.id);
      if (borne) return `${borne.image}@${version ?? borne.version}`;
      throw new RackseedError(`cannot restore the node ${node.name}`, {
        reason: "it is not known which image it bears: none was installed on it from here.",
        remedy: `name the image: rackseed node restore ${node.name} --image NAME`,
        status: 409,
      });
    }));
    const [ref, ...others] = refs;
    if (ref !== undefined && others.length === 0) return ref;
    throw new RackseedError("cannot restore these nodes together", {
      reason: `they bear different images: ${[...refs].join(", ")}.`,
      remedy: "restore those of one image at a time, or name the image: --image NAME@VERSION",
      status: 409,
    });
  }

  #token(secret: string): string {
    return formatToken({ pin: this.#pin, secret });
  }

  /** Tells everybody how the node is now. */
  changed(node: NodeRecord): NodeView {
    const view = this.#views.view(this.#nodes.get(node.id));
    this.#publish({ type: "node", node: view });
    return view;
  }

  /** The session of a node that has finished, was called off or is backed up is good for other things alone. */
  #refuseOthers({ state, deployment }: Assignment): void {
    const installs = !this.#deployments.backupTerms(deployment);
    if (state === "installing" && installs) return;
    throw new RackseedError("cannot do this for the node", {
      reason: installs ? "its deployment has ended, or was called off." : "it is backed up, not installed.",
      remedy: "deploy the node again.",
      status: 409,
    });
  }
}
