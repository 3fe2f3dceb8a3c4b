/**
 * What makes the disc a disk as well: a boot record for BIOS with a partition table (as isohybrid(1) of Syslinux writes
 * them), and the table of itself that ISOLINUX needs.
 */
import { SECTOR } from "./iso9660.ts";

/** Sectors of the disc in those of a disk. */
const RATIO = SECTOR / 512;
/** BIOS of old takes a disk's geometry from the end of its partitions: 64 heads × 32 sectors are 1 MiB. */
export const CYLINDER = 64 * 32 * 512;
const BOOT_CODE_BYTES = 432, TABLE = 446, EFI_SYSTEM = 0xef;

interface HybridPlaces {
  /** First sector of the disc of each, 2048 bytes a sector. */
  readonly isolinux: number;
  readonly efi: { readonly sector: number; readonly sizeBytes: number };
  /** Of the whole medium. */
  readonly sizeBytes: number;
  /** Tells this medium from others. */
  readonly diskId: number;
}

/**
 * The first 512 bytes. The first partition covers the medium and has the type 0, so that UEFI does not take it for one
 * that overlaps the second.
 *
 * @param code isohdpfx.bin
 */
export function bootRecord(code: Uint8Array, { isolinux, efi, sizeBytes, diskId }: HybridPlaces): Uint8Array {
  if (code.length !== BOOT_CODE_BYTES) {
    throw new TypeError(`isohdpfx.bin has ${code.length} bytes and not ${BOOT_CODE_BYTES}`);
  }
  const bytes = new Uint8Array(512), view = new DataView(bytes.buffer);
  bytes.set(code);
  view.setUint32(432, isolinux * RATIO, true);
  view.setUint32(440, diskId, true);
  const partition = (
    number: number,
    { flag, type, start, count }: { flag: number; type: number; start: number; count: number },
  ) => {
    const at = TABLE + number * 16;
    bytes[at] = flag;
    bytes.set(cylinderOf(start), at + 1);
    bytes[at + 4] = type;
    bytes.set(cylinderOf(start + count - 1), at + 5);
    view.setUint32(at + 8, start, true);
    view.setUint32(at + 12, count, true);
  };
  partition(0, { flag: 0x80, type: 0, start: 0, count: Math.min(sizeBytes / 512, 0xffff_ffff) });
  partition(1, { flag: 0, type: EFI_SYSTEM, start: efi.sector * RATIO, count: efi.sizeBytes / 512 });
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

/** Head, sector and cylinder of a sector's number; the last ones that can be written for what lies behind. */
function cylinderOf(sector: number): [number, number, number] {
  const cylinder = Math.min(1023, Math.floor(sector / (64 * 32)));
  return [Math.floor(sector / 32) % 64, (sector % 32 + 1) | (cylinder >> 8) << 6, cylinder & 0xff];
}

/** A copy with its boot information table (mkisofs(8), "EL TORITO BOOT INFORMATION TABLE"). */
export function withBootTable(isolinux: Uint8Array, { sector }: { sector: number }): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(isolinux.length / 4) * 4);
  bytes.set(isolinux);
  const view = new DataView(bytes.buffer);
  let sum = 0;
  for (let at = 64; at < bytes.length; at += 4) sum = (sum + view.getUint32(at, true)) >>> 0;
  bytes.fill(0, 8, 64);
  for (const [i, value] of [16, sector, isolinux.length, sum].entries()) {
    view.setUint32(8 + i * 4, value, true);
  }
  return bytes;
}
