/** Orders: deploy, restore, cancel. Each arms or disarms nodes; nothing else lets a disk be written. */
import { getLogger } from "@logtape/logtape";
import type {
  DeployAnswer,
  DeployRequest,
  NodeView,
  PlanPreview,
  RestoreRequest,
  VersionView,
} from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { RestoreTerms } from "#contract/api/restore.ts";
import { formatToken } from "#contract/token.ts";
import type { Deployments } from "../store/deployments.ts";
import type { EveryBoots } from "../store/every_boot.ts";
import { type Nodes, shortList } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Batches } from "./batches/batches.ts";
import type { Encryption } from "./encryption.ts";
import type { CloneReports } from "./first_boot/clone_reports.ts";
import type { Machines } from "./machines.ts";
import { refuseOtherArchitecture, versionFor } from "./node_architecture.ts";
import type { Images } from "./ports.ts";
import type { PlanPreviews, PlansAhead } from "./plan_previews.ts";
import type { Proofs } from "./proofs.ts";
import type { Restarts } from "./restarts/restarts.ts";
import { present } from "./present.ts";

const log = getLogger(["rackseed", "nodes"]);

interface OrderSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly images: Images;
  readonly batches: Batches;
  readonly clones: CloneReports;
  readonly encryption: Encryption;
  readonly previews: PlanPreviews;
  readonly proofs: Proofs;
  readonly everyBoots: EveryBoots;
  /** A node (by id) is no longer restored at every boot. */
  readonly onCalledOff: (node: string) => void;
  readonly now: () => number;
  readonly machines: Pick<Machines, "adoptOrdered">;
  readonly restarts: Restarts;
  /** Pin of the server's CA, for the nodes' boot tokens. */
  readonly pin: string;
  readonly onChange: (node: NodeRecord) => NodeView;
  /** As `onChange`, for any number of nodes (by id). */
  readonly onChanges: (ids: readonly string[]) => void;
}

/** Stores what belongs to a deployment (by id) of these nodes, all or nothing with it. */
type Also = (deployment: string, nodes: readonly NodeRecord[]) => void;

interface OrderOptions {
  readonly also?: Also | undefined;
  /** Who orders it. */
  readonly by?: string | undefined;
  readonly ahead?: PlansAhead | undefined;
}

/**
 * `isEveryBoot`: it is given for, or by, an order that holds for every boot. `isRehearsal`: the node is a virtual machine,
 * which is to prove the version.
 */
export type InstallRequest = DeployRequest & {
  restore?: RestoreTerms | undefined;
  isEveryBoot?: boolean;
  isRehearsal?: boolean;
};

export class DeploymentOrders {
  readonly #sources: OrderSources;

  constructor(sources: OrderSources) {
    this.#sources = sources;
  }

  /** The plans for many nodes, made in turns; `deploy` makes those again that no longer hold. Throws RackseedError. */
  planAhead(request: InstallRequest): Promise<PlansAhead> {
    const { nodes: keys, image, unlock, restore } = request, { images, previews } = this.#sources;
    const nodes = this.#distinct(keys);
    return previews.ahead(nodes, { version: versionFor(nodes, { ref: image, images }), unlock, restore });
  }

  /** Arms all of the nodes, or none. Throws RackseedError if one of them, or the image, does not allow it. */
  deploy(
    request: InstallRequest,
    { also: store, by, ahead }: OrderOptions = {},
  ): DeployAnswer {
    const { seed, identity, askSeconds, firstBootSeconds, restore, now = false, finish } = request;
    // to order the same again; a passphrase is not kept
    const { nodes: _, passphrase: __, isEveryBoot: ___, isRehearsal: ____, ...terms } = request;
    const { deployments, batches, clones, machines, restarts, pin, onChanges } = this.#sources;
    const { nodes, version, plans, warning, also } = this.#prove(request, ahead);
    const image = `${version.image}@${version.version}`;
    this.#refuseBackedUp(nodes, image);
    this.#refuseInstalling(nodes, image);
    if (!request.isEveryBoot) this.#refuseEveryBoot(nodes, request);
    if (now) restarts.prove(nodes, version);
    const ids = nodes.map((node) => node.id);
    const { deployment, secrets } = deployments.arm(ids, {
      image: version.image,
      version: version.version,
      also: (id) => {
        also(id);
        store?.(id, nodes);
      },
      order: terms,
      by,
      seed,
      restore,
      finish,
      ...(now && { now }),
      ...((identity ?? askSeconds) && {
        identity: { ...identity && { mode: identity }, ...askSeconds && { askSeconds } },
      }),
    });
    clones.order(ids, { deployment, seconds: firstBootSeconds });
    log.info("armed", { deployment, image, nodes: namesOf(nodes), ...(restore && { restore }) });
    for (const node of nodes) {
      this.#sources.everyBoots.refresh(node.id);
      batches.forget(node.id);
      machines.adoptOrdered(node);
      if (now) restarts.begin(deployment, node.id);
    }
    onChanges(ids);
    const token = (id: string) => formatToken({ pin, secret: secrets.get(id) ?? "" });
    return {
      deployment,
      image,
      nodes: nodes.map(({ id, name }, i) => ({
        id,
        node: name,
        token: token(id),
        ...present("plan", summaryOf(plans[i])),
        ...present("warnings", plans[i]?.warnings),
      })),
      ...present("warnings", warning === undefined ? undefined : [warning]),
    };
  }

  /** Throws RackseedError if this could not be ordered, whatever the nodes are doing now. */
  check(request: InstallRequest): void {
    this.#prove(request);
  }

  /**
   * Arms the nodes to be restored to an image, by default the one assigned to them. Paths that the image's settings
   * keep are kept too. `by`: who orders it, for one at every boot. Throws RackseedError.
   */
  restore(request: RestoreRequest, { by, also, ahead }: OrderOptions = {}): DeployAnswer {
    const order = this.installOf(request);
    if (!request.everyBoot) return this.deploy(order, { also, by, ahead });
    if (request.dryRun) {
      throw new RackseedError("cannot order a dry run at every boot", {
        reason: "a dry run writes nothing, and each would only delay the boot.",
        remedy: "order one of the two.",
        status: 400,
      });
    }
    const keep: Also = (_, nodes) => this.#keep(nodes, { request, by: by ?? "" });
    return this.deploy({ ...order, isEveryBoot: true }, { also: keep, by, ahead });
  }

  /** As `check`. */
  checkRestore(request: RestoreRequest): void {
    this.#prove(this.installOf(request));
  }

  /** Carries out an order that holds for every boot. Throws RackseedError. */
  restoreAtBoot(node: NodeRecord): DeployAnswer {
    const { everyBoots } = this.#sources;
    const terms = everyBoots.of(node.id)?.terms;
    const passphrase = everyBoots.passphrase(node.id);
    const order = this.installOf({ ...terms, nodes: [node.id], passphrase });
    // the order for every boot stays as it is
    return this.deploy({ ...order, isEveryBoot: true }, {
      also: () => everyBoots.setPassed(node.id, undefined),
      by: everyBoots.of(node.id)?.by,
    });
  }

  /** Throws RackseedError: 404, 409 if the node has no order. */
  cancel(key: string): NodeView {
    const { nodes, deployments, everyBoots, encryption, onChange } = this.#sources;
    const node = nodes.get(key);
    const wasKept = everyBoots.delete(node.id);
    const cancelled = deployments.cancel(node.id);
    if (!cancelled && !wasKept) {
      throw new RackseedError(`cannot cancel the deployment of ${node.name}`, {
        reason: "the node is neither armed nor being installed, nor restored at every boot.",
        remedy: "see `rackseed node list`.",
        status: 409,
      });
    }
    if (cancelled) encryption.end(node.id);
    if (wasKept) this.#sources.onCalledOff(node.id);
    log.info("cancelled", { node: node.name, deployment: cancelled?.deployment, everyBoot: wasKept });
    return onChange(node);
  }

  /** Cancels the orders that these nodes (by id) have, all or none; what holds for every boot stays. */
  cancelOrders(ids: readonly string[]): void {
    const { nodes, deployments, encryption, onChanges } = this.#sources;
    const cancelled = deployments.cancelAll(ids, { also: (node) => encryption.end(node) });
    for (const { node, deployment } of cancelled) {
      log.info("cancelled", { node: nodes.find(node)?.name, deployment });
    }
    onChanges(ids);
  }

  /** Whether a schedule may order something for the node (by id): it has no order but one that each boot repeats. */
  isFree(id: string): boolean {
    const { deployments, everyBoots } = this.#sources;
    const active = deployments.active(id);
    if (!active) return true;
    return active.state === "armed" && everyBoots.of(id) !== undefined &&
      deployments.restoreOf(active.deployment) !== undefined;
  }

  /** Disarms a node (by id) that has not booted; what holds for every boot stays. */
  takeBack(id: string): void {
    const { nodes, deployments, encryption, onChange } = this.#sources;
    const node = nodes.get(id);
    if (deployments.active(id)?.state !== "armed") return;
    deployments.cancel(id);
    encryption.end(id);
    log.info("taken-back", { node: node.name });
    onChange(node);
  }

  /** What does not depend on what the nodes are doing. Throws RackseedError. */
  #prove(
    {
      nodes: keys,
      image: ref,
      force,
      restore,
      unlock,
      passphrase,
      planCheck = true,
      power,
      now,
      isRehearsal,
    }: InstallRequest,
    ahead?: PlansAhead,
  ) {
    const { images, encryption, previews, proofs } = this.#sources;
    const nodes = this.#distinct(keys), version = versionFor(nodes, { ref, images });
    if (power && now) throw startedTwice(version);
    const damage = images.damage(`${version.image}@${version.version}`);
    if (damage) throw damage;
    refuseForeignBackup(nodes, { version, force });
    refuseUnbootable(nodes, version);
    refuseOtherArchitecture(nodes, version);
    // a restore puts back what has run there; a backup is its node's own
    const isNew = restore === undefined && version.backupOf === undefined && !isRehearsal;
    const warning = isNew ? proofs.warningOf(version) : undefined;
    const plans = previews.prove(nodes, {
      version,
      unlock,
      restore,
      refuses: planCheck,
      force,
      ahead,
    });
    const also = encryption.order(nodes, { version, unlock, passphrase, restore });
    return { nodes, version, plans, warning, also };
  }

  /** The restore as the installation that it is. Throws RackseedError. */
  installOf(
    { nodes, image, version, keep = [], dryRun = false, check, everyBoot: _, ...terms }: RestoreRequest,
  ): InstallRequest {
    const { images } = this.#sources;
    const named = images.get(image ?? this.#assignedTo(this.#distinct(nodes), version));
    const always = images.settings(named.image).keep ?? [];
    return {
      ...terms,
      nodes,
      image: `${named.image}@${named.version}`,
      identity: "keep",
      restore: { keep: [...new Set([...always, ...keep])], dryRun, ...present("check", check) },
    };
  }

  /** Keeps the order for every boot. Within the transaction that arms the nodes. */
  #keep(nodes: readonly NodeRecord[], { request, by }: { request: RestoreRequest; by: string }): void {
    const { nodes: _, passphrase, everyBoot: __, dryRun: ___, now: ____, reviewed: _____, ...terms } =
      request;
    const since = new Date(this.#sources.now()).toISOString();
    for (const { id } of nodes) this.#sources.everyBoots.put({ node: id, terms, by, since }, { passphrase });
  }

  #distinct(keys: readonly string[]): NodeRecord[] {
    const { nodes } = this.#sources;
    return [...new Map(keys.map((key) => nodes.get(key)).map((node) => [node.id, node])).values()];
  }

  /** The operator who ordered a backup wants it before the disk is overwritten. */
  #refuseBackedUp(nodes: readonly NodeRecord[], image: string): void {
    const { deployments } = this.#sources;
    const names = namesOf(nodes.filter(({ id }) => {
      const order = deployments.active(id);
      return order && deployments.backupTerms(order.deployment);
    }));
    if (names.length === 0) return;
    throw new RackseedError(`cannot deploy ${image}`, {
      reason: `a backup is ordered or running: ${shortList(names)}.`,
      remedy: `wait for it, or cancel it first: rackseed node cancel ${names.join(" ")}`,
      status: 409,
    });
  }

  #refuseInstalling(nodes: readonly NodeRecord[], image: string): void {
    const { deployments } = this.#sources;
    const names = namesOf(nodes.filter((node) => deployments.active(node.id)?.state === "installing"));
    if (names.length === 0) return;
    throw new RackseedError(`cannot deploy ${image}`, {
      reason: `being installed right now: ${shortList(names)}.`,
      remedy: `wait, or cancel that first: rackseed node cancel ${names.join(" ")}`,
      status: 409,
    });
  }

  /** The next boot would undo it: that order names an image. */
  #refuseEveryBoot(nodes: readonly NodeRecord[], { image, restore }: InstallRequest): void {
    if (restore?.dryRun) return;
    const { everyBoots } = this.#sources;
    const bound = nodes.filter(({ id }) => {
      const terms = everyBoots.of(id)?.terms;
      return terms?.image !== undefined || terms?.version !== undefined;
    });
    if (bound.length === 0) return;
    const names = namesOf(bound);
    throw new RackseedError(`cannot deploy ${image}`, {
      reason: `each boot restores another image, which was named: ${shortList(names)}.`,
      remedy: `call that off first: rackseed node cancel ${names.join(" ")}`,
      status: 409,
    });
  }

  /** The one image assigned to all of them, or that version of it. */
  #assignedTo(nodes: readonly NodeRecord[], version: number | undefined): string {
    const refs = new Set(nodes.map((node) => {
      const assigned = this.#sources.deployments.assigned(node.id);
      if (assigned) return `${assigned.image}@${version ?? assigned.version}`;
      throw new RackseedError(`cannot restore the node ${node.name}`, {
        reason: "no image is assigned to it: none was installed from here.",
        remedy: `name the image: rackseed node restore ${node.name} --image NAME`,
        status: 409,
      });
    }));
    const [ref, ...others] = refs;
    if (ref !== undefined && others.length === 0) return ref;
    throw new RackseedError("cannot restore these nodes together", {
      reason: `different images are assigned to them: ${[...refs].join(", ")}.`,
      remedy: "restore those of one image at a time, or name the image: --image NAME@VERSION",
      status: 409,
    });
  }
}

/** A backup holds everything that makes its node itself: another machine would become that node's double. */
function refuseForeignBackup(
  nodes: readonly NodeRecord[],
  { version: { image, version, backupOf }, force }: { version: VersionView; force: boolean | undefined },
): void {
  const others = nodes.filter((node) => node.name !== backupOf);
  if (backupOf === undefined || others.length === 0 || force) return;
  throw new RackseedError(`cannot deploy ${image}@${version} to ${shortList(namesOf(others))}`, {
    reason: `it is a backup of the node ${backupOf}, and holds that node's identity.`,
    remedy: "deploy an image, or give --force to let another machine take that node's place.",
    status: 409,
  });
}

function startedTwice({ image, version }: VersionView): RackseedError {
  return new RackseedError(`cannot deploy ${image}@${version}`, {
    reason: "power control and the nodes' agents would both restart the nodes.",
    remedy: "give one of --power and --now.",
    status: 400,
  });
}

function refuseUnbootable(
  nodes: readonly NodeRecord[],
  { image, version, bootable, bootNotes }: VersionView,
): void {
  if (bootable || nodes.every((node) => node.settings.mac === undefined)) return;
  throw new RackseedError(`cannot deploy ${image}@${version}`, {
    reason: `it cannot boot a machine: ${bootNotes.join(" ") || "it has no kernel."}`,
    remedy: "install what is missing on the template and capture it again.",
    status: 409,
  });
}

/** The disks that it would take, or why that is not known, in one line. */
function summaryOf(preview: PlanPreview | undefined): string | undefined {
  if (!preview) return undefined;
  const { lines: [first], remark, problem } = preview;
  return problem
    ? `refused by its last known disks: ${problem.detail}`
    : [first, remark].filter(Boolean).join("; ");
}

function namesOf(nodes: readonly NodeRecord[]): string[] {
  return nodes.map((node) => node.name);
}
