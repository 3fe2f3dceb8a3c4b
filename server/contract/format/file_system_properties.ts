/**
 * Properties of a file system beyond its type and size: everything that mke2fs(8), tune2fs(8), mkfs.xfs(8) and
 * mkfs.vfat(8) let a person choose, unless it follows from the disk itself.
 */
import { z } from "zod";

const count = z.int().min(0);
const uint32 = z.int().min(0).max(2 ** 32 - 1);

export const ExtProperties = z.object({
  /** Size on the template, in blocks; the counts below are parts of it. */
  blocks: count,
  /** Absent without bigalloc. */
  clusterBytes: count.optional(),
  /** Absent if it follows from the block size. */
  blocksPerGroup: uint32.optional(),
  flexGroups: uint32.optional(),
  /** With sparse_super2. */
  backupSuperblocks: z.int().min(0).max(2).optional(),
  /** Size up to which the file system can grow while mounted; absent if it follows from its size. */
  resizeLimitBlocks: count.optional(),
  /** Absent if it follows from the size of the file system. */
  journalBlocks: uint32.optional(),
  fastCommitBlocks: uint32.optional(),
  reservedBlocks: count,
  reservedUid: uint32,
  reservedGid: uint32,
  errors: z.enum(["continue", "remount-ro", "panic"]),
  defaultMountOptions: z.array(z.string().max(32).regex(/^[a-z0-9_]+$/)).max(32),
  /** At most one option, as text: tune2fs cannot write a comma. */
  mountOptions: z.string().max(63).regex(/^[\x21-\x2b\x2d-\x7e]*$/),
  /** In blocks; 0: none. */
  stride: uint32,
  stripeWidth: uint32,
  /** -1 and 0: no check after a number of mounts. */
  maxMountCount: z.int().min(-1).max(65_535),
  checkSeconds: uint32,
  directoryHash: z.enum(["legacy", "half_md4", "tea"]).optional(),
  mmpSeconds: z.int().min(0).max(300).optional(),
  /** With casefold. */
  encoding: z.string().max(32).regex(/^[a-z0-9.-]+$/).optional(),
  strictEncoding: z.boolean().optional(),
  quotaTypes: z.array(z.enum(["usrquota", "grpquota", "prjquota"])).max(3),
});
export type ExtProperties = z.infer<typeof ExtProperties>;

export const XfsFeature = z.enum([
  ...["crc", "finobt", "rmapbt", "reflink", "inobtcount", "bigtime", "metadir"] as const,
  ...["sparse", "nrext64", "exchange", "ftype", "ascii-ci", "parent"] as const,
]);
export type XfsFeature = z.infer<typeof XfsFeature>;

/** Older programs made smaller logs; mkfs.xfs refuses them since xfsprogs 5.19. */
export const XFS_LEAST_LOG_BYTES = 64 << 20;

export const XfsProperties = z.object({
  blockBytes: count,
  sectorBytes: count,
  inodeBytes: count,
  directoryBlockBytes: count,
  enabled: z.array(XfsFeature).max(32),
  /** Features that the template's mkfs.xfs knows but the file system does not have. */
  disabled: z.array(XfsFeature).max(32),
  /** Absent if it follows from the size. */
  maxInodePercent: z.int().min(0).max(100).optional(),
  logBytes: count,
  /** 0: none. */
  logStripeBytes: count,
  stripeUnitBytes: count,
  stripeWidthBytes: count,
});
export type XfsProperties = z.infer<typeof XfsProperties>;

export const FatProperties = z.object({
  sectorBytes: z.int().min(512).max(32_768),
  sectorsPerCluster: z.int().min(1).max(128),
  clusters: uint32,
  reservedSectors: z.int().min(1).max(65_535),
  fats: z.int().min(1).max(4),
  /** 0 for FAT32. */
  rootEntries: z.int().min(0).max(65_535),
  media: z.int().min(0xf0).max(0xff),
  driveNumber: z.int().min(0).max(255),
  /** Absent if it is the partition's first sector. */
  hiddenSectors: uint32.optional(),
  /** FAT32: the sector with the boot sector's copy; 0: none. */
  backupSector: z.int().min(0).max(65_535).optional(),
});
export type FatProperties = z.infer<typeof FatProperties>;

/** Path of a subvolume from the top of its file system, without a leading slash: "@", "@/var/lib". */
const subvolumePath = z.string().max(4095).regex(/^(?!\.{1,2}(\/|$))[^/\0]+(\/(?!\.{1,2}(\/|$))[^/\0]+)*$/);
const mountPoint = z.string().max(4095).regex(/^\/$|^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/);
const mountOptions = z.string().max(1024);

const BtrfsProfile = z.enum(
  ["single", "dup", "raid0", "raid1", "raid1c3", "raid1c4", "raid10", "raid5", "raid6"],
);
export type BtrfsProfile = z.infer<typeof BtrfsProfile>;

/** As mkfs.btrfs and sysfs name them: "no-holes", "free-space-tree". */
const btrfsFeature = z.string().max(32).regex(/^[a-z0-9][a-z0-9_-]*$/);

export const BtrfsSubvolume = z.object({
  path: subvolumePath,
  /** Absolute; absent if the template mounts it only as a part of another one, or not at all. */
  mountPoint: mountPoint.optional(),
  mountOptions: mountOptions.optional(),
  /** A read-only snapshot stays read-only on a clone. */
  readOnly: z.boolean(),
  /** Path of the subvolume that it is a snapshot of, if that still exists. */
  snapshotOf: subvolumePath.optional(),
});
export type BtrfsSubvolume = z.infer<typeof BtrfsSubvolume>;

/** btrfs-subvolume(8), btrfs-property(8), mkfs.btrfs(8). */
export const BtrfsProperties = z.object({
  nodeBytes: count,
  sectorBytes: count,
  checksum: z.enum(["crc32c", "xxhash", "sha256", "blake2"]),
  /** That the file system has and the template's mkfs.btrfs can choose. */
  features: z.array(btrfsFeature).max(64),
  /** That this mkfs.btrfs can choose but the file system does not have. */
  disabled: z.array(btrfsFeature).max(64),
  /** Those of both that it takes with -R rather than -O; the two became one in btrfs-progs 6.3. */
  runtime: z.array(btrfsFeature).max(64),
  dataProfile: BtrfsProfile,
  metadataProfile: BtrfsProfile,
  /** Parents before their children; the top of the file system is not among them. */
  subvolumes: z.array(BtrfsSubvolume).max(4096),
  /** Path of the subvolume that a mount without subvol= gets; absent: the top. */
  defaultSubvolume: subvolumePath.optional(),
  /** Path of the subvolume mounted at the file system's own mount point; absent: the top. */
  mountedSubvolume: subvolumePath.optional(),
  /** Where the top is mounted as well, if the file system's own mount point shows a subvolume. */
  top: z.object({ mountPoint, mountOptions }).optional(),
});
export type BtrfsProperties = z.infer<typeof BtrfsProperties>;

/** mkfs.f2fs(8). */
export const F2fsProperties = z.object({
  /** As mkfs.f2fs names them: "extra_attr", "inode_checksum". */
  features: z.array(z.string().max(32).regex(/^[a-z0-9_]+$/)).max(32),
  segmentsPerSection: z.int().min(1).max(65_536),
  sectionsPerZone: z.int().min(1).max(65_536),
});
export type F2fsProperties = z.infer<typeof F2fsProperties>;
