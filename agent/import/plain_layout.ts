/** The layout of a plain machine, for what has none of its own: one disk, one ext4 root, for UEFI an ESP. Pure. */
import { BIOS_BOOT_TYPE, type DiskLayout, type Partition } from "#contract/format/layout.ts";
import type { Firmware } from "./disk_image.ts";

const MIB = 1 << 20, SECTOR = 512;
const TYPES = {
  bios: BIOS_BOOT_TYPE.toUpperCase(),
  esp: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  linux: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
};
const ESP_MIB = 512;
/** Room for updates and logs beside the content: half as much again, and a GiB. */
const roomFor = (contentBytes: number) => Math.ceil((contentBytes * 1.5 + 1024 * MIB) / MIB);

/**
 * `uuid`: makes the UUIDs of disk, partitions and file systems.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { plainLayout } from "./plain_layout.ts";
 *
 * const { fileSystems } = plainLayout("uefi", { contentBytes: 1e9, uuid: () => crypto.randomUUID() });
 * assert.deepEqual(fileSystems.map((f) => f.mountPoint), ["/", "/boot/efi"]);
 * ```
 */
export function plainLayout(
  firmware: Firmware,
  { contentBytes, uuid }: { contentBytes: number; uuid: () => string },
): DiskLayout {
  const firstMib = firmware === "uefi" ? ESP_MIB : 1, rootMib = roomFor(contentBytes);
  const partition = (number: number, place: { startMib: number; mib: number; type: string }): Partition => ({
    number,
    startSector: place.startMib * MIB / SECTOR,
    sectors: place.mib * MIB / SECTOR,
    type: place.type,
    uuid: uuid().toUpperCase(),
  });
  return {
    disks: [{
      name: "disk",
      // a MiB before the first partition, and one behind the last for the GPT's copy
      sizeBytes: (1 + firstMib + rootMib + 1) * MIB,
      sectorBytes: SECTOR,
      table: "gpt",
      id: uuid().toUpperCase(),
      partitions: [
        partition(1, { startMib: 1, mib: firstMib, type: firmware === "uefi" ? TYPES.esp : TYPES.bios }),
        partition(2, { startMib: 1 + firstMib, mib: rootMib, type: TYPES.linux }),
      ],
    }],
    fileSystems: [
      {
        volume: { kind: "partition", disk: 0, number: 2 },
        type: "ext4",
        uuid: uuid(),
        mountPoint: "/",
        mountOptions: "rw",
        sizeBytes: rootMib * MIB,
        usedBytes: contentBytes,
        // without features: the image's own mke2fs decides what its kernel and its boot loader can read
        mkfs: { features: [] },
      },
      ...firmware === "uefi"
        ? [{
          volume: { kind: "partition" as const, disk: 0, number: 1 },
          type: "vfat",
          uuid: uuid().slice(0, 8).toUpperCase().replace(/(?=.{4}$)/, "-"),
          mountPoint: "/boot/efi",
          mountOptions: "rw,umask=0077",
          sizeBytes: ESP_MIB * MIB,
          usedBytes: 0,
          mkfs: { features: [], fatBits: 32 as const },
        }]
        : [],
    ],
    swap: [],
  };
}

/** fstab(5) for it. */
export function fstabOf({ fileSystems }: DiskLayout): string {
  const lines = fileSystems.map(({ uuid, mountPoint, type }) => {
    const [options, pass] = type === "vfat" ? ["umask=0077", 2] : ["defaults", mountPoint === "/" ? 1 : 2];
    return `UUID=${uuid} ${mountPoint} ${type} ${options} 0 ${pass}`;
  });
  return `${["# made from the layout that was chosen at the import", ...lines].join("\n")}\n`;
}
