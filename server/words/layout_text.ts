/** An image's layout as text: disks, what lies between, and file systems with what they are on. */
import { describeVolume, type DiskLayout } from "#contract/format/layout.ts";
import { formatBytes } from "./figures.ts";

/**
 * One line each.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const disk = { name: "vda", sizeBytes: 1e10, sectorBytes: 512, table: "gpt", partitions: [] } as const;
 * const layout = { disks: [{ ...disk, partitions: [] }], fileSystems: [], swap: [] };
 * assert.deepEqual(describeLayout(layout), ["Disk 0 (vda): 10.0 GB, gpt, 0 partitions"]);
 * ```
 */
export function describeLayout(layout: DiskLayout): string[] {
  const { disks, arrays = [], encrypted = [], groups = [], fileSystems, swap, swapFiles = [] } = layout;
  const list = (volumes: readonly Parameters<typeof describeVolume>[0][]) =>
    volumes.map(describeVolume).join(", ");
  return [
    ...disks.map(({ name, sizeBytes, table, partitions }, i) =>
      `Disk ${i} (${name}): ${formatBytes(sizeBytes)}, ${table}, ${partitions.length} partitions`
    ),
    ...arrays.map(({ name, level, members, sizeBytes }) =>
      `MD array ${name}: ${level}, ${formatBytes(sizeBytes)}, on ${list(members)}`
    ),
    ...encrypted.map(({ name, on, version, sizeBytes }) =>
      `LUKS volume ${name}: LUKS${version}, ${formatBytes(sizeBytes)}, on ${describeVolume(on)}`
    ),
    ...groups.map(({ name, physical, logical }) =>
      `LVM group ${name}: ${
        logical.map((lv) => `${lv.name} ${formatBytes(lv.sizeBytes)} (${lv.type})`).join(", ")
      }; on ${list(physical.map(({ volume }) => volume))}`
    ),
    ...fileSystems.map(({ mountPoint, type, usedBytes, sizeBytes, volume, more = [] }) =>
      `File system ${mountPoint}: ${type}, ${formatBytes(usedBytes)} of ${formatBytes(sizeBytes)}, on ${
        list([volume, ...more])
      }`
    ),
    ...swap.map(({ volume }) => `Swap: on ${describeVolume(volume)}`),
    ...swapFiles.map(({ path, sizeBytes }) => `Swap file ${path}: ${formatBytes(sizeBytes)}`),
  ];
}
