/** A target where something stands already, looked at before anything is fetched: what is kept, what differs. */
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

/** Why there is a comparison, and what of the target is none of the image's. */
export type Comparison =
  /** What this very installation had made until it was broken off. */
  | { readonly why: "resumes" }
  | {
    readonly why: "restores";
    /** Left alone where they are there. */
    readonly kept: KeptPaths;
    /** The node's own files, whether they are there or not. */
    readonly own: KeptPaths;
    /** Where attributes cannot be held. */
    readonly plain?: KeptPaths;
    /** What the installation noted of the files that it made. */
    readonly index?: ContentIndex | undefined;
    /** Whether files that nobody has touched since need not be read. */
    readonly trustsIndex?: boolean | undefined;
    /** Nothing at all may be changed. */
    readonly dryRun: boolean;
  };

/** What the order asks of a target. `own`: the node's own files. Throws RackseedError where it names no paths. */
export function comparisonOf(
  { restore }: Pick<Order, "restore">,
  { resumes, own = new KeptPaths([]) }: { resumes: boolean; own?: KeptPaths },
): Comparison | undefined {
  if (restore === undefined) return resumes ? { why: "resumes" } : undefined;
  return { why: "restores", kept: KeptPaths.parse(restore.keep), own, dryRun: restore.dryRun };
}

/** Paths (absolute in the tree) that the order leaves alone. */
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

/** `path`: of the target's root. Throws RackseedError, SysError. */
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
      ...(restores && {
        own: restores.own,
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
