/** File systems and swap in the sizes of their volumes; the last proof that what belongs on them has room. Pure. */
import { describeVolume, type FileSystem } from "#contract/format/layout.ts";
import { refusal } from "./buildable.ts";
import { gigabytes } from "./choose_disk.ts";
import type { Fit } from "./fit.ts";
import { LEAST_BYTES } from "./obstacles.ts";
import { btrfsDataCopies } from "./plan_btrfs.ts";
import { canResize, formatFileSystem, formatSwap, type Formatting, minimumBytes } from "./plan_format.ts";
import { sectorBytesOf, volumesOf } from "./tree.ts";

/** `copies`: of the EFI system partition. Throws RackseedError if one is too small. */
export function formattings(
  fit: Fit,
  { image, entries, copies }: { image: string; entries: number; copies: readonly FileSystem[] },
): Formatting[] {
  const { fileSystems, swap } = fit.tree.layout;
  return [
    ...[...fileSystems, ...copies].map((fileSystem) => {
      proveRoom(fileSystem, { fit, image, entries });
      const formatting = formatFileSystem(fileSystem, {
        sizeBytes: volumesOf(fileSystem).reduce((sum, volume) => sum + fit.bytes(volume), 0),
        sectorBytes: Math.max(...volumesOf(fileSystem).map((volume) => fit.sectorBytes(volume))),
        sectorBytesBefore: sectorBytesBefore(fileSystem, fit),
        entries,
      });
      return copies.includes(fileSystem) ? unmounted(formatting) : formatting;
    }),
    ...swap.map((area) => {
      const bytes = fit.bytes(area.volume);
      const words = `the swap area on ${describeVolume(area.volume)}`;
      if (bytes < LEAST_BYTES) throw tooSmall(image, { words, bytes, least: LEAST_BYTES });
      return formatSwap(area, bytes);
    }),
  ];
}

/** The mount point is that of the EFI system partition that it is a copy of. */
function unmounted({ mountPoint: _mountPoint, ...formatting }: Formatting): Formatting {
  return formatting;
}

function sectorBytesBefore(fileSystem: FileSystem, { tree }: Fit): number {
  const ofDisk = (number: number) => tree.layout.disks[number]?.sectorBytes ?? 512;
  return Math.max(...volumesOf(fileSystem).map((volume) => sectorBytesOf(volume, { tree, ofDisk })));
}

function proveRoom(
  fileSystem: FileSystem,
  { fit, image, entries }: { fit: Fit; image: string; entries: number },
): void {
  const copies = btrfsDataCopies(fileSystem);
  const volumes = volumesOf(fileSystem);
  const bytes = usable(volumes.map((volume) => fit.bytes(volume)), copies);
  const before = usable(volumes.map((volume) => fit.tree.sizeOf(volume) ?? 0), copies);
  const least = Math.max(LEAST_BYTES, Math.min(before, leastBytes(fileSystem, entries)));
  const { type, mountPoint, volume } = fileSystem;
  const words = `the file system ${mountPoint} (${type}) on ${describeVolume(volume)}`;
  if (bytes < least) throw tooSmall(image, { words, bytes, least });
  // with sectors larger than the blocks of the file system no kernel mounts it
  const sectorBytes = Math.max(...volumes.map((one) => fit.sectorBytes(one)));
  if ((fileSystem.mkfs.blockBytes ?? sectorBytes) < sectorBytes) {
    throw refusal(image, {
      reason: `the blocks of ${mountPoint} are smaller than the sectors of ${sectorBytes} bytes below it.`,
      remedy: "use disks with smaller sectors.",
    });
  }
}

/** A file system of fixed size still loses a little to the headers of newer arrays and LUKS. */
function leastBytes(fileSystem: FileSystem, entries: number): number {
  return canResize(fileSystem)
    ? minimumBytes(fileSystem, { entries })
    : Math.ceil(fileSystem.usedBytes * 1.1) + LEAST_BYTES;
}

/** Bytes for data, each of which is kept so often, on different devices. */
function usable(devices: readonly number[], copies: number): number {
  const total = devices.reduce((sum, bytes) => sum + bytes, 0);
  if (devices.length === 1) return Math.floor(total / copies);
  return copies > 1 ? Math.min(Math.floor(total / copies), total - Math.max(...devices)) : total;
}

function tooSmall(
  image: string,
  { words, bytes, least }: { words: string; bytes: number; least: number },
) {
  return refusal(image, {
    reason: `${words} needs ${gigabytes(least)}, and would get ${gigabytes(Math.max(0, bytes))}.`,
    remedy: "use larger disks.",
  });
}
