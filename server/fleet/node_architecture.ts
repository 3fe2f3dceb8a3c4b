/** Which versions a node's processor can run. Pure. */
import { type Architecture, architectureOf, ARCHITECTURES } from "#contract/architectures.ts";
import type { VersionView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { shortList } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Images } from "./ports.ts";

type KnownNode = Pick<NodeRecord, "name" | "inventory" | "sighting">;
type Built = Pick<VersionView, "image" | "version" | "source">;

/** By its agent's report, else by what its firmware asked for; undefined if neither is known. */
export function architectureOfNode({ inventory, sighting }: KnownNode): Architecture | undefined {
  const reported = architectureOf(inventory?.architecture ?? sighting?.architecture ?? "");
  if (reported !== undefined) return reported;
  // arm64 has no BIOS
  return (inventory?.firmware ?? sighting?.firmware) === "bios" ? "x86_64" : undefined;
}

/** Undefined for an import of a directory or a tar, which boots no machine. */
function architectureOfVersion({ source }: Pick<VersionView, "source">): Architecture | undefined {
  return architectureOf(source?.architecture ?? "");
}

/**
 * The version that a REF means for these nodes: NAME alone is the newest version of their architecture, if they have one
 * in common. Throws RackseedError (404).
 */
export function versionFor(
  nodes: readonly KnownNode[],
  { ref, images }: { ref: string; images: Pick<Images, "get"> },
): VersionView {
  const newest = images.get(ref), [only, ...others] = new Set(nodes.map(architectureOfNode));
  const fits = only === undefined || others.length > 0 || architectureOfVersion(newest) === only;
  if (ref.includes("@") || fits) return newest;
  try {
    return images.get(`${ref}@${ARCHITECTURES[only].label}`);
  } catch (error) {
    // the newest is refused, with its reason
    if (error instanceof RackseedError && error.status === 404) return newest;
    throw error;
  }
}

/** What is wrong with a version for a node; undefined if nothing is, or if the node's architecture is not known. */
export function architectureProblem(
  node: KnownNode,
  version: Built,
): { readonly what: string; readonly remedy: string } | undefined {
  const has = architectureOfNode(node), needs = architectureOfVersion(version);
  if (has === undefined || needs === undefined || has === needs) return undefined;
  const { label } = ARCHITECTURES[has];
  return {
    what: `it is for ${ARCHITECTURES[needs].label} machines, and the node is ${label}`,
    remedy: `choose a version for ${label}: ${version.image}@${label}, or capture a template of that kind`,
  };
}

/** Throws RackseedError (409) if the version cannot run on one of the nodes. */
export function refuseOtherArchitecture(nodes: readonly KnownNode[], version: Built): void {
  const strangers = nodes.filter((node) => architectureProblem(node, version));
  const [first] = strangers, problem = first && architectureProblem(first, version);
  if (problem === undefined) return;
  throw new RackseedError(`cannot deploy ${version.image}@${version.version}`, {
    reason: `${problem.what}: ${shortList(strangers.map(({ name }) => name))}.`,
    remedy: `${problem.remedy}; nodes of both kinds need an order each.`,
    status: 409,
  });
}
