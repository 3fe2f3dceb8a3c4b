/** Where the boot loader of an installed version is. Pure. */
import { type DiskLayout, isEsp, type Volume } from "#contract/format/layout.ts";
import { volumesBelow } from "#contract/format/volume_tree.ts";
import type { InstalledLoader } from "../../boot/menu/ipxe.ts";

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Clones have the partition GUIDs of their template. Undefined if there is no EFI system partition, or none that has a
 * GUID. Of an ESP on a mirror, each half counts.
 */
export function installedLoader(layout: DiskLayout): InstalledLoader | undefined {
  const esp = layout.fileSystems.find(isEsp);
  if (esp === undefined) return undefined;
  const { program, copies = [] } = layout.boot ?? {};
  const partitions = volumesBelow([esp.volume, ...copies.map(({ volume }) => volume)], layout)
    .flatMap((volume) => guidOf(volume, layout) ?? []);
  return partitions.length === 0 ? undefined : { partitions, program };
}

function guidOf(volume: Volume, { disks }: DiskLayout): string | undefined {
  if (volume.kind !== "partition") return undefined;
  const uuid = disks[volume.disk]?.partitions.find(({ number }) => number === volume.number)?.uuid;
  return uuid !== undefined && GUID.test(uuid) ? uuid.toLowerCase() : undefined;
}
