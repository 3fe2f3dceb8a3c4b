/**
 * What a file has in addition to its mode and extended attributes: the flags of chattr(1) and of xfs_io(8)'s chattr,
 * the project of a quota, and allocation hints of XFS. Only what root can set is kept: a file system sets the others
 * (extents, indexed, inline data, huge file, encrypted, verity, realtime) on its own or not at all.
 */

/** Absent members are 0. At least one member is present. */
export interface InodeSettings {
  /** FS_*_FL of linux/fs.h, those in FLAGS. */
  readonly flags?: number;
  /** FS_XFLAG_* without an FS_*_FL, those in XFLAGS. */
  readonly xflags?: number;
  readonly project?: number;
  /** Extent size hints, in bytes. */
  readonly extentSize?: number;
  readonly cowExtentSize?: number;
}

interface Flag {
  readonly letter: string;
  readonly bit: number;
}

/** By bit. `name`: what libarchive calls it in a tar's SCHILY.fflags; it has no name for the others. */
export const FLAGS: readonly (Flag & { readonly name?: string })[] = [
  { letter: "s", bit: 0x1, name: "secdel" },
  { letter: "u", bit: 0x2, name: "undel" },
  { letter: "c", bit: 0x4, name: "compress" },
  { letter: "S", bit: 0x8, name: "sync" },
  { letter: "i", bit: 0x10, name: "schg" },
  { letter: "a", bit: 0x20, name: "sappnd" },
  { letter: "d", bit: 0x40, name: "nodump" },
  { letter: "A", bit: 0x80, name: "noatime" },
  { letter: "m", bit: 0x400 },
  { letter: "j", bit: 0x4000, name: "journal-data" },
  { letter: "t", bit: 0x8000, name: "notail" },
  { letter: "D", bit: 0x10000, name: "dirsync" },
  { letter: "T", bit: 0x20000, name: "topdir" },
  { letter: "C", bit: 0x800000, name: "nocow" },
  { letter: "x", bit: 0x2000000 },
  { letter: "P", bit: 0x20000000, name: "projinherit" },
  { letter: "F", bit: 0x40000000 },
];

/** nosymlinks, extsize, extszinherit, nodefrag, filestream, cowextsize. */
export const XFLAGS: readonly Flag[] = [
  { letter: "n", bit: 0x400 },
  { letter: "e", bit: 0x800 },
  { letter: "E", bit: 0x1000 },
  { letter: "f", bit: 0x2000 },
  { letter: "S", bit: 0x4000 },
  { letter: "C", bit: 0x10000 },
];

export const IMMUTABLE = 0x10, APPEND = 0x20;

/** In the order of the table. */
export function lettersOf(bits: number, table: readonly Flag[] = FLAGS): string {
  return table.flatMap(({ letter, bit }) => bits & bit ? [letter] : []).join("");
}

/** Throws RangeError unless the letters are in the table, each once and in its order: a set has one spelling. */
export function bitsOf(letters: unknown, table: readonly Flag[] = FLAGS): number {
  if (typeof letters !== "string") throw new RangeError("flags are not letters");
  const bits = table.reduce((sum, { letter, bit }) => letters.includes(letter) ? sum | bit : sum, 0);
  if (lettersOf(bits, table) !== letters) throw new RangeError("unknown flags, or flags out of order");
  return bits;
}

/** Undefined if nothing is set. */
export function settingsOf(
  { flags = 0, xflags = 0, project = 0, extentSize = 0, cowExtentSize = 0 }: InodeSettings,
): InodeSettings | undefined {
  const settings: { -readonly [K in keyof InodeSettings]: InodeSettings[K] } = {};
  if (flags !== 0) settings.flags = flags;
  if (xflags !== 0) settings.xflags = xflags;
  if (project !== 0) settings.project = project;
  if (extentSize !== 0) settings.extentSize = extentSize;
  if (cowExtentSize !== 0) settings.cowExtentSize = cowExtentSize;
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** As text, in the style of chattr(1): "+ia", "project 42"; empty if nothing is set. */
export function describeSettings(
  { flags = 0, xflags = 0, project = 0, extentSize = 0, cowExtentSize = 0 }: InodeSettings,
): string {
  return [
    ...flags !== 0 ? [`+${lettersOf(flags)}`] : [],
    ...xflags !== 0 ? [`XFS +${lettersOf(xflags, XFLAGS)}`] : [],
    ...project !== 0 ? [`project ${project}`] : [],
    ...extentSize !== 0 ? [`extent size ${extentSize}`] : [],
    ...cowExtentSize !== 0 ? [`copy-on-write extent size ${cowExtentSize}`] : [],
  ].join(", ");
}
