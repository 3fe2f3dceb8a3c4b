/** Arguments of mkfs.xfs(8) for a file system like the template's, in the available room. Pure. */
import {
  XFS_LEAST_LOG_BYTES,
  type XfsFeature,
  type XfsProperties,
} from "#contract/format/file_system_properties.ts";
import type { FileSystem } from "#contract/format/layout.ts";

type Section = "m" | "i" | "n";

/** Which option each feature belongs to. */
const FEATURES: Readonly<Record<XfsFeature, Section>> = {
  crc: "m",
  finobt: "m",
  rmapbt: "m",
  reflink: "m",
  inobtcount: "m",
  bigtime: "m",
  metadir: "m",
  sparse: "i",
  nrext64: "i",
  exchange: "i",
  ftype: "n",
  parent: "n",
  "ascii-ci": "n",
};

export function mkfsXfsArgv(
  { uuid, label, sizeBytes: before, mkfs: { xfs } }: FileSystem,
  { sizeBytes, sectorBytes }: { sizeBytes: number; sectorBytes: number },
): [string, ...string[]] {
  const own = xfs ? xfsOptions(xfs, { before, sizeBytes, sectorBytes }) : new Map<string, string[]>();
  own.set("m", [...own.get("m") ?? [], ...uuid ? [`uuid=${uuid}`] : []]);
  return [
    "mkfs.xfs",
    "-q",
    "-f",
    ...[...own].flatMap(([section, options]) => options.length > 0 ? [`-${section}`, options.join(",")] : []),
    ...label ? ["-L", label] : [],
  ];
}

function xfsOptions(
  xfs: XfsProperties,
  { before, sizeBytes, sectorBytes }: { before: number; sizeBytes: number; sectorBytes: number },
): Map<string, string[]> {
  // a log must fit into one allocation group: if a smaller file system may lack the room, mkfs.xfs chooses its size
  const keepsLog = xfs.logBytes >= XFS_LEAST_LOG_BYTES &&
    (sizeBytes === before || xfs.logBytes <= sizeBytes / 16);
  const stripe = [`sunit=${xfs.stripeUnitBytes / 512}`, `swidth=${xfs.stripeWidthBytes / 512}`];
  return new Map([
    ["b", [`size=${xfs.blockBytes}`]],
    ["s", [`size=${Math.max(xfs.sectorBytes, sectorBytes)}`]],
    ["m", features(xfs, "m")],
    ["i", [
      `size=${xfs.inodeBytes}`,
      ...xfs.maxInodePercent === undefined ? [] : [`maxpct=${xfs.maxInodePercent}`],
      ...features(xfs, "i"),
    ]],
    ["n", [`size=${xfs.directoryBlockBytes}`, ...features(xfs, "n")]],
    ["l", [
      ...keepsLog ? [`size=${xfs.logBytes}`] : [],
      ...xfs.logStripeBytes > 0 ? [`sunit=${xfs.logStripeBytes / 512}`] : [],
    ]],
    // without a stripe mkfs.xfs takes the disk's; it refuses the zero width that some RAID controllers report
    ["d", isStripe(xfs) ? stripe : []],
  ]);
}

function isStripe({ stripeUnitBytes, stripeWidthBytes }: XfsProperties): boolean {
  return stripeUnitBytes > 0 && stripeWidthBytes >= stripeUnitBytes &&
    stripeWidthBytes % stripeUnitBytes === 0;
}

/** Every feature by name: the defaults of mkfs.xfs change from version to version. */
function features({ enabled, disabled }: XfsProperties, section: Section): string[] {
  const written = (feature: XfsFeature, on: boolean) => {
    if (FEATURES[feature] !== section) return [];
    if (feature === "ascii-ci") return on ? ["version=ci"] : [];
    return [`${feature}=${on ? 1 : 0}`];
  };
  return [
    ...enabled.flatMap((feature) => written(feature, true)),
    ...disabled.flatMap((feature) => written(feature, false)),
  ];
}
