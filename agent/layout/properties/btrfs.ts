/**
 * Reads the properties of a btrfs: little-endian superblock at 64 KiB ("On-disk Format", Superblock), spaces and
 * subvolumes as the kernel lists them. Pure.
 */
import type { BtrfsProfile, BtrfsProperties } from "#contract/format/file_system_properties.ts";
import type { Space } from "../../sys/btrfs.ts";

const SUPERBLOCK_AT = 0x10000;
export const BTRFS_SUPERBLOCK_BYTES = SUPERBLOCK_AT + 4096;
const MAGIC = 0x4d5f53665248425fn; // "_BHRfS_M"
const SEEDING = 1n << 32n;

/** Bits of incompat_flags and compat_ro_flags that mkfs.btrfs lets a person choose, by its names. */
const CHOICES = {
  incompat: { "mixed-bg": 1n << 2n, extref: 1n << 6n, "skinny-metadata": 1n << 8n, "no-holes": 1n << 9n },
  compatRo: { "free-space-tree": 1n << 0n, "block-group-tree": 1n << 3n },
} as const;
/** Bits of incompat_flags of what is not rebuilt. */
const REFUSED: readonly (readonly [bit: bigint, what: string])[] = [
  [1n << 7n, "it uses RAID 5 or 6, which btrfs itself does not recommend"],
  [1n << 12n, "it is made for a zoned device"],
  [1n << 13n, "it has the experimental feature extent-tree-v2"],
  [1n << 14n, "it has the experimental feature raid-stripe-tree"],
];
/** Up to simple quotas; the feature of bit 15 does not exist. */
const KNOWN_INCOMPAT = (1n << 17n) - 1n - (1n << 15n), KNOWN_COMPAT_RO = (1n << 4n) - 1n;
const CHECKSUMS: readonly BtrfsProperties["checksum"][] = ["crc32c", "xxhash", "sha256", "blake2"];

export interface BtrfsSuperblock {
  /** As 32 hexadecimal digits: that of a seed device differs from the file system's. */
  readonly uuid: string;
  /** Number of the file system's devices, and the number of this one. */
  readonly devices: number;
  readonly device: number;
  readonly properties: Pick<
    BtrfsProperties,
    "nodeBytes" | "sectorBytes" | "checksum" | "features" | "disabled" | "runtime"
  >;
  readonly obstacle: string | undefined;
}

/** The features that the machine's mkfs.btrfs lists with -O and with -R. */
interface BtrfsChoices {
  readonly features: string;
  readonly runtime: string;
}

/** Throws RangeError if `bytes`, the start of a device, hold no superblock. */
export function parseBtrfsSuperblock(bytes: Uint8Array, choices: BtrfsChoices): BtrfsSuperblock {
  if (bytes.length < BTRFS_SUPERBLOCK_BYTES) throw new RangeError("the superblock of btrfs is truncated");
  const view = new DataView(bytes.buffer, bytes.byteOffset + SUPERBLOCK_AT, 4096);
  if (view.getBigUint64(0x40, true) !== MAGIC) throw new RangeError("not a superblock of btrfs");
  const compatRo = view.getBigUint64(0xb4, true), incompat = view.getBigUint64(0xbc, true);
  const checksum = CHECKSUMS[view.getUint16(0xc4, true)];
  const unknown = (incompat & ~KNOWN_INCOMPAT) !== 0n || (compatRo & ~KNOWN_COMPAT_RO) !== 0n ||
    checksum === undefined;
  const refused = REFUSED.find(([bit]) => (incompat & bit) !== 0n)?.[1];
  return {
    uuid: Buffer.from(view.buffer, view.byteOffset + 0x20, 16).toString("hex"),
    devices: Number(view.getBigUint64(0x88, true)),
    device: Number(view.getBigUint64(0xc9, true)),
    properties: {
      sectorBytes: view.getUint32(0x90, true),
      nodeBytes: view.getUint32(0x94, true),
      checksum: checksum ?? "crc32c",
      ...featuresOf({ incompat, compatRo }, choices),
    },
    obstacle: (view.getBigUint64(0x38, true) & SEEDING) !== 0n
      ? "it is a seed for other file systems"
      : refused ?? (unknown ? "it has features that this version of Rackseed does not know" : undefined),
  };
}

/** A feature that mkfs.btrfs does not know is left out: any kernel reads a file system without it. */
function featuresOf(
  bits: { incompat: bigint; compatRo: bigint },
  { features, runtime }: BtrfsChoices,
): Pick<BtrfsProperties, "features" | "disabled" | "runtime"> {
  const all = (["incompat", "compatRo"] as const).flatMap((field) =>
    Object.entries(CHOICES[field]).map(([name, bit]) => ({ name, isOn: (bits[field] & bit) !== 0n }))
  );
  const lists = (text: string, name: string) => new RegExp(`^${name}\\s`, "m").test(text);
  const own = all.map((choice) => ({
    ...choice,
    isFeature: lists(features, choice.name),
    isRuntime: lists(runtime, choice.name),
  })).filter(({ isFeature, isRuntime }) => isFeature || isRuntime);
  const names = (some: typeof own) => some.map(({ name }) => name);
  return {
    features: names(own.filter(({ isOn }) => isOn)),
    disabled: names(own.filter(({ isOn }) => !isOn)),
    runtime: names(own.filter(({ isFeature }) => !isFeature)),
  };
}

const DATA = 1n, SYSTEM = 2n, METADATA = 4n;
const PROFILES: readonly (readonly [bit: bigint, profile: BtrfsProfile])[] = [
  [1n << 3n, "raid0"],
  [1n << 4n, "raid1"],
  [1n << 5n, "dup"],
  [1n << 6n, "raid10"],
  [1n << 7n, "raid5"],
  [1n << 8n, "raid6"],
  [1n << 9n, "raid1c3"],
  [1n << 10n, "raid1c4"],
];
const GLOBAL_RESERVE = 1n << 49n;

/** After an unfinished balance there are several profiles of one kind: the one that holds the most counts. */
export function profilesOf(spaces: readonly Space[]): {
  dataProfile: BtrfsProfile;
  metadataProfile: BtrfsProfile;
  notes: string[];
} {
  const real = spaces.filter(({ flags }) => (flags & GLOBAL_RESERVE) === 0n && (flags & SYSTEM) === 0n);
  const notes: string[] = [];
  const most = (kind: bigint, name: string) => {
    const own = real.filter(({ flags }) => (flags & kind) !== 0n)
      .toSorted((a, b) => b.usedBytes - a.usedBytes || b.totalBytes - a.totalBytes);
    const profiles = [...new Set(own.map(({ flags }) => profileOf(flags)))];
    if (profiles.length > 1) {
      notes.push(`its ${name} has the profiles ${profiles.join(" and ")}: a clone's has ${profiles[0]}`);
    }
    return profiles[0] ?? "single";
  };
  return { dataProfile: most(DATA, "data"), metadataProfile: most(METADATA, "metadata"), notes };
}

function profileOf(flags: bigint): BtrfsProfile {
  return PROFILES.find(([bit]) => (flags & bit) !== 0n)?.[1] ?? "single";
}
