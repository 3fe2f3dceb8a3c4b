/** A search by name. */
import type { BytePath } from "#contract/format/byte_path.ts";
import { hasWildcard, matchesWildcard } from "#contract/wildcard.ts";
import { nameOf } from "./file_views.ts";
import { Turns } from "./turns.ts";
import type { EntryNumber, VersionIndex } from "./version_index.ts";

/** In the order of paths, below `folder`. `signal` stops it. */
export async function findFiles(
  index: VersionIndex,
  { folder, name, limit, signal }: {
    folder: EntryNumber;
    name: string;
    limit: number;
    signal: AbortSignal;
  },
): Promise<{ readonly found: EntryNumber[]; readonly isCut: boolean }> {
  const isWanted = matcher(name), turns = new Turns();
  const found: EntryNumber[] = [], end = index.end(folder);
  for (let n = folder + 1; n < end; n++) {
    if (isWanted(index.path(n))) {
      if (found.length === limit) return { found, isCut: true };
      found.push(n);
    }
    const rest = n % 64 === 0 ? turns.rest() : undefined;
    if (rest) {
      await rest;
      signal.throwIfAborted();
    }
  }
  return { found, isCut: false };
}

function matcher(name: string): (path: BytePath) => boolean {
  if (hasWildcard(name)) return (path) => matchesWildcard(nameOf(path), name);
  const wanted = name.toLowerCase();
  return (path) => nameOf(path).toLowerCase().includes(wanted);
}
