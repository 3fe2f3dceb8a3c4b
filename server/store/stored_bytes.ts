/** What each version takes on the disk, and what versions share: by packs, which are deleted as a whole, and by files. */
import type { StoredBytes } from "#contract/api.ts";

interface VersionFacts {
  readonly image: string;
  readonly version: number;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
  readonly packs: readonly { readonly id: number; readonly sizeBytes: number }[];
}

/**
 * By version ("web@1"). A pack is shared if any other version has it, be it of another image; a file if another version
 * of the image has the same one, which is then a hard link.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { storedBytes } from "./stored_bytes.ts";
 *
 * const old = { id: 1, sizeBytes: 100 }, fresh = { id: 2, sizeBytes: 7 };
 * const found = storedBytes([
 *   { image: "web", version: 1, files: [], packs: [old] },
 *   { image: "web", version: 2, files: [], packs: [old, fresh] },
 * ]);
 * assert.deepEqual(found.get("web@2"), { own: 7, shared: 100, lineage: 107 });
 * ```
 */
export function storedBytes(versions: readonly VersionFacts[]): Map<string, StoredBytes> {
  const users = new Map<string, number>();
  for (const version of versions) {
    for (const { key } of partsOf(version)) users.set(key, (users.get(key) ?? 0) + 1);
  }
  const found = new Map<string, StoredBytes>();
  for (const lineage of Map.groupBy(versions, ({ image }) => image).values()) {
    const all = new Map(lineage.flatMap(partsOf).map(({ key, sizeBytes }) => [key, sizeBytes]));
    const total = all.values().reduce((sum, bytes) => sum + bytes, 0);
    for (const version of lineage) {
      let own = 0, shared = 0;
      for (const { key, sizeBytes } of partsOf(version)) {
        if (users.get(key) === 1) own += sizeBytes;
        else shared += sizeBytes;
      }
      found.set(`${version.image}@${version.version}`, { own, shared, lineage: total });
    }
  }
  return found;
}

function partsOf({ image, files, packs }: VersionFacts): { key: string; sizeBytes: number }[] {
  return [
    ...packs.map(({ id, sizeBytes }) => ({ key: `pack ${id}`, sizeBytes })),
    ...files.map(({ name, sha256, sizeBytes }) => ({ key: `${image} ${name} ${sha256}`, sizeBytes })),
  ];
}
