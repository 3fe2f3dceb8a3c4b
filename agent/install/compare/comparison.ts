/** Compares a target with the image before anything is fetched: what is kept, what differs. */
import type { Order } from "#contract/api.ts";
import { bytePathOfText, displayPath } from "#contract/format/byte_path.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { compileExcludes } from "../../tree/excludes.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import { OWN_FOLDER } from "../records/journal.ts";
import type { ContentIndex } from "../records/content_index.ts";
import { describeDifferences, type Differences, differencesOf, type RouteOptions } from "./differences.ts";
import { KeptPaths } from "./kept_paths.ts";
import { type ExistingTree, findExisting } from "./existing.ts";

/** Why the target is compared, and which of its paths do not belong to the image. */
export type Comparison =
  /**
   * "resumes": this same installation was interrupted, so that part of the image is there already. "installs": nothing
   * is there, but some of the image's paths do not belong there, which are `own`.
   */
  | { readonly why: "resumes" | "installs"; readonly own?: KeptPaths }
  | {
    readonly why: "restores";
    /** Left alone if they exist. */
    readonly kept: KeptPaths;
    /** The node's own files, whether they exist or not. */
    readonly own: KeptPaths;
    /** File systems that cannot hold attributes. */
    readonly plain?: KeptPaths;
    /** What the installation recorded of the files it made. */
    readonly index?: ContentIndex | undefined;
    /** Skips reading files that are unchanged according to the index. */
    readonly trustsIndex?: boolean | undefined;
    /** Changes nothing at all. */
    readonly dryRun: boolean;
  };

/**
 * The comparison that an order calls for, if any. `own`: the node's own files, and what is left to disks that nothing is
 * written to. Throws RackseedError if a path to keep is invalid.
 */
export function comparisonOf(
  { restore }: Pick<Order, "restore">,
  { resumes, own = new KeptPaths([]) }: { resumes: boolean; own?: KeptPaths },
): Comparison | undefined {
  if (restore !== undefined) {
    return { why: "restores", kept: KeptPaths.parse(restore.keep), own, dryRun: restore.dryRun };
  }
  if (resumes) return { why: "resumes", own };
  return own.paths.length > 0 ? { why: "installs", own } : undefined;
}

/** The paths to keep by order, absolute in the tree. */
export function keptPathsOf(order: Pick<Order, "restore"> | undefined): Set<string> {
  const paths = KeptPaths.parse(order?.restore?.keep ?? []).paths;
  return new Set(paths.map((path) => `/${displayPath(path)}`));
}

export interface ComparisonResult {
  readonly found: ExistingTree;
  readonly differences: Differences;
  /** For the console and the server. */
  readonly lines: readonly string[];
}

/**
 * `path`: of the target's root. Throws RackseedError, SysError.
 *
 * @example
 * ```ts
 * import type { Manifest } from "#contract/format/manifest.ts";
 *
 * async function dryRun(manifest: Manifest) {
 *   const { signal } = new AbortController();
 *   const restore = { keep: ["/srv"], dryRun: true, nodes: 1 };
 *   const comparison = comparisonOf({ restore }, { resumes: false });
 *   if (comparison === undefined) return;
 *   const routes = { extentService: true };
 *   const { lines } = await compareTarget("/mnt", { manifest, comparison, routes, onProgress: () => {}, signal });
 *   console.log(lines.join("\n"));
 * }
 * ```
 */
export async function compareTarget(
  path: string,
  { manifest, comparison, routes, onProgress, signal }: {
    manifest: Manifest;
    comparison: Comparison;
    routes: RouteOptions;
    onProgress: (readBytes: number) => void;
    signal: AbortSignal;
  },
): Promise<ComparisonResult> {
  const restores = comparison.why === "restores" ? comparison : undefined;
  const keep = restores?.kept.paths ?? [];
  const root = openAt(AT_FDCWD, bytePathOfText(path), { flags: O.RDONLY | O.DIRECTORY });
  try {
    const found = await findExisting(root, {
      manifest,
      kept: new KeptPaths([OWN_FOLDER, ...keep], restores?.kept.patterns),
      own: comparison.own,
      ...(restores && {
        plain: restores.plain,
        index: restores.index,
        trustsIndex: restores.trustsIndex,
        isExcluded: compileExcludes(manifest.header.excludes).matches,
      }),
      makeReadable: !restores?.dryRun,
      privileged: Deno.uid() === 0,
      onProgress,
      signal,
    });
    const differences = differencesOf(manifest, { found, ...routes });
    const entries = manifest.entries.length;
    return { found, differences, lines: describeDifferences(differences, { entries, keep, most: 900 }) };
  } finally {
    close(root);
  }
}
