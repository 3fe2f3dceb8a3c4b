/** Reads the properties of an f2fs from its superblock, little-endian, at 1024: linux/f2fs_fs.h. Pure. */
import type { F2fsProperties } from "#contract/format/file_system_properties.ts";
import type { Found } from "./found.ts";

const SUPERBLOCK_AT = 1024;
export const F2FS_SUPERBLOCK_BYTES = SUPERBLOCK_AT + 3072;
const MAGIC = 0xf2f52010;

/** By bit of `feature`; undefined: not an option of mkfs.f2fs by name. */
const FEATURES: readonly (string | undefined)[] = [
  ...["encrypt", undefined, undefined, "extra_attr", "project_quota", "inode_checksum"],
  ...["flexible_inline_xattr", "quota", "inode_crtime", "lost_found", "verity", "sb_checksum"],
  ...["casefold", "compression", "ro"],
];
const REFUSED: readonly (readonly [bit: number, what: string])[] = [
  [0x1, "it has the feature encrypt"],
  [0x2, "it is made for a zoned device"],
  [0x1000, "it folds the case of names"],
  [0x4000, "it is a read-only image"],
];
const DEVICE_BYTES = 68, DEVICES = 8;

/** Throws RangeError. `usage`: the usage text of the machine's mkfs.f2fs. */
export function parseF2fsSuperblock(
  bytes: Uint8Array,
  { usage }: { usage: string },
): { properties: F2fsProperties; blockBytes: number } & Found {
  if (bytes.length < F2FS_SUPERBLOCK_BYTES) throw new RangeError("the superblock of f2fs is truncated");
  const view = new DataView(bytes.buffer, bytes.byteOffset + SUPERBLOCK_AT);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError("not a superblock of f2fs");
  const segments = view.getUint32(24, true), sections = view.getUint32(28, true);
  if (Math.min(segments, sections) < 1 || Math.max(segments, sections) > 65_536) {
    throw new RangeError("the superblock of f2fs is damaged");
  }
  const bits = view.getUint32(2180, true);
  const unknown = bits >>> FEATURES.length !== 0 || (bits & 0x4) !== 0;
  const devices = Array.from({ length: DEVICES }, (_, i) => view.getUint8(2201 + i * DEVICE_BYTES));
  const refused = REFUSED.find(([bit]) => bits & bit)?.[1];
  return {
    properties: {
      features: FEATURES.flatMap((name, bit) => name !== undefined && bits & (1 << bit) ? [name] : []),
      segmentsPerSection: segments,
      sectionsPerZone: sections,
    },
    blockBytes: 1 << (view.getUint32(16, true) & 31),
    notes: [],
    obstacle: devices.some((first) => first !== 0)
      ? "it spans several devices"
      : refused ?? (unknown
        ? "it has features that this version of Rackseed does not know"
        // without its UUID, fstab and boot loader would not find it
        : usage !== "" && !/^\s*-U\b/m.test(usage)
        ? "mkfs.f2fs of this machine cannot set its UUID, which newer f2fs-tools can"
        : undefined),
  };
}
