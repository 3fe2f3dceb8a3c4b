/** What differs between a target and an image, and how the rest would be fetched: the result of a dry run. Pure. */
import { type BytePath, displayPath } from "#contract/format/byte_path.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { type ImageEntry, IN_PLACE, LEFT_ALONE, planTree } from "../extract/frame_plan.ts";
import type { ExistingTree } from "./existing.ts";

/**
 * "missing": no such path. "other": the path is of another kind, or one file has names that should be two files.
 * "content", "attributes": those of the entry differ. "extra": a path of no entry, with everything below it.
 */
export type Difference =
  & {
    readonly path: BytePath;
    /** The path is immutable or append-only and should not be. */
    readonly locked?: true;
  }
  & (
    | { readonly what: "missing" | "other" | "attributes" | "extra" }
    /** `bytes`: how many are wrong; 0 if only the length differs. */
    | { readonly what: "content"; readonly bytes: number }
  );

/** How the missing extents of one frame are fetched: the whole frame from the swarm, or they alone from the server. */
export interface FrameRoute {
  readonly frame: number;
  readonly by: "swarm" | "extents";
  /** Numbers of the missing extents in the frame. */
  readonly extents: readonly number[];
  /** Estimated transfer, assuming that extents compress as well as their frame. */
  readonly bytes: number;
}

export interface Differences {
  /** In the order of the manifest; extra paths last. */
  readonly list: readonly Difference[];
  readonly routes: readonly FrameRoute[];
  readonly fetchBytes: number;
}

export interface RouteOptions {
  /** Whether the server sends single extents; if not, all frames come from the swarm. */
  readonly extentService: boolean;
  /**
   * How many nodes fetch at the same time. Through the swarm the server sends a frame about once, however many nodes
   * want it; extents it sends once to each node. So the more nodes, the smaller the missing part for which they fetch
   * the whole frame. A single node does so only if it lacks all of it.
   */
  readonly nodes?: number;
}

export function differencesOf(
  manifest: Manifest,
  { found, extentService, nodes = 1 }: RouteOptions & { found: ExistingTree },
): Differences {
  const wholeFrom = 1 / nodes;
  const list = listDifferences(manifest, found);
  const routes = planTree(manifest, found).frames.flatMap((work): FrameRoute[] => {
    if (work === undefined) return [];
    const { frame, extents: slices, sealedBytes } = work;
    const files = [...work.whole, ...work.parts];
    const extents = [...new Set(files.flatMap(({ pieces }) => pieces.map(({ index }) => index)))]
      .sort((a, b) => a - b);
    const missing = extents.reduce((sum, index) => sum + (slices[index]?.sizeBytes ?? 0), 0);
    const rawBytes = manifest.frames[frame]?.rawBytes ?? 0;
    const whole = !extentService || missing >= wholeFrom * rawBytes;
    const bytes = whole ? sealedBytes : Math.ceil(missing * sealedBytes / Math.max(1, rawBytes));
    return [{ frame, by: whole ? "swarm" : "extents", extents, bytes }];
  });
  return { list, routes, fetchBytes: routes.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** In the order of the manifest; extra paths last. */
export function listDifferences(manifest: Manifest, found: ExistingTree): Difference[] {
  const removed = new Set(found.remove);
  const list: Difference[] = [];
  const add = (difference: Difference) =>
    list.push(found.locked?.has(difference.path) ? { ...difference, locked: true } : difference);
  for (const [number, entry] of manifest.entries.entries()) {
    const difference = ofEntry(entry, { number, manifest, found, removed });
    if (difference) add(difference);
    removed.delete(entry.path);
  }
  for (const path of removed) add({ path, what: "extra" });
  return list;
}

function ofEntry(
  entry: ImageEntry,
  { number, manifest, found, removed }: {
    number: number;
    manifest: Manifest;
    found: ExistingTree;
    removed: ReadonlySet<BytePath>;
  },
): Difference | undefined {
  const { path } = entry;
  const state = found.states[number];
  if (state === LEFT_ALONE) return undefined;
  if (state === IN_PLACE) return found.wrongAttributes.has(number) ? { path, what: "attributes" } : undefined;
  if (found.present[number] !== 1) return { path, what: removed.has(path) ? "other" : "missing" };
  // another name of a file that is itself in the list
  if (entry.type === "link") return undefined;
  if (entry.type !== "file") return { path, what: "attributes" };
  const right = found.contents.right.get(number);
  const bytes = entry.extents.reduce((sum, { frame, index }, i) => {
    const size = manifest.frames[frame]?.extents[index]?.sizeBytes ?? 0;
    return right?.[i] === 1 ? sum : sum + size;
  }, 0);
  return { path, what: "content", bytes };
}

/** Lines for a console; `most`: how many differences are listed at most. */
export function describeDifferences(
  { list, routes, fetchBytes }: Differences,
  { entries, keep, most = 1000 }: { entries: number; keep: readonly BytePath[]; most?: number },
): string[] {
  const lines = list.slice(0, most).map((difference) => {
    const { path, what } = difference;
    const note = what === "content"
      ? ` (${amount(difference.bytes)} of it)`
      : what === "extra"
      ? ", with all below it"
      : what === "attributes"
      ? " (attributes only)"
      : "";
    const lock = difference.locked ? ", immutable or append-only there" : "";
    return `  ${VERBS[what]} /${displayPath(path)}${note}${lock}`;
  });
  if (list.length > most) lines.push(`  and ${list.length - most} more`);
  const by = (way: FrameRoute["by"]) => routes.filter((route) => route.by === way);
  const whole = by("swarm"), cut = by("extents");
  const extents = cut.reduce((sum, route) => sum + route.extents.length, 0);
  const ways = [
    ...whole.length > 0 ? [`${counted(whole.length, "frame")} from the swarm`] : [],
    ...extents > 0 ? [`${counted(extents, "extent")} from the server`] : [],
  ];
  return [
    list.length === 0
      ? `nothing would change: all ${entries} entries are as the image has them`
      : `${counted(list.length, "difference")} to the image's ${entries} entries:`,
    ...lines,
    ...keep.length > 0 ? [`left alone: ${keep.map((path) => `/${displayPath(path)}`).join(", ")}`] : [],
    `to fetch: ${amount(fetchBytes)}${ways.length > 0 ? ` (${ways.join(", ")})` : ""}`,
  ];
}

const VERBS: Readonly<Record<Difference["what"], string>> = {
  missing: "make    ",
  other: "replace ",
  content: "rewrite ",
  attributes: "correct ",
  extra: "remove  ",
};

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function amount(bytes: number): string {
  return bytes < 1e6 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(1)} MB`;
}
