/** The volumes between disks and file systems: MD arrays, LUKS and LVM. */
import { z } from "zod";

/** What holds a file system, swap, or a part of another volume. */
export const Volume = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("partition"), disk: z.int().min(0), number: z.int().min(1).max(256) }),
  /** A whole disk, without a partition table. */
  z.object({ kind: z.literal("disk"), disk: z.int().min(0) }),
  /** By its name in `arrays`. */
  z.object({ kind: z.literal("md"), name: z.string().max(64) }),
  /** The opened device, by its name in `encrypted`. */
  z.object({ kind: z.literal("luks"), name: z.string().max(128) }),
  z.object({ kind: z.literal("lv"), group: z.string().max(128), name: z.string().max(128) }),
]);
export type Volume = z.infer<typeof Volume>;

/** Why this cannot be rebuilt, as text; a plan then refuses it. Absent if there is no known reason. */
const obstacle = z.string().max(200).optional();

/** Names go into command lines, configuration files and /dev: none may begin with a hyphen or a dot. */
const deviceName = z.string().max(127).regex(/^[A-Za-z0-9_+][A-Za-z0-9_+.-]*$/);
const uuid = z.string().max(64).regex(/^[0-9A-Za-z:-]+$/);

/** md(4), mdadm(8). */
export const MdArray = z.object({
  /** As below /dev/md/ or, for an array without a name, /dev/: "boot", "md127". */
  name: deviceName,
  /** As mdadm prints it: "3aaa0122:29827cfa:5331ad66:ca767371". */
  uuid,
  /** Name in the superblock, with the home host: "server:boot". Absent if it has none. */
  superblockName: z.string().max(32).optional(),
  metadata: z.string().max(16).regex(/^[0-9a-z.]+$/),
  /** "raid1", "raid10", "linear" … */
  level: z.string().max(16).regex(/^[a-z0-9]+$/),
  /** Number of active devices; `members` may be fewer if the template's array is degraded. */
  slots: z.int().min(1).max(256),
  /** In order of their slots. */
  members: z.array(Volume).min(1).max(256),
  spares: z.array(Volume).max(64),
  /** Of one member that the array uses, in bytes. */
  memberBytes: z.int().min(0),
  /** 0 for levels without chunks. */
  chunkBytes: z.int().min(0),
  /** RAID 5 and 6: "left-symmetric"; RAID 10: "near=2". */
  layout: z.string().max(32).regex(/^[a-z0-9=-]+$/).optional(),
  bitmap: z.enum(["none", "internal"]),
  /** The members that only serve reads in need: mdadm --write-mostly. */
  writeMostly: z.array(Volume).max(256).optional(),
  sizeBytes: z.int().min(0),
  obstacle,
});
export type MdArray = z.infer<typeof MdArray>;

/** A LUKS volume: cryptsetup(8). Its keys are not part of any image. */
export const Encrypted = z.object({
  /** Name of the opened device below /dev/mapper. */
  name: deviceName,
  /** What it lies on. */
  on: Volume,
  version: z.union([z.literal(1), z.literal(2)]),
  uuid,
  label: z.string().max(48).optional(),
  /** "aes-xts-plain64" */
  cipher: z.string().max(64).regex(/^[a-z0-9:()_-]+$/),
  keyBits: z.int().min(64).max(8192),
  sectorBytes: z.int().min(512).max(4096),
  /** Persistent flags of LUKS2: "allow-discards". */
  flags: z.array(z.string().max(32).regex(/^[a-z-]+$/)).max(16),
  /** How the template opens it, for people: a clone's way is the operator's choice. */
  opensWith: z.array(z.enum(["passphrase", "key-file", "tpm2", "fido2", "pkcs11", "recovery", "other"])).max(
    32,
  ),
  /** Of the opened device. */
  sizeBytes: z.int().min(0),
  obstacle,
});
export type Encrypted = z.infer<typeof Encrypted>;

/** lvmraid(7), lvmthin(7). */
export const LogicalVolume = z.object({
  name: deviceName,
  uuid,
  /** "other": of a kind that is not rebuilt; its `obstacle` says which. */
  type: z.enum(
    [
      "linear",
      "striped",
      "mirror",
      "raid1",
      "raid4",
      "raid5",
      "raid6",
      "raid10",
      "thin-pool",
      "thin",
      "other",
    ],
  ),
  sizeBytes: z.int().min(0),
  /** Data stripes of a striped or raid volume, without parity. */
  stripes: z.int().min(1).max(256).optional(),
  stripeBytes: z.int().min(512).optional(),
  /** Copies of the data in a mirror, raid1 or raid10. */
  copies: z.int().min(2).max(64).optional(),
  /** thin: the pool that it lies in. */
  pool: deviceName.optional(),
  /** thin-pool: of its metadata, of its chunks, and whether new chunks are zeroed. */
  metadataBytes: z.int().min(0).optional(),
  chunkBytes: z.int().min(0).optional(),
  zeroes: z.boolean().optional(),
  /** Physical volumes that hold its data, by index in `physical`; a raid volume's are kept apart. */
  on: z.array(z.int().min(0)).max(256).optional(),
  tags: z.array(z.string().max(128).regex(/^[A-Za-z0-9_+.\/=!:&#-]+$/)).max(64).optional(),
  obstacle,
});
export type LogicalVolume = z.infer<typeof LogicalVolume>;

export const VolumeGroup = z.object({
  name: deviceName,
  uuid,
  extentBytes: z.int().min(512),
  physical: z.array(z.object({
    volume: Volume,
    uuid,
    sizeBytes: z.int().min(0),
    /** Where its first extent begins, in bytes: pvcreate --dataalignment. */
    dataAtBytes: z.int().min(0).optional(),
  })).min(1).max(256),
  /** Without the hidden parts of raid volumes and pools. */
  logical: z.array(LogicalVolume).max(256),
  tags: z.array(z.string().max(128)).max(64).optional(),
  obstacle,
});
export type VolumeGroup = z.infer<typeof VolumeGroup>;

/** The same text on the template, in the plan and in messages. */
export function describeVolume(volume: Volume): string {
  switch (volume.kind) {
    case "partition":
      return `disk ${volume.disk} partition ${volume.number}`;
    case "disk":
      return `disk ${volume.disk}`;
    case "md":
      return `MD array ${volume.name}`;
    case "luks":
      return `LUKS volume ${volume.name}`;
    case "lv":
      return `LVM volume ${volume.group}/${volume.name}`;
  }
}
