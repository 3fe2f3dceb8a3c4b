/** The subvolumes of a btrfs and where they are mounted, from what the kernel lists. Pure. */
import { type BytePath, displayPath, textOf } from "#contract/format/byte_path.ts";
import type { BtrfsProperties, BtrfsSubvolume } from "#contract/format/file_system_properties.ts";
import { type Subvolume, TOP_SUBVOLUME } from "../../sys/btrfs.ts";
import type { MountEntry } from "../../sys/mount_table.ts";
import type { Found } from "./found.ts";

interface ListedSubvolumes {
  readonly subvolumes: readonly Subvolume[];
  /** Id of the default subvolume. */
  readonly defaultId: number;
  /** One mount for each of its subvolumes that are mounted, the file system's own first. */
  readonly mounts: readonly Pick<MountEntry, "target" | "subvolume" | "options">[];
}

type Described = Pick<BtrfsProperties, "subvolumes" | "defaultSubvolume" | "mountedSubvolume" | "top">;

const MAX_SUBVOLUMES = 4096;

export function describeListed(listed: ListedSubvolumes): { properties: Described } & Found {
  const { subvolumes, mounts } = listed;
  const paths = pathsOf(subvolumes);
  const odd = [...paths.values()].find((path) => textOf(path) === undefined);
  const commas = mounts.find(({ subvolume = "" }) => subvolume.includes(","))?.subvolume;
  const obstacle = odd !== undefined
    ? `the path of its subvolume ${displayPath(odd)} is not UTF-8`
    : commas !== undefined
    ? `its mounted subvolume ${displayPath(commas)} has a comma in its path`
    : paths.size > MAX_SUBVOLUMES
    ? `it has ${paths.size} subvolumes, and at most ${MAX_SUBVOLUMES} are rebuilt`
    : undefined;
  if (obstacle !== undefined) return { properties: { subvolumes: [] }, obstacle, notes: [] };
  const properties = propertiesOf(
    listed,
    new Map([...paths].map(([id, path]) => [id, String(textOf(path))])),
  );
  return { properties, notes: notesOf(properties.subvolumes) };
}

function propertiesOf(
  { subvolumes, defaultId, mounts: [own, ...others] }: ListedSubvolumes,
  paths: ReadonlyMap<number, string>,
): Described {
  const byUuid = new Map(subvolumes.map(({ uuid, id }) => [uuid, paths.get(id)]));
  const mountOf = (path: string) => others.find(({ subvolume }) => relative(subvolume) === path);
  const mounted = relative(own?.subvolume), top = mountOf("");
  const defaultPath = defaultId === TOP_SUBVOLUME ? undefined : paths.get(defaultId);
  const described = subvolumes.flatMap(({ id, readOnly, snapshotOf }): BtrfsSubvolume[] => {
    const path = paths.get(id);
    if (path === undefined) return [];
    const mount = path === mounted ? undefined : mountOf(path);
    const origin = snapshotOf === undefined ? undefined : byUuid.get(snapshotOf);
    return [{
      path,
      readOnly,
      ...(mount && placeOf(mount)),
      ...(origin !== undefined && { snapshotOf: origin }),
    }];
  });
  return {
    subvolumes: described.sort((a, b) => depth(a.path) - depth(b.path) || (a.path < b.path ? -1 : 1)),
    ...(defaultPath !== undefined && { defaultSubvolume: defaultPath }),
    ...(mounted !== "" && { mountedSubvolume: mounted }),
    ...(mounted !== "" && top && { top: placeOf(top) }),
  };
}

function placeOf({ target, options }: ListedSubvolumes["mounts"][number]) {
  return { mountPoint: textOf(target) ?? displayPath(target), mountOptions: options };
}

/** Paths from the top. Without those in a subvolume that is being deleted. */
function pathsOf(subvolumes: readonly Subvolume[]): Map<number, BytePath> {
  const byId = new Map(subvolumes.map((subvolume) => [subvolume.id, subvolume]));
  const paths = new Map<number, BytePath>();
  for (const { id } of subvolumes) {
    const names: string[] = [], seen = new Set<number>();
    let at: number | undefined = id;
    while (at !== undefined && at !== TOP_SUBVOLUME && !seen.has(at)) {
      seen.add(at);
      const found = byId.get(at);
      if (found) names.unshift(found.path);
      at = found?.parent;
    }
    if (at === TOP_SUBVOLUME) paths.set(id, names.join("/") as BytePath);
  }
  return paths;
}

/** "/@home" as mountinfo writes it, from the top. */
function relative(subvolume: BytePath | undefined): string {
  return (textOf(subvolume ?? "" as BytePath) ?? "").replace(/^\/+/, "");
}

function depth(path: string): number {
  return path.split("/").length;
}

function notesOf(subvolumes: readonly BtrfsSubvolume[]): string[] {
  const snapshots = subvolumes.filter(({ snapshotOf }) => snapshotOf !== undefined);
  if (snapshots.length === 0) return [];
  const names = snapshots.length === 1 ? "is a snapshot" : "are snapshots";
  return [
    `${snapshots.length} of its subvolumes ${names} (${shown(snapshots.map(({ path }) => path))}): ` +
    "clones hold their files in full, since a clone's snapshots share nothing with their origin",
  ];
}

const SHOWN = 5;

export function shown(paths: readonly string[]): string {
  const more = paths.length - SHOWN;
  return more > 0 ? `${paths.slice(0, SHOWN).join(", ")} and ${more} more` : paths.join(", ");
}
