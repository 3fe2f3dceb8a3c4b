/**
 * An XFS file system, out of its superblock: big-endian, at the start of the device ("XFS Algorithms & Data
 * Structures", chapter 13, Superblocks). xfs_info needs another program in each version of xfsprogs.
 */
import {
  XFS_LEAST_LOG_BYTES,
  type XfsFeature,
  type XfsProperties,
} from "#contract/format/file_system_properties.ts";
import type { Found } from "./found.ts";

export const XFS_SUPERBLOCK_BYTES = 264;
const MAGIC = 0x58465342; // "XFSB"

/** features_ro_compat, features_incompat; `undefined`: no choice of mkfs.xfs. */
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
/** Older than version 5, where they are choices still. */
const VERSION = { number: 0xf, unicase: 0x4000 };
const FTYPE_V4 = 0x200;
const QUOTA_ACCOUNTED = 0x1 | 0x8 | 0x40;

/** `usage`: what mkfs.xfs of the machine prints of itself, by which it is known what it can be told. */
export function parseXfsSuperblock(
  bytes: Uint8Array,
  { usage, sizeBytes }: { usage: string; sizeBytes: number },
): { properties: XfsProperties } & Found {
  if (bytes.length < XFS_SUPERBLOCK_BYTES) throw new RangeError("an XFS superblock that ends too early");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC) throw new RangeError("no XFS superblock");
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
    // 1 stands for none
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
        ? ["usage is counted afresh on a clone, but the limits of its disk quotas are not captured"]
        : [],
      ...properties.logBytes < XFS_LEAST_LOG_BYTES
        ? ["its log is smaller than mkfs.xfs makes one today: a clone's is as large as mkfs.xfs decides"]
        : [],
    ],
    obstacle: view.getBigUint64(48) === 0n
      ? "its log lies on another device"
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
