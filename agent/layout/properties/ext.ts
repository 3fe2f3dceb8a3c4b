/** Reads the properties of ext2, ext3 and ext4 from the output of `dumpe2fs -h`. */
import { ExtProperties } from "#contract/format/file_system_properties.ts";
import type { Found } from "./found.ts";

interface ExtFileSystem extends Found {
  readonly features: readonly string[];
  readonly blockBytes: number;
  readonly inodeBytes: number;
  readonly inodes: number;
  readonly properties: ExtProperties;
}

/** States, not properties: they change with mounting. */
const STATES = new Set(["needs_recovery", "orphan_present", "recover"]);
/** Features that dumpe2fs prints and mke2fs refuses; FEATURE_… are those without a name. */
const UNSUPPORTED =
  /^(FEATURE_.*|imagic_inodes|lazy_bg|exclude_bitmap|snapshot|compression|dirdata|replica|shared_blocks)$/;
const ERRORS: Readonly<Record<string, ExtProperties["errors"]>> = {
  "Continue": "continue",
  "Remount read-only": "remount-ro",
  "Panic": "panic",
};

/** Throws RangeError if the output is not from dumpe2fs. */
export function parseDumpe2fs(text: string): ExtFileSystem {
  const field = fieldsOf(text);
  const required = (name: string) => {
    const value = field(name);
    if (value === undefined) throw new RangeError(`dumpe2fs prints no "${name}"`);
    return value;
  };
  const count = (name: string) => {
    const value = leadingNumber(required(name));
    if (value === undefined) throw new RangeError(`dumpe2fs: "${name}" is not a number`);
    return value;
  };
  const features = required("Filesystem features").split(/\s+/).filter((f) => f !== "" && f !== "(none)");
  const made = features.filter((f) => /^\w+$/.test(f) && !STATES.has(f) && !UNSUPPORTED.test(f));
  const blockBytes = count("Block size");
  const options = field("Mount options") ?? "";
  const canKeepOptions = ExtProperties.shape.mountOptions.safeParse(options).success;
  return {
    features: made,
    blockBytes,
    inodeBytes: count("Inode size"),
    inodes: count("Inode count"),
    properties: propertiesOf(field, {
      features: made,
      blockBytes,
      mountOptions: canKeepOptions ? options : "",
    }),
    ...foundIn(field, features),
    notes: [
      ...notesOf(features),
      ...canKeepOptions ? [] : [`the mount options in its superblock (${options}) are not captured`],
    ],
  };
}

type Field = (name: string) => string | undefined;

function fieldsOf(text: string): Field {
  const lines = text.split("\n").map((line) => /^([A-Z][^:]*):\s*(.*?)\s*$/.exec(line));
  const fields = new Map(lines.flatMap((match) => match ? [[match[1] ?? "", match[2] ?? ""]] : []));
  return (name) => fields.get(name);
}

/** Returns 5 for "5 (user games)", 8192 for "8192". */
function leadingNumber(value: string | undefined): number | undefined {
  const digits = /^-?\d+(?=$|\s)/.exec(value ?? "")?.[0];
  return digits !== undefined && Number.isSafeInteger(Number(digits)) ? Number(digits) : undefined;
}

function propertiesOf(
  field: Field,
  { features, blockBytes, mountOptions }: {
    features: readonly string[];
    blockBytes: number;
    mountOptions: string;
  },
): ExtProperties {
  const { shape } = ExtProperties;
  const has = (name: string) => features.includes(name);
  const number = (name: string) => leadingNumber(field(name));
  const blocks = number("Block count") ?? 0;
  const hash = field("Default directory hash");
  const defaults = (field("Default mount options") ?? "").split(/\s+/);
  // through JSON, to drop undefined members
  const properties = ExtProperties.safeParse(JSON.parse(JSON.stringify({
    blocks,
    clusterBytes: has("bigalloc") ? number("Cluster size") : undefined,
    blocksPerGroup: has("bigalloc") ? undefined : unless(number("Blocks per group"), blockBytes * 8),
    flexGroups: has("flex_bg") ? number("Flex block group size") : undefined,
    backupSuperblocks: has("sparse_super2") ? backupsOf(field) : undefined,
    resizeLimitBlocks: has("resize_inode") ? resizeLimit(field, { blocks, blockBytes }) : undefined,
    journalBlocks: has("has_journal") ? journalBlocks(field, { blocks, blockBytes }) : undefined,
    fastCommitBlocks: has("fast_commit") ? number("Fast commit length") : undefined,
    reservedBlocks: number("Reserved block count") ?? 0,
    reservedUid: number("Reserved blocks uid") ?? 0,
    reservedGid: number("Reserved blocks gid") ?? 0,
    errors: ERRORS[field("Errors behavior") ?? ""] ?? "continue",
    defaultMountOptions: defaults.filter((option) => /^[a-z0-9_]+$/.test(option)),
    mountOptions,
    stride: number("RAID stride") ?? 0,
    stripeWidth: number("RAID stripe width") ?? 0,
    maxMountCount: Math.max(-1, number("Maximum mount count") ?? -1),
    checkSeconds: number("Check interval") ?? 0,
    directoryHash: shape.directoryHash.safeParse(hash).data,
    mmpSeconds: has("mmp") ? shape.mmpSeconds.safeParse(number("MMP update interval")).data : undefined,
    encoding: has("casefold") ? shape.encoding.safeParse(field("Character encoding")).data : undefined,
    quotaTypes: [
      ...field("User quota inode") === undefined ? [] : ["usrquota"],
      ...field("Group quota inode") === undefined ? [] : ["grpquota"],
      ...field("Project quota inode") === undefined ? [] : ["prjquota"],
    ],
  })));
  if (properties.success) return properties.data;
  const [issue] = properties.error.issues;
  throw new RangeError(`dumpe2fs printed an impossible value: ${issue?.path.join(".")}: ${issue?.message}`);
}

function unless(value: number | undefined, usual: number): number | undefined {
  return value === usual ? undefined : value;
}

function backupsOf(field: Field): number {
  return (field("Backup block groups") ?? "").split(/\s+/).filter((group) => group !== "").length;
}

/**
 * Undefined if the size is mke2fs's default (ext2fs_default_journal_size, e2fsprogs 1.47), so that a larger file system
 * gets a larger journal.
 */
function journalBlocks(
  field: Field,
  { blocks, blockBytes }: { blocks: number; blockBytes: number },
): number | undefined {
  const total = leadingNumber(field("Total journal blocks")) ?? leadingNumber(field("Journal length"));
  const fast = leadingNumber(field("Fast commit length")) ?? 0;
  // e2fsprogs before 1.45 prints only the size
  const size = /^(\d+)([kMG])$/.exec(field("Total journal size") ?? field("Journal size") ?? "");
  const unit = { k: 1024, M: 1 << 20, G: 1 << 30 }[size?.[2] ?? ""] ?? 0;
  const own = total !== undefined ? total - fast : Math.floor(Number(size?.[1] ?? 0) * unit / blockBytes);
  return own <= 0 ? undefined : unless(own, usualJournalBlocks(blocks));
}

function usualJournalBlocks(blocks: number): number {
  const steps: readonly [number, number][] = [
    [32_768, 1024],
    [262_144, 4096],
    [524_288, 8192],
    [4_194_304, 16_384],
    [8_388_608, 32_768],
    [16_777_216, 65_536],
    [33_554_432, 131_072],
  ];
  return steps.find(([below]) => blocks < below)?.[1] ?? 262_144;
}

/** Defined if less room is reserved for growth than e2fsprogs' calc_reserved_gdt_blocks would reserve. */
function resizeLimit(
  field: Field,
  { blocks, blockBytes }: { blocks: number; blockBytes: number },
): number | undefined {
  const perGroup = leadingNumber(field("Blocks per group"));
  const reserved = leadingNumber(field("Reserved GDT blocks")) ?? 0;
  if (perGroup === undefined || perGroup === 0 || blocks === 0) return undefined;
  const perBlock = blockBytes / (leadingNumber(field("Group descriptor size")) ?? 32);
  const descriptorBlocks = (count: number) => Math.ceil(Math.ceil(count / perGroup) / perBlock);
  const most = Math.min(2 ** 32 - 1, blocks * 1024);
  const usual = Math.min(descriptorBlocks(most) - descriptorBlocks(blocks), blockBytes / 4);
  if (reserved >= usual) return undefined;
  return Math.min(2 ** 32 - 1, Math.floor((descriptorBlocks(blocks) + reserved) * perBlock * perGroup));
}

function foundIn(field: Field, features: readonly string[]): { obstacle?: string } {
  const unmade = features.filter((f) => UNSUPPORTED.test(f));
  if (unmade.length > 0) return { obstacle: `mke2fs cannot make its features ${unmade.join(", ")}` };
  const encoding = field("Character encoding");
  if (features.includes("casefold") && !ExtProperties.shape.encoding.safeParse(encoding).success) {
    return { obstacle: `the encoding of its names is ${encoding}, which mke2fs does not know` };
  }
  const elsewhere = features.includes("has_journal") && field("Journal device") !== undefined;
  return elsewhere ? { obstacle: "its journal is on another device" } : {};
}

function notesOf(features: readonly string[]): string[] {
  const notes: Readonly<Record<string, string>> = {
    "quota": "the limits of its disk quotas are not captured; usage is counted afresh on clones",
    "encrypt": "its encrypted directories are captured in the clear, and locked ones fail the capture",
    "verity": "files under fs-verity are captured without it",
    "read-only": "its feature read-only is not captured",
  };
  return features.flatMap((feature) => notes[feature] ?? []);
}
