/** Who would lose an image with its version: nodes, schedules and tags. */
import type { ScheduleView } from "#contract/api/schedules.ts";
import type { VersionUses } from "#contract/api/image_tags.ts";
import { RackseedError } from "#contract/errors.ts";
import type { NodeRecord } from "../store/node_record.ts";
import { shortList } from "../store/nodes.ts";
import type { Images } from "./ports.ts";

export type NodeUses = Pick<VersionUses, "ordered" | "installed" | "everyBoot">;

interface Version {
  readonly image: string;
  readonly version: number;
}

interface Sources {
  /** The order that the node (by id) has, if it has one. */
  readonly active: (id: string) => Version | undefined;
  /** What the node has, or had before its order. */
  readonly assigned: (node: NodeRecord) => readonly (Version | string | undefined)[];
  /** The image that an order for every boot of the node (by id) names. */
  readonly everyBoot: (id: string) => string | undefined;
  readonly images: Pick<Images, "get" | "list">;
}

/** By version ("web@1"). */
export function usersByVersion(
  nodes: readonly NodeRecord[],
  { active, assigned, everyBoot, images }: Sources,
): Map<string, NodeUses> {
  const bound = boundVersions(images), found = new Map<string, { [K in keyof NodeUses]: string[] }>();
  const note = (ref: string | undefined, kind: keyof NodeUses, name: string) => {
    if (ref === undefined) return;
    const uses = found.get(ref) ?? { ordered: [], installed: [], everyBoot: [] };
    uses[kind].push(name);
    found.set(ref, uses);
  };
  for (const node of nodes) {
    const { id, name } = node, order = refOf(active(id));
    note(order, "ordered", name);
    for (const ref of new Set(assigned(node).map(refOf))) if (ref !== order) note(ref, "installed", name);
    note(bound(everyBoot(id)), "everyBoot", name);
  }
  return found;
}

function refOf(version: Version | string | undefined): string | undefined {
  return typeof version === "object" ? `${version.image}@${version.version}` : version;
}

/**
 * The version that an order with this reference could not do without: the one that it names by number or tag. By an
 * image's name alone, it can do with any version.
 */
function boundVersions(images: Sources["images"]): (ref: string | undefined) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (ref) => {
    if (ref === undefined) return undefined;
    if (!known.has(ref)) known.set(ref, found(ref, images));
    return known.get(ref);
  };
}

function found(ref: string, images: Sources["images"]): string | undefined {
  const isAny = !ref.includes("@") && images.list().filter(({ image }) => image === ref).length !== 1;
  if (isAny) return undefined;
  try {
    return refOf(images.get(ref));
  } catch (error) {
    // it is lost already
    if (error instanceof RackseedError && error.status === 404) return undefined;
    throw error;
  }
}

/** What depends on versions, counted once for all of them. */
export function usesOfVersions({ nodes, schedules, images }: {
  nodes: ReadonlyMap<string, NodeUses>;
  schedules: readonly Pick<ScheduleView, "name" | "order">[];
  images: Sources["images"];
}): (version: Version & { readonly tags: readonly string[] }) => VersionUses {
  const bound = boundVersions(images);
  const scheduled = Map.groupBy(
    schedules,
    ({ order }) => bound("image" in order ? order.image : undefined),
  );
  return ({ image, version, tags }) => {
    const ref = `${image}@${version}`;
    const { ordered = [], installed = [], everyBoot = [] } = nodes.get(ref) ?? {};
    return {
      ordered: [...ordered],
      installed: [...installed],
      everyBoot: [...everyBoot],
      schedules: (scheduled.get(ref) ?? []).map(({ name }) => name),
      tags: [...tags],
    };
  };
}

/** The uses in words, with names; those that `force` does not override are left to the store. */
export function describeUses({ installed, everyBoot, schedules, tags }: VersionUses): string[] {
  const named = (names: readonly string[], what: string) =>
    names.length > 0 ? [`${what} ${shortList(names)}`] : [];
  return [
    ...named(installed, "installed on"),
    ...named(everyBoot, "restored at every boot of"),
    ...named(schedules, "ordered by the schedule"),
    ...named(tags, "tagged"),
  ];
}

/** Throws RackseedError (409) if something would lose its image with the version. */
export function refuseUsed({ image, version }: Version, uses: VersionUses): void {
  const found = describeUses(uses), ref = `${image}@${version}`;
  if (found.length === 0) return;
  const remedies = [
    ...uses.installed.length > 0 ? ["deploy another version to those nodes"] : [],
    ...uses.everyBoot.length > 0 ? ["cancel those orders"] : [],
    ...uses.schedules.length > 0 ? ["change those schedules"] : [],
    ...uses.tags.length > 0 ? ["move or remove the tags"] : [],
  ];
  throw new RackseedError(`cannot delete ${ref}`, {
    reason: `it is in use: ${found.join("; ")}.`,
    remedy: `${remedies.join(", ")}; or delete it all the same: rackseed image delete ${ref} --force`,
    status: 409,
  });
}

/** Throws RackseedError (409) if orders name this tag. `ref`: NAME@TAG. */
export function refuseNamed(
  ref: string,
  { schedules, everyBoot }: Pick<VersionUses, "schedules" | "everyBoot">,
): void {
  const found = describeUses({ ordered: [], installed: [], everyBoot, schedules, tags: [] });
  if (found.length === 0) return;
  const [image, tag] = ref.split("@");
  throw new RackseedError(`cannot remove the tag ${ref}`, {
    reason: `it is in use: ${found.join("; ")}.`,
    remedy:
      `let those orders name something else, or remove it all the same: rackseed image tag ${image} ${tag} ` +
      "--remove --force",
    status: 409,
  });
}
