/** Arguments of mke2fs(8) and tune2fs(8) for an ext file system like the template's, in the available room. Pure. */
import type { ExtProperties } from "#contract/format/file_system_properties.ts";
import type { FileSystem } from "#contract/format/layout.ts";

type Argv = readonly [string, ...string[]];

const MIB = 1 << 20;
/** All that tune2fs knows: what mke2fs.conf may set and the template lacks is cleared. */
const MOUNT_OPTIONS = [
  ...["debug", "bsdgroups", "user_xattr", "acl", "uid16", "journal_data", "nobarrier"],
  ...["block_validity", "discard", "nodelalloc"],
];

export function mke2fsArgv(
  { type, uuid, label, mkfs }: FileSystem,
  { sizeBytes, inodes }: { sizeBytes: number; inodes: number },
): Argv {
  const { features, blockBytes, inodeBytes, ext } = mkfs;
  return [
    "mkfs.ext4",
    "-q",
    "-F",
    "-F",
    // the type selects defaults in mke2fs.conf; the features are the template's alone
    ...["-t", type],
    ...features.length > 0 || ext ? ["-O", ["none", ...features].join(",")] : [],
    ...blockBytes ? ["-b", String(blockBytes)] : [],
    ...inodeBytes ? ["-I", String(inodeBytes)] : [],
    ...inodes > 0 ? ["-N", String(inodes)] : [],
    ...ext ? extArgs(ext, { sizeBytes, blockBytes: blockBytes || 4096 }) : [],
    ...uuid ? ["-U", uuid] : [],
    ...label ? ["-L", label] : [],
  ];
}

function extArgs(
  ext: ExtProperties,
  { sizeBytes, blockBytes }: { sizeBytes: number; blockBytes: number },
): string[] {
  const journal = journalOptions(ext, { sizeBytes, blockBytes });
  const extended = extendedOptions(ext, { blocks: Math.floor(sizeBytes / blockBytes) });
  return [
    ...ext.clusterBytes ? ["-C", String(ext.clusterBytes)] : [],
    ...ext.blocksPerGroup ? ["-g", String(ext.blocksPerGroup)] : [],
    ...ext.flexGroups ? ["-G", String(ext.flexGroups)] : [],
    ...journal.length > 0 ? ["-J", journal.join(",")] : [],
    ...extended.length > 0 ? ["-E", extended.join(",")] : [],
  ];
}

/** mke2fs takes whole mebibytes, at least 1024 blocks. In a file system that became small a quarter is enough. */
function journalOptions(
  { journalBlocks, fastCommitBlocks }: ExtProperties,
  { sizeBytes, blockBytes }: { sizeBytes: number; blockBytes: number },
): string[] {
  const wanted = Math.min((journalBlocks ?? 0) * blockBytes, Math.floor(sizeBytes / 4));
  const mebibytes = Math.max(Math.round(wanted / MIB), Math.ceil(1024 * blockBytes / MIB));
  return [
    ...journalBlocks ? [`size=${mebibytes}`] : [],
    // in units of 1024 bytes
    ...fastCommitBlocks ? [`fast_commit_size=${Math.round(fastCommitBlocks * blockBytes / 1024)}`] : [],
  ];
}

function extendedOptions(ext: ExtProperties, { blocks }: { blocks: number }): string[] {
  const { resizeLimitBlocks: limit, encoding } = ext;
  return [
    // without a stride mke2fs takes the disk's
    ...ext.stride ? [`stride=${ext.stride}`] : [],
    ...ext.stripeWidth ? [`stripe-width=${ext.stripeWidth}`] : [],
    ...limit !== undefined && limit > blocks ? [`resize=${limit}`] : [],
    ...ext.backupSuperblocks === undefined ? [] : [`num_backup_sb=${ext.backupSuperblocks}`],
    ...ext.mmpSeconds ? [`mmp_update_interval=${ext.mmpSeconds}`] : [],
    ...encoding === undefined
      ? []
      : [`encoding=${encoding}`, ...ext.strictEncoding ? ["encoding_flags=strict"] : []],
    ...ext.quotaTypes.length > 0 ? [`quotatype=${ext.quotaTypes.join(":")}`] : [],
  ];
}

/** Sets what can be set at any time, on an empty file system or a full one; the device is appended. */
export function tune2fsArgv(
  ext: ExtProperties,
  { sizeBytes, blockBytes }: { sizeBytes: number; blockBytes: number },
): Argv {
  const { defaultMountOptions: set } = ext;
  const isJournalMode = (option: string) => option.startsWith("journal_data");
  const cleared = MOUNT_OPTIONS.filter((option) =>
    !set.includes(option) && !(isJournalMode(option) && set.some(isJournalMode))
  );
  return [
    "tune2fs",
    ...["-r", String(reservedBlocks(ext, Math.floor(sizeBytes / blockBytes)))],
    ...["-u", String(ext.reservedUid), "-g", String(ext.reservedGid)],
    ...["-e", ext.errors],
    ...["-o", [...cleared.map((option) => `^${option}`), ...set].join(",")],
    ...["-c", String(ext.maxMountCount), "-i", `${ext.checkSeconds}s`],
    ...["-E", tunedOptions(ext).join(",")],
  ];
}

function tunedOptions({ mountOptions, directoryHash }: ExtProperties): string[] {
  return [
    `mount_opts=${mountOptions}`,
    ...directoryHash === undefined ? [] : [`hash_alg=${directoryHash}`],
  ];
}

/** The same share of the file system; tune2fs accepts less than half. */
function reservedBlocks({ reservedBlocks: before, blocks: of }: ExtProperties, blocks: number): number {
  if (of === blocks || of === 0) return before;
  return Math.min(Math.round(before * blocks / of), Math.floor(blocks / 2) - 1);
}
