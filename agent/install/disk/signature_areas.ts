/** Where signatures of earlier lives may stand on a disk, a partition or any other volume. Pure. */
import type { ByteRange } from "#plan/actions.ts";

const MIB = 1 << 20;

/**
 * At the start: tables, PV labels, MD 1.1 and 1.2, ZFS labels 0 and 1, file systems, and both headers of LUKS2, of
 * which the second is at 4 MiB at most.
 */
const START_BYTES = 8 * MIB;
/**
 * At the end: the GPT's copy, MD 0.90 and 1.0, ZFS labels 2 and 3 (512 KiB, on a limit of 256 KiB), anchors of DDF
 * (last sector), Intel (last two) and other RAID firmware (up to 268 sectors before the end).
 */
const END_BYTES = 2 * MIB;
/** Copies of the superblock of btrfs: 64 MiB and 256 GiB (BTRFS_SUPER_MIRROR). The first is within the start. */
const MIRRORS = [64 * MIB, 256 * 2 ** 30];
const MIRROR_BYTES = 4096;

/** In order, without overlaps, all within the volume. */
export function signatureAreas(sizeBytes: number): ByteRange[] {
  const start = { at: 0, bytes: Math.min(START_BYTES, sizeBytes) };
  const endAt = Math.max(start.bytes, Math.floor((sizeBytes - END_BYTES) / MIRROR_BYTES) * MIRROR_BYTES);
  const mirrors = MIRRORS.filter((at) => at + MIRROR_BYTES <= endAt)
    .map((at) => ({ at, bytes: MIRROR_BYTES }));
  return [start, ...mirrors, { at: endAt, bytes: sizeBytes - endAt }].filter(({ bytes }) => bytes > 0);
}
