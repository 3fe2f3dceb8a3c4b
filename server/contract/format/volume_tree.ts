/** What a volume lies on. Pure. */
import { describeVolume, type DiskLayout, type Volume } from "./layout.ts";

type Volumes = Pick<DiskLayout, "arrays" | "encrypted" | "groups">;

/** The volumes that it is made of; none for a partition, a disk, or a volume that is not in the layout. */
function partsOf(
  volume: Volume,
  { arrays = [], encrypted = [], groups = [] }: Volumes,
): readonly Volume[] {
  switch (volume.kind) {
    case "md":
      return arrays.find(({ name }) => name === volume.name)?.members ?? [];
    case "luks":
      return encrypted.filter(({ name }) => name === volume.name).map(({ on }) => on);
    case "lv":
      return groups.find(({ name }) => name === volume.group)?.physical.map((p) => p.volume) ?? [];
    default:
      return [];
  }
}

/**
 * Everything below a volume, itself first; each volume once.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const partition = { kind: "partition", disk: 0, number: 2 } as const;
 * const luks = {
 *   name: "crypt",
 *   on: partition,
 *   version: 2 as const,
 *   uuid: "4c1f",
 *   cipher: "aes-xts-plain64",
 *   keyBits: 512,
 *   sectorBytes: 512,
 *   flags: [],
 *   opensWith: [],
 *   sizeBytes: 1e9,
 * };
 * const crypt = { kind: "luks", name: "crypt" } as const;
 * assert.deepEqual(volumesBelow([crypt], { encrypted: [luks] }), [crypt, partition]);
 * ```
 */
export function volumesBelow(volumes: readonly Volume[], tree: Volumes): Volume[] {
  const found = new Map<string, Volume>();
  const visit = (volume: Volume) => {
    const key = describeVolume(volume);
    if (found.has(key)) return;
    found.set(key, volume);
    for (const part of partsOf(volume, tree)) visit(part);
  };
  for (const volume of volumes) visit(volume);
  return [...found.values()];
}

/** Numbers of the disks below volumes, in order. */
export function disksBelow(volumes: readonly Volume[], tree: Volumes): number[] {
  const numbers = volumesBelow(volumes, tree).flatMap((v) =>
    v.kind === "partition" || v.kind === "disk" ? [v.disk] : []
  );
  return [...new Set(numbers)].sort((a, b) => a - b);
}
