import { hasWildcard, matchesWildcard, withoutEscapes } from "#contract/wildcard.ts";

export const MODULE = "torrents";

interface Selection {
  /** The module's folder itself was requested. */
  readonly folder: boolean;
  /** Names from the table, in rsync's order, which is bytewise. */
  readonly names: readonly string[];
  /** Paths that do not exist. */
  readonly missing: readonly string[];
}

/**
 * Resolves a client's paths. A path is "torrents", "torrents/" or "torrents/NAME", where NAME is in the table or a
 * pattern that matches names in it. Nothing else exists: no path ever reaches a file system.
 */
export function select(paths: readonly string[], table: readonly string[]): Selection {
  const names = new Set<string>(), missing: string[] = [];
  let folder = false;
  for (const path of paths) {
    const inside = insideOf(path);
    const found = inside === undefined
      ? []
      : hasWildcard(inside)
      ? table.filter((name) => matchesWildcard(name, inside))
      : table.filter((name) => name === withoutEscapes(inside));
    if (inside === "" || inside === ".") folder = true;
    else if (found.length === 0) missing.push(path);
    for (const name of found) names.add(name);
  }
  return { folder, names: [...names].sort(), missing };
}

function insideOf(path: string): string | undefined {
  if (path === MODULE) return "";
  return path.startsWith(`${MODULE}/`)
    ? path.slice(MODULE.length).replace(/^(\/(\.(?=\/))?)+/, "")
    : undefined;
}
