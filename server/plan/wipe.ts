/**
 * Where earlier systems leave signatures on a disk. Pure. Whatever is there would make the kernel, udev or a boot loader
 * see an array, a volume group or a file system that is no more.
 */
import type { ByteRange } from "./actions.ts";

const MIB = 1 << 20, GIB = 1024 * MIB;
/**
 * From the start: MBR, GPT, file systems, swap, LVM labels, MD 1.1 and 1.2, two ZFS labels, and both headers of LUKS2,
 * the second of which lies at 4 MiB at most.
 */
const START_BYTES = 8 * MIB;
/** To the end: GPT's backup, MD 0.90 and 1.0, two ZFS labels, DDF, IMSM and other firmware RAID, LVM's second metadata. */
const END_BYTES = 2 * MIB;
/** btrfs(5): further superblocks. */
const BTRFS_COPIES = [64 * MIB, 256 * GIB];
const BTRFS_BYTES = 4096;

/** `areas`: the whole disk and its planned partitions. Ranges are in order, apart, and in whole sectors. */
export function wipeRanges(
  areas: readonly ByteRange[],
  { sizeBytes, sectorBytes }: { sizeBytes: number; sectorBytes: number },
): ByteRange[] {
  const whole = Math.floor(sizeBytes / sectorBytes) * sectorBytes;
  const wanted = areas.flatMap(({ at, bytes }) => {
    const end = Math.min(whole, at + bytes);
    return [
      { at, end: Math.min(end, at + START_BYTES) },
      { at: Math.max(at, end - END_BYTES), end },
      ...BTRFS_COPIES.map((copy) => ({ at: at + copy, end: Math.min(end, at + copy + BTRFS_BYTES) })),
    ].filter((range) => range.at < range.end);
  }).sort((a, b) => a.at - b.at);
  const merged: { at: number; end: number }[] = [];
  for (const range of wanted) {
    const last = merged.at(-1);
    if (last && range.at <= last.end) last.end = Math.max(last.end, range.end);
    else merged.push({ ...range });
  }
  return merged.map(({ at, end }) => {
    const from = Math.floor(at / sectorBytes) * sectorBytes;
    return { at: from, bytes: Math.ceil(end / sectorBytes) * sectorBytes - from };
  });
}
