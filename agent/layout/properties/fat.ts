/** Reads the properties of FAT from its boot sector (Microsoft, "FAT32 File System Specification", 1.03, §3). */
import { FatProperties } from "#contract/format/file_system_properties.ts";

export const FAT_BOOT_SECTOR_BYTES = 512;

/** `startSector`: start of the partition, in sectors of the disk. Returns undefined if this is not a FAT boot sector. */
export function parseFatBootSector(
  bytes: Uint8Array,
  { startSector }: { startSector: number | undefined },
): FatProperties | undefined {
  if (bytes.length < FAT_BOOT_SECTOR_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (offset: number) => view.getUint16(offset, true);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const isFat32 = u16(22) === 0;
  const hiddenSectors = u32(28);
  const root = Math.ceil(u16(17) * 32 / u16(11));
  const overhead = u16(14) + view.getUint8(16) * (u16(22) || u32(36)) + root;
  return FatProperties.safeParse({
    clusters: Math.floor(((u16(19) || u32(32)) - overhead) / view.getUint8(13)),
    sectorBytes: u16(11),
    sectorsPerCluster: view.getUint8(13),
    reservedSectors: u16(14),
    fats: view.getUint8(16),
    rootEntries: u16(17),
    media: view.getUint8(21),
    driveNumber: view.getUint8(isFat32 ? 64 : 36),
    ...(hiddenSectors !== startSector && { hiddenSectors }),
    ...(isFat32 && { backupSector: u16(50) }),
  }).data;
}
