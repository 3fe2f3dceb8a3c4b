/** The operator's orders: deploy, restore, cancel. Each arms or disarms nodes; nothing else lets a disk be written. */
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
import { type Nodes, shortList } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Batches } from "./batches/batches.ts";
import type { Encryption } from "./encryption.ts";
import type { CloneReports } from "./first_boot/clone_reports.ts";
import type { Images } from "./ports.ts";
import type { PlanPreviews } from "./plan_previews.ts";
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
  readonly restarts: Restarts;
  /** Pin of the server's CA, for the nodes' boot tokens. */
  readonly pin: string;
  readonly onChange: (node: NodeRecord) => NodeView;
}

export class DeploymentOrders {
  readonly #sources: OrderSources;

  constructor(sources: OrderSources) {
    this.#sources = sources;
  }

  /** Arms all of the nodes, or none. Throws RackseedError if one of them, or the image, does not allow it. */
  deploy(request: DeployRequest & { restore?: RestoreTerms }): DeployAnswer {
    const { nodes: keys, image: ref, seed, identity, askSeconds, firstBootSeconds, force, restore } = request;
    const { now = false, finish } = request;
    const { deployments, images, batches, clones, encryption, previews, restarts, pin, onChange } =
      this.#sources;
    const version = images.get(ref);
    const nodes = this.#distinct(keys);
    const image = `${version.image}@${version.version}`;
    const damage = images.damage(image);
    if (damage) throw damage;
    refuseForeignBackup(nodes, { version, force });
    this.#refuseBackedUp(nodes, image);
    this.#refuseInstalling(nodes, image);
    refuseUnbootable(nodes, version);
    const { unlock, passphrase, planCheck = true } = request;
    const plans = previews.prove(nodes, { version, unlock, restore, refuses: planCheck });
    if (now) restarts.prove(nodes, version);
    const also = encryption.order(nodes, { version, unlock, passphrase, restore });
    const ids = nodes.map((node) => node.id);
    const { deployment, secrets } = deployments.arm(ids, {
      image: version.image,
      version: version.version,
      also,
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
      batches.forget(node.id);
      if (now) restarts.begin(deployment, node.id);
      onChange(node);
    }
    const token = (id: string) => formatToken({ pin, secret: secrets.get(id) ?? "" });
    return {
      deployment,
      image,
      nodes: nodes.map(({ id, name }, i) => ({
        id,
        node: name,
        token: token(id),
        ...present("plan", summaryOf(plans[i])),
      })),
    };
  }

  /**
   * Arms the nodes to be restored to an image, by default the one assigned to them. Paths that the image's settings
   * keep are kept too. Throws RackseedError.
   */
  restore(
    { nodes: keys, image, version, keep = [], dryRun = false, check, ...terms }: RestoreRequest,
  ): DeployAnswer {
    const { images } = this.#sources;
    const ref = image ?? this.#assignedTo(this.#distinct(keys), version);
    const named = images.get(ref);
    const always = images.settings(named.image).keep ?? [];
    const restore = { keep: [...new Set([...always, ...keep])], dryRun, ...present("check", check) };
    const target = `${named.image}@${named.version}`;
    return this.deploy({ ...terms, nodes: keys, image: target, identity: "keep", restore });
  }

  /** Throws RackseedError: 404, 409 if the node is neither armed nor being installed. */
  cancel(key: string): NodeView {
    const { nodes, deployments, encryption, onChange } = this.#sources;
    const node = nodes.get(key);
    const cancelled = deployments.cancel(node.id);
    if (!cancelled) {
      throw new RackseedError(`cannot cancel the deployment of ${node.name}`, {
        reason: "the node is neither armed nor being installed.",
        remedy: "see `rackseed node list`.",
        status: 409,
      });
    }
    encryption.end(node.id);
    log.info("cancelled", { node: node.name, deployment: cancelled.deployment });
    return onChange(node);
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
