/** Reads the small files that a machine keeps from its old disk, because other systems know it by them. */
import { MAX_OWN_FILE_BYTES, type OwnFile } from "#contract/identity.ts";
import { OwnPatterns } from "#contract/own_files/pattern.ts";
import { isCarried, OWN_FILES, type OwnFiles } from "#contract/own_files/table.ts";
import type { TreeReader } from "../../../tree/tree_files.ts";
import { filesBelow, findPaths } from "./find.ts";
import { hasForm } from "./fresh_values.ts";

const MAX_FILES = 64;
const MAX_TOTAL_BYTES = 512 << 10;

/** `own`: paths that the site adds. Reads regular files only; files that are too large are noted and not kept. */
export async function readOwnFiles(
  tree: TreeReader,
  { own }: { own: readonly string[] },
): Promise<{ files: OwnFile[]; notes: string[] }> {
  const files = new Map<string, OwnFile>(), notes: string[] = [];
  let total = 0;
  for (const { pattern, row } of carriedPatterns(own)) {
    for (const found of await findPaths(tree, pattern)) {
      for (const path of await filesBelow(tree, found, { most: MAX_FILES + 1 })) {
        if (files.has(path)) continue;
        const bytes = await tree.bytes(path, { maxBytes: MAX_OWN_FILE_BYTES });
        if (bytes === undefined || total + bytes.length > MAX_TOTAL_BYTES || files.size === MAX_FILES) {
          notes.push(`${path} is too large, or there are too many of its kind`);
          continue;
        }
        if (row?.clone === "fresh" && !hasForm(row.value, bytes)) continue;
        total += bytes.length;
        files.set(path, { path, base64: Buffer.from(bytes).toString("base64") });
      }
    }
  }
  return { files: [...files.values()], notes: notes.slice(0, 8) };
}

function carriedPatterns(own: readonly string[]): { pattern: string; row?: OwnFiles }[] {
  return [
    ...OWN_FILES.filter(isCarried).flatMap((row) => row.paths.map((pattern) => ({ pattern, row }))),
    ...own.map((pattern) => ({ pattern })),
  ];
}

/**
 * Selects the files that may be carried over: whatever a record contains, no other file of the clone can be written.
 * `files`: the preferred ones first.
 */
export function carriedOnly(files: readonly OwnFile[], { own }: { own: readonly string[] }): OwnFile[] {
  const patterns = new OwnPatterns(carriedPatterns(own).map(({ pattern }) => pattern));
  const chosen = new Map<string, OwnFile>();
  let room = MAX_TOTAL_BYTES;
  for (const file of files) {
    const { path, base64 } = file, sizeBytes = Math.floor(base64.length / 4) * 3;
    if (chosen.has(path) || !patterns.has(path.slice(1)) || sizeBytes > room) continue;
    if (chosen.size === MAX_FILES) break;
    room -= sizeBytes;
    chosen.set(path, file);
  }
  return [...chosen.values()];
}
