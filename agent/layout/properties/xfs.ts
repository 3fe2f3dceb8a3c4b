/**
 * Reads the properties of XFS from its superblock: big-endian, at the start of the device ("XFS Algorithms & Data
 * Structures", chapter 13, Superblocks). Parsed here because xfs_info depends on a different program in each version of
 * xfsprogs.
 */
import {
  XFS_LEAST_LOG_BYTES,
  type XfsFeature,
  type XfsProperties,
} from "#contract/format/file_system_properties.ts";
import type { Found } from "./found.ts";

export const XFS_SUPERBLOCK_BYTES = 264;
const MAGIC = 0x58465342; // "XFSB"

/** Bits of features_ro_compat and features_incompat; undefined: not an option of mkfs.xfs. */
const RO_COMPAT: readonly XfsFeature[] = ["finobt", "rmapbt", "reflink", "inobtcount"];
const INCOMPAT: readonly (XfsFeature | undefined)[] = [
  ...[
    "ftype",
    "sparse",
    undefined,
    "bigtime",
    undefined,
    "nrext64",
    "exchange",
    "parent",
    "metadir",
  ] as const,
];
/** Fields of versions before 5. */
const VERSION = { number: 0xf, unicase: 0x4000 };
const FTYPE_V4 = 0x200;
const QUOTA_ACCOUNTED = 0x1 | 0x8 | 0x40;

/** `usage`: the usage text of the machine's mkfs.xfs, which shows the options that it supports. */
export function parseXfsSuperblock(
  bytes: Uint8Array,
  { usage, sizeBytes }: { usage: string; sizeBytes: number },
): { properties: XfsProperties } & Found {
  if (bytes.length < XFS_SUPERBLOCK_BYTES) throw new RangeError("the XFS superblock is truncated");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC) throw new RangeError("not an XFS superblock");
  const { enabled, unknown } = featuresOf(view);
  const blockBytes = view.getUint32(4), percent = view.getUint8(127);
  const unmade = [...enabled].filter((feature) => !isKnown(feature, usage));
  const properties: XfsProperties = {
    blockBytes,
    sectorBytes: view.getUint16(102),
    inodeBytes: view.getUint16(104),
    directoryBlockBytes: blockBytes << view.getUint8(192),
    enabled: [...enabled],
    disabled: CHOICES.filter((feature) => !enabled.has(feature) && isKnown(feature, usage)),
    logBytes: view.getUint32(96) * blockBytes,
    // 1 means none
    logStripeBytes: view.getUint32(196) > 1 ? view.getUint32(196) : 0,
    stripeUnitBytes: view.getUint32(184) * blockBytes,
    stripeWidthBytes: view.getUint32(188) * blockBytes,
  };
  if (percent !== usualInodePercent(sizeBytes) && percent <= 100) properties.maxInodePercent = percent;
  const hasQuota = (view.getUint16(176) & QUOTA_ACCOUNTED) !== 0;
  return {
    properties,
    notes: [
      ...hasQuota
        ? ["the limits of its disk quotas are not captured; usage is counted afresh on clones"]
        : [],
      ...properties.logBytes < XFS_LEAST_LOG_BYTES
        ? ["its log is smaller than mkfs.xfs allows today: clones get the default size"]
        : [],
    ],
    obstacle: view.getBigUint64(48) === 0n
      ? "its log is on another device"
      : view.getBigUint64(16) > 0n
      ? "it has a realtime device"
      : unknown
      ? "it has features that this version of Rackseed does not know"
      : unmade.length > 0 && usage !== ""
      ? `mkfs.xfs of this machine cannot make its features ${unmade.join(", ")}`
      : undefined,
  };
}

const CHOICES: readonly XfsFeature[] = [
  "crc",
  ...RO_COMPAT,
  ...INCOMPAT.filter((feature) => feature !== undefined),
];

function featuresOf(view: DataView): { enabled: ReadonlySet<XfsFeature>; unknown: boolean } {
  const enabled = new Set<XfsFeature>();
  const version = view.getUint16(100);
  if (version & VERSION.unicase) enabled.add("ascii-ci");
  if ((version & VERSION.number) < 5) {
    if (view.getUint32(200) & FTYPE_V4) enabled.add("ftype");
    return { enabled, unknown: false };
  }
  enabled.add("crc");
  const readOnly = view.getUint32(212), incompatible = view.getUint32(216);
  RO_COMPAT.forEach((feature, bit) => {
    if (readOnly & (1 << bit)) enabled.add(feature);
  });
  INCOMPAT.forEach((feature, bit) => {
    if (feature && incompatible & (1 << bit)) enabled.add(feature);
  });
  const unknown = readOnly >>> RO_COMPAT.length !== 0 || incompatible >>> INCOMPAT.length !== 0;
  return { enabled, unknown };
}

function isKnown(feature: XfsFeature, usage: string): boolean {
  return feature === "ascii-ci" ? /version=\S*\bci\b/.test(usage) : usage.includes(`${feature}=`);
}

/** mkfs.xfs(8), -i maxpct */
function usualInodePercent(sizeBytes: number): number {
  const TIB = 2 ** 40;
  return sizeBytes < TIB ? 25 : sizeBytes < 50 * TIB ? 5 : 1;
}
