/**
 * Orders to read the hardware of nodes, and of machines that only appeared. They are armed; at their next boot from the
 * network an agent reads their inventory and writes nothing. Such an order never installs.
 */
import { getLogger } from "@logtape/logtape";
import type { DeployAnswer, DiscoverRequest, ImageView, VersionView } from "#contract/api.ts";
import { architectureOf } from "#contract/architectures.ts";
import { RackseedError } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import type { Deployments } from "../../store/deployments.ts";
import { type Nodes, shortList } from "../../store/nodes.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import { architectureOfNode, refuseOtherArchitecture, versionFor } from "../node_architecture.ts";
import type { Images } from "../ports.ts";

const log = getLogger(["rackseed", "nodes"]);

/** A switch announces itself every 30 s (IEEE 802.1AB-2016 §9.2.5.7). */
const LISTEN_SECONDS = 35;

interface DiscoverySources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly images: Pick<Images, "get" | "list" | "damage">;
  /** Pin of the server's CA. */
  readonly pin: string;
  /** These nodes (by id) have changed. */
  readonly onChanges: (ids: readonly string[]) => void;
}

export class Discoveries {
  readonly #sources: DiscoverySources;

  constructor(sources: DiscoverySources) {
    this.#sources = sources;
  }

  /** Arms all of them, or none. Throws RackseedError: 404; 409 if one has another order, or no image can boot them. */
  arm({ nodes: keys, image }: DiscoverRequest): DeployAnswer {
    const { nodes, deployments, pin, onChanges } = this.#sources;
    const named = [...new Map(keys.map((key) => nodes.get(key)).map((node) => [node.id, node])).values()];
    this.#refuseBusy(named);
    // one kernel for all: what they have installed does not matter to what is read
    const boots = this.#bootable(image ?? this.#imageOf(named), named);
    const ref = `${boots.image}@${boots.version}`;
    const { deployment, secrets } = deployments.arm(named.map(({ id }) => id), {
      image: boots.image,
      version: boots.version,
      discover: { listenSeconds: LISTEN_SECONDS },
    });
    log.info("armed-for-discovery", { deployment, boots: ref, nodes: named.map(({ name }) => name) });
    onChanges(named.map(({ id }) => id));
    return {
      deployment,
      image: ref,
      nodes: named.map(({ id, name }) => ({
        id,
        node: name,
        token: formatToken({ pin, secret: secrets.get(id) ?? "" }),
      })),
    };
  }

  #refuseBusy(nodes: readonly NodeRecord[]): void {
    const busy = nodes.filter(({ id }) => this.#sources.deployments.active(id)).map(({ name }) => name);
    if (busy.length === 0) return;
    throw new RackseedError("cannot order the discovery of these nodes", {
      reason: `these have another order, pending or under way: ${shortList(busy)}.`,
      remedy: `wait for it, or cancel it first: rackseed node cancel ${busy.slice(0, 20).join(" ")}`,
      status: 409,
    });
  }

  /** The image that all of them have, else the newest version that boots a machine. */
  #imageOf(nodes: readonly NodeRecord[]): string {
    const { deployments, images } = this.#sources;
    const assigned = nodes.map(({ id }) => deployments.assigned(id));
    const refs = new Set(assigned.map((one) => one && `${one.image}@${one.version}`));
    const [only] = refs;
    if (refs.size === 1 && only !== undefined && this.#boots(only)) return only;
    const architectures = new Set(nodes.map(architectureOfNode));
    const fits = ({ architecture }: ImageView) =>
      architectures.has(undefined) || architecture === undefined ||
      architectures.has(architectureOf(architecture));
    const newest = images.list().filter((one) => one.bootable && one.backupOf === undefined && fits(one))
      .toSorted((a, b) => b.created.localeCompare(a.created))
      .map(refOf).find((ref) => images.damage(ref) === undefined);
    if (newest !== undefined) return newest;
    throw new RackseedError("cannot order the discovery of these nodes", {
      reason: "there is no image yet whose kernel boots a machine.",
      remedy: "capture a template first: rackseed capture --help",
      status: 409,
    });
  }

  #boots(ref: string): boolean {
    const { images } = this.#sources;
    return images.list().some((one) => refOf(one) === ref && one.bootable) &&
      images.damage(ref) === undefined;
  }

  #bootable(ref: string, nodes: readonly NodeRecord[]): VersionView {
    const { images } = this.#sources, version = versionFor(nodes, { ref, images }), named = refOf(version);
    const damage = images.damage(named);
    if (damage) throw damage;
    refuseOtherArchitecture(nodes, version);
    // a node without a MAC does not boot from the network: its agent is started by hand
    if (version.bootable || nodes.every((node) => node.settings.mac === undefined)) return version;
    throw new RackseedError("cannot order the discovery of these nodes", {
      reason: `${named} cannot boot a machine: ${version.bootNotes.join(" ") || "it has no kernel."}`,
      remedy: "name an image that can: --image NAME",
      status: 409,
    });
  }
}

function refOf({ image, version }: Pick<ImageView, "image" | "version">): string {
  return `${image}@${version}`;
}
