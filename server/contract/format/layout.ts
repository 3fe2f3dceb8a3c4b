/**
 * The disk layout of a machine: enough to rebuild it on disks with other names and, within reason, other sizes. A tree:
 * disks, partitions, MD arrays, LUKS, LVM, file systems and swap, in any nesting. Partitions are named by place (disk 0,
 * partition 2), never by /dev names, which change from machine to machine.
 */
import { z } from "zod";
import { BootFacts } from "./boot.ts";
import {
  BtrfsProperties,
  ExtProperties,
  F2fsProperties,
  FatProperties,
  XfsProperties,
} from "./file_system_properties.ts";
import { Encrypted, MdArray, Volume, VolumeGroup } from "./volumes.ts";
export { describeVolume, Volume } from "./volumes.ts";

/** Why this cannot be rebuilt, as text; a plan then refuses it. Absent if there is no known reason. */
const obstacle = z.string().max(200).optional();

/** Part of a line of sfdisk's input, so nothing in it may start a new line. */
const identifier = z.string().max(64).regex(/^[0-9A-Za-z-]*$/);

export const Partition = z.object({
  /** Number in the table: sda3 and nvme0n1p3 are 3. */
  number: z.int().min(1).max(256),
  startSector: z.int().min(0),
  sectors: z.int().min(1),
  /** GPT: type GUID; DOS: hexadecimal type without 0x ("83"). */
  type: z.string().max(36).regex(/^[0-9A-Fa-f-]+$/),
  /** GPT partition GUID; DOS has none. */
  uuid: identifier.optional(),
  /** GPT partition name. */
  name: z.string().max(72).optional(),
  /** GPT attributes as sfdisk writes them ("LegacyBIOSBootable GUID:60"). */
  attributes: z.string().max(256).optional(),
  /** DOS active flag. */
  bootable: z.boolean().optional(),
});
export type Partition = z.infer<typeof Partition>;

export const DiskTable = z.object({
  /** The template's name for it ("vda"): for people only, it selects nothing. */
  name: z.string().max(64),
  /**
   * Its other names on the template, below /dev/disk/by-id and by-path, which the image's files may use; that below
   * /dev/mapper if it has several paths. They select nothing either.
   */
  names: z.array(z.string().max(255).regex(/^\/dev\/(disk\/by-(id|path)|mapper)\/[^\s/]+$/)).max(64)
    .optional(),
  sizeBytes: z.int().min(0),
  sectorBytes: z.union([z.literal(512), z.literal(4096)]),
  table: z.enum(["gpt", "dos", "none"]),
  /** Disk GUID or DOS signature (0x…). */
  id: identifier.optional(),
  /** GPT: number of slots in the table; absent: 128. */
  entries: z.int().min(1).max(4096).optional(),
  /** GPT: the sectors that partitions may use, if a person set them. */
  firstUsableSector: z.int().min(0).optional(),
  lastUsableSector: z.int().min(0).optional(),
  /** GPT: the protective MBR's partition is marked active, which some BIOSes want. */
  protectiveBoot: z.boolean().optional(),
  obstacle,
  partitions: z.array(Partition).max(256),
});
export type DiskTable = z.infer<typeof DiskTable>;

export const FileSystem = z.object({
  volume: Volume,
  /** The other devices of a btrfs that spans several. */
  more: z.array(Volume).max(64).optional(),
  type: z.string().max(32).regex(/^[a-z0-9_]+$/),
  uuid: z.string().max(64).optional(),
  label: z.string().max(255).optional(),
  /** Where the template mounts it, absolute ("/", "/boot/efi"). */
  mountPoint: z.string().max(4095).regex(/^\/$|^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/),
  mountOptions: z.string().max(1024),
  sizeBytes: z.int().min(0),
  usedBytes: z.int().min(0),
  /**
   * What its content takes once it shares nothing any more, as a clone's files do: snapshots, reflinks. Absent if it
   * is not more than `usedBytes`.
   */
  unsharedBytes: z.int().min(0).optional(),
  /** Settings for mkfs, so that the template's boot loader and kernel can read the result. */
  mkfs: z.object({
    /** ext: feature names of the superblock ("has_journal", "64bit" …); empty if unknown. */
    features: z.array(z.string().max(64).regex(/^[A-Za-z0-9_]+$/)).max(128),
    blockBytes: z.int().min(0).optional(),
    inodeBytes: z.int().min(0).optional(),
    inodes: z.int().min(0).optional(),
    /** vfat: 12, 16 or 32. */
    fatBits: z.union([z.literal(12), z.literal(16), z.literal(32)]).optional(),
    /** For its own type of file system; versions captured by earlier releases have none. */
    ext: ExtProperties.optional(),
    xfs: XfsProperties.optional(),
    fat: FatProperties.optional(),
    btrfs: BtrfsProperties.optional(),
    f2fs: F2fsProperties.optional(),
  }),
  obstacle,
});
export type FileSystem = z.infer<typeof FileSystem>;

export const SwapArea = z.object({
  volume: Volume,
  uuid: z.string().max(64).optional(),
  label: z.string().max(64).optional(),
});
export type SwapArea = z.infer<typeof SwapArea>;

/** A file that the template swaps to. Its content is in no image: a clone creates a new one. */
export const SwapFile = z.object({
  /** Absolute. */
  path: z.string().max(4095).regex(/^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/),
  sizeBytes: z.int().min(40_960),
  /** From its swap signature, if it has one; swaplabel(8) shows it, and fstab never uses it. */
  uuid: z.string().max(64).optional(),
  label: z.string().max(64).optional(),
});
export type SwapFile = z.infer<typeof SwapFile>;

/**
 * Everything between disks and file systems is in the three lists, and refers to what it lies on by `Volume`. A name
 * is unique in its list; nothing may lie on itself.
 */
export const DiskLayout = z.object({
  /** Disk 0 is the one with the root file system, or the first of those that it lies on. */
  disks: z.array(DiskTable).max(64),
  arrays: z.array(MdArray).max(64).optional(),
  encrypted: z.array(Encrypted).max(64).optional(),
  groups: z.array(VolumeGroup).max(64).optional(),
  /** Sorted by mount point, so that a parent is mounted before its children. */
  fileSystems: z.array(FileSystem).max(256),
  swap: z.array(SwapArea).max(64),
  swapFiles: z.array(SwapFile).max(64).optional(),
  /** Absent in versions of earlier releases, which boot with GRUB. */
  boot: BootFacts.optional(),
  /** Why no clone could be made to boot, as found at capture, each with what to do about it. */
  obstacles: z.array(z.string().max(500)).max(32).optional(),
});
export type DiskLayout = z.infer<typeof DiskLayout>;

/** A GPT's partition types: for GRUB's core image, and for an EFI system partition; an MBR's type for the latter. */
export const BIOS_BOOT_TYPE = "21686148-6449-6e6f-744e-656564454649";
const ESP_TYPES = ["c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "ef"];

/** Whether the firmware looks for boot loaders on it (UEFI 2.10 §13.3). */
export function isEspPartition({ type }: Pick<Partition, "type">): boolean {
  return ESP_TYPES.includes(type.toLowerCase());
}

/** A vfat file system at a usual mount point of the EFI system partition. */
export function isEsp({ type, mountPoint }: Pick<FileSystem, "type" | "mountPoint">): boolean {
  return type === "vfat" && ["/boot/efi", "/efi", "/boot"].includes(mountPoint);
}
