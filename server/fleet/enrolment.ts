/**
 * Enrolment: a machine presents its boot secret and gets its order: install, restore, be backed up, or have its hardware
 * read.
 */
import { getLogger } from "@logtape/logtape";
import type { BackupOrder, DiscoverOrder, Inventory, Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Attestations, Proof } from "./attestation/attestations.ts";
import type { HookRegistry } from "./hook_registry.ts";
import type { SwarmTerms } from "./swarm_terms.ts";
import type { Assignment } from "../store/assignment.ts";
import type { Deployments } from "../store/deployments.ts";
import type { BackupTerms, DiscoverTerms } from "../store/deployment_terms.ts";
import type { Nodes } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { BootRestores } from "./boot_restores.ts";
import type { Encryption } from "./encryption.ts";
import type { CloneReports } from "./first_boot/clone_reports.ts";
import { backupImage } from "./backups/image_names.ts";
import type { NodeIdentity } from "./node_identity.ts";
import { diskChoices } from "./disk_choices.ts";
import { present } from "./present.ts";
import type { HardwareHistory } from "./hardware/hardware_history.ts";
import { differences, twinOf } from "./same_machine.ts";
import type { Images, SwarmAddresses } from "./ports.ts";

/** See GET /node/packs in #contract/api.ts. */
export const NODE_PACKS = "/node/packs/";
/** See POST /node/extents in #contract/api.ts. */
export const NODE_EXTENTS = "/node/extents";

const log = getLogger(["rackseed", "nodes"]);

interface EnrolmentSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly images: Pick<Images, "get" | "secrets" | "settings" | "seeds">;
  readonly identity: Pick<NodeIdentity, "order">;
  readonly terms: Pick<SwarmTerms, "ofOrder">;
  readonly hooks: Pick<HookRegistry, "ofNode">;
  readonly clones: Pick<CloneReports, "terms">;
  readonly encryption: Pick<Encryption, "fetch" | "openWith">;
  /** The site's key, for machines in set-up mode. */
  readonly secureBoot?: Order["secureBoot"] | undefined;
  /** Certificate of the key that signs clones' boot programs. */
  readonly signs?: Order["signs"] | undefined;
  readonly bootRestores: Pick<BootRestores, "alike">;
  readonly history: Pick<HardwareHistory, "record">;
  /** Whether the node (by name) is a virtual machine that a version is proved with. */
  readonly isRehearsal: (node: string) => boolean;
  readonly attestations: Pick<Attestations, "demand" | "note">;
  readonly onChange: (node: NodeRecord) => void;
}

interface Request {
  readonly inventory: Inventory;
  readonly proof?: Proof | undefined;
  readonly address: string;
  readonly swarm: SwarmAddresses;
}

export class Enroller {
  readonly #sources: EnrolmentSources;

  constructor(sources: EnrolmentSources) {
    this.#sources = sources;
  }

  /** What waits for this boot secret. Throws RackseedError (401) unless it is that of an armed node. */
  expects(bootSecret: string): Assignment {
    const pending = this.#sources.deployments.ofBootSecret(bootSecret);
    if (!pending) throw unknownBearer();
    return pending;
  }

  /** Turns a boot secret into the node's order. Throws RackseedError (401, 409, 428). */
  enrol(bootSecret: string, request: Request): Order | BackupOrder | DiscoverOrder {
    const { nodes, deployments, history, attestations } = this.#sources;
    const pending = this.expects(bootSecret);
    const node = nodes.get(pending.node);
    refuseOther(node, request);
    // this alone decides: a node whose disks are only to be read never learns how to install
    const backup = deployments.backupTerms(pending.deployment);
    const discover = deployments.discoverTerms(pending.deployment);
    // an order to read the hardware has no secrets, and shows the TPM for the first time
    if (!discover) attestations.demand(node, { pending, ...request });
    const order = backup
      ? this.#backupOrder(node, { pending, backup, request })
      : discover
      ? discoverOrder(node, { pending, discover, request })
      : this.#installOrder(node, { pending, request });
    const enrolled = deployments.enrol(bootSecret);
    if (!enrolled) throw unknownBearer();
    const { address, inventory } = request;
    nodes.touch(node.id, { address, inventory: history.record(node, inventory) });
    attestations.note(node, inventory.tpmKey);
    const image = `${pending.image}@${pending.version}`;
    const others = nodes.withUuid(inventory.uuid ?? "").filter(({ id }) => id !== node.id);
    const twin = inventory.kind === "machine" && twinOf(inventory, others);
    if (twin) {
      log.warn("machine-known-twice", { node: node.name, other: twin.node.name, because: twin.because });
    }
    const kind = { ...(backup && { backup: true }), ...(discover && { discover: true }) };
    log.info("enrolled", { node: node.name, image, address, ...kind });
    this.#sources.onChange(node);
    return { session: enrolled.session, ...order };
  }

  #backupOrder(
    { id, name, settings }: NodeRecord,
    { pending, backup, request }: { pending: Assignment; backup: BackupTerms; request: Request },
  ): Omit<BackupOrder, "session"> {
    if (request.inventory.kind !== "machine") {
      throw new RackseedError(`cannot back up ${name} from a directory`, {
        reason: "the order is to back up its disks, when it boots from the network.",
        remedy: `to capture a directory, run there: rackseed agent template --name ${name} --root DIR`,
        status: 409,
      });
    }
    return {
      deployment: pending.deployment,
      node: name,
      backup: { image: backupImage(name), excludes: [...backup.excludes] },
      ...present("disks", settings.disks),
      ...this.#sources.encryption.openWith(id),
    };
  }

  #installOrder(
    node: NodeRecord,
    { pending, request: { inventory, address, swarm } }: { pending: Assignment; request: Request },
  ): Omit<Order, "session"> {
    const {
      deployments,
      images,
      identity,
      terms,
      hooks: registry,
      clones,
      encryption,
      isRehearsal,
      secureBoot,
      signs,
    } = this.#sources;
    const ref = `${pending.image}@${pending.version}`;
    const version = images.get(ref);
    const { manifest, key } = images.secrets(ref);
    const restore = this.#restoreOrder(pending);
    const hooks = restore?.dryRun ? [] : registry.ofNode(node, pending);
    return {
      deployment: pending.deployment,
      node: node.name,
      image: pending.image,
      version: pending.version,
      manifest,
      key,
      swarm: {
        infoHash: version.infoHash,
        announce: [...swarm.announce],
        webSeeds: [...swarm.webSeeds],
        ...((swarm.webSeedsFirst || !images.seeds(ref)) && { webSeedsFirst: true }),
        ...terms.ofOrder(node, { address, seed: deployments.seedOf(pending.deployment) }),
        ...(swarm.rsync !== undefined && { rsync: `${swarm.rsync}/${ref}.torrent` }),
      },
      identity: identity.order(node, {
        deployment: pending.deployment,
        own: images.settings(pending.image).own,
        // a backup is proved as its own node would get it back
        isBackup: version.backupOf !== undefined &&
          (version.backupOf === node.name || isRehearsal(node.name)),
      }),
      ...diskChoices(node.settings),
      ...present("installedDisks", deployments.installedDisks(node.id)),
      ...(inventory.kind === "machine" && encryption.fetch(pending)),
      ...(inventory.kind === "machine" && present("secureBoot", secureBoot)),
      ...(inventory.kind === "machine" && present("signs", signs)),
      ...(hooks.length > 0 && { hooks }),
      ...(inventory.kind === "machine" && clones.terms(pending, swarm)),
      fallback: { peers: [...swarm.seeders], packs: NODE_PACKS },
      ...present("restore", restore),
      ...present("finish", deployments.finishOf(pending.deployment) ?? node.settings.finish),
      extents: NODE_EXTENTS,
    };
  }

  #restoreOrder({ deployment, node }: Assignment): Order["restore"] {
    const { deployments, bootRestores } = this.#sources;
    const terms = deployments.restoreOf(deployment);
    if (terms === undefined) return undefined;
    // each boot is a deployment of its own, but a classroom is switched on at once
    return { ...terms, nodes: Math.max(bootRestores.alike(node), deployments.partCount(deployment)) };
  }
}

function discoverOrder(
  { name }: NodeRecord,
  { pending: { deployment }, discover, request }: {
    pending: Assignment;
    discover: DiscoverTerms;
    request: Request;
  },
): Omit<DiscoverOrder, "session"> {
  if (request.inventory.kind === "machine") return { deployment, node: name, discover };
  throw new RackseedError(`cannot read the hardware of ${name} from a directory`, {
    reason: "the order is to read it when it boots from the network.",
    remedy: `boot the machine from the network, or cancel the order: rackseed node cancel ${name}`,
    status: 409,
  });
}

export function unknownBearer(): RackseedError {
  return new RackseedError("cannot let this request in", {
    reason: "its token is unknown or used up, or the deployment was replaced.",
    remedy: "use the server's token (the file `token` in its data directory), or deploy the node again.",
    status: 401,
  });
}

/** No machine may become another one because their tokens were mixed up, or because a network card was moved. */
function refuseOther(
  { name, settings: { mac }, inventory: known }: NodeRecord,
  { inventory }: Request,
): void {
  if (inventory.kind !== "machine" || mac === undefined) return;
  const hasMac = ({ nics }: Pick<Inventory, "nics">) => nics.some((nic) => nic.mac.toLowerCase() === mac);
  if (hasMac(inventory)) {
    // a node whose MAC was changed since is meant to be another machine
    const isKnown = known?.kind === "machine" && hasMac(known);
    const other = isKnown ? differences(known, inventory) : undefined;
    if (other === undefined) return;
    throw new RackseedError(`cannot enrol this machine as ${name}`, {
      reason: `it has that node's network card (${mac}), but it is another machine: ${other}.`,
      remedy: "put the card or adapter back into its own machine. If the board was replaced: " +
        `rackseed node delete ${name}, and define the node again.`,
      status: 409,
    });
  }
  throw new RackseedError(`cannot enrol this machine as ${name}`, {
    reason: `that node has the MAC ${mac}, this machine has ${
      inventory.nics.map((nic) => nic.mac).join(", ") || "no network card"
    }.`,
    remedy: `use this machine's own token, or correct the node: rackseed node set ${name} --mac MAC`,
    status: 409,
  });
}
