/** Describes a logical volume for the layout, with its hidden parts folded into it: lvmraid(7), lvmthin(7). Pure. */
import type { LogicalVolume } from "#contract/format/volumes.ts";
import type { LvmGroup, LvmLogical, LvmSegment } from "./report.ts";

/** Kinds that are not rebuilt, by a word of lv_layout or of lv_role, and what to do. */
const UNBUILT: readonly [word: string, obstacle: string][] = [
  ["cache", "it has a cache: lvconvert --uncache removes it without loss"],
  ["writecache", "it has a write cache: lvconvert --uncache removes it without loss"],
  ["vdo", "VDO volumes are not rebuilt: move its content to another logical volume"],
  ["raid0", "raid0 volumes are not rebuilt: lvconvert --type striped changes it in place"],
  ["raid0_meta", "raid0 volumes are not rebuilt: lvconvert --type striped changes it in place"],
  ["integrity", "raid volumes with integrity are not rebuilt: lvconvert --raidintegrity n removes it"],
  ["error", "it lies on the error target: remove it"],
  ["zero", "it lies on the zero target: remove it"],
];

type Parts = Pick<LvmGroup, "physical" | "logical" | "segments">;

/** A snapshot of the old kind, which keeps what changes in a space of its own; those of a thin pool are volumes. */
export function isSnapshot({ lv_layout, lv_role }: LvmLogical): boolean {
  return lv_role.includes("snapshot") && !lv_layout.includes("thin");
}

export function describeLogical(volume: LvmLogical, parts: Parts): LogicalVolume {
  const segments = segmentsOf(volume, parts);
  const type = typeOf(volume, segments);
  const obstacle = obstacleOf(volume, { type, parts });
  const on = type === "thin" ? [] : [...placesOf(volume, parts)].sort((a, b) => a - b);
  return {
    name: volume.lv_name,
    uuid: volume.lv_uuid,
    type: obstacle === undefined ? type : "other",
    sizeBytes: volume.lv_size,
    ...shapeOf(type, { volume, segments, parts }),
    ...(type === "thin" && volume.pool_lv !== "" && { pool: volume.pool_lv }),
    ...(on.length > 0 && { on }),
    ...(volume.lv_tags.length > 0 && { tags: volume.lv_tags }),
    ...(obstacle !== undefined && { obstacle }),
  };
}

function segmentsOf({ lv_uuid }: LvmLogical, { segments }: Parts): LvmSegment[] {
  return segments.filter((segment) => segment.lv_uuid === lv_uuid);
}

function typeOf({ lv_layout }: LvmLogical, segments: readonly LvmSegment[]): LogicalVolume["type"] {
  if (lv_layout.includes("thin")) return lv_layout.includes("pool") ? "thin-pool" : "thin";
  const segment = segments[0]?.segtype ?? "";
  // variants of raid5 and raid6 place the parity differently: "raid5_ls", "raid6_zr"
  const raid = /^raid(?:1|4|5|6|10)(?=_|$)/.exec(segment)?.[0];
  if (raid !== undefined) return raid as LogicalVolume["type"];
  if (segment === "mirror") return "mirror";
  // extended volumes may be striped in parts, in various ways
  const ways = new Set(
    segments.map(({ segtype, stripes, stripe_size }) => `${segtype} ${stripes} ${stripe_size}`),
  );
  if (ways.size === 1 && segment === "striped") return "striped";
  return segments.length > 0 && segments.every(({ segtype }) => /^(linear|striped)$/.test(segtype))
    ? "linear"
    : "other";
}

function shapeOf(
  type: LogicalVolume["type"],
  { volume, segments: [segment], parts }: {
    volume: LvmLogical;
    segments: readonly LvmSegment[];
    parts: Parts;
  },
): Partial<LogicalVolume> {
  if (segment === undefined) return {};
  const stripeBytes = segment.stripe_size >= 512 ? { stripeBytes: segment.stripe_size } : {};
  switch (type) {
    case "striped":
      return { stripes: segment.stripes, ...stripeBytes };
    case "mirror":
    case "raid1":
      return { copies: Math.max(2, segment.stripes) };
    case "raid4":
    case "raid5":
    case "raid6":
      return { stripes: Math.max(1, segment.data_stripes), ...stripeBytes };
    case "raid10": {
      // LVM counts the copies among its data stripes
      const copies = Math.max(2, segment.data_copies);
      return { copies, stripes: Math.max(1, Math.floor(segment.stripes / copies)), ...stripeBytes };
    }
    case "thin-pool": {
      const [data] = hiddenOf(segment, parts).flatMap((part) => segmentsOf(part, parts));
      const isStriped = data?.segtype === "striped" && data.stripes > 1;
      return {
        metadataBytes: volume.lv_metadata_size,
        chunkBytes: segment.chunk_size,
        zeroes: /^(zero|1|yes)$/.test(segment.zero),
        ...(isStriped && { stripes: data.stripes, stripeBytes: data.stripe_size }),
      };
    }
    default:
      return {};
  }
}

/** "root_rimage_0(0),root_rimage_1(0)" or "/dev/sda3(25)": names or paths, each with its first extent. */
function namesIn(devices: string): string[] {
  return devices.split(",").map((device) => device.replace(/\(\d+\)$/, "")).filter((name) => name !== "");
}

function hiddenOf({ devices }: LvmSegment, { logical }: Parts): LvmLogical[] {
  const names = new Set(namesIn(devices).map((name) => name.replace(/^\[(.*)\]$/, "$1")));
  return logical.filter(({ lv_name }) => names.has(lv_name.replace(/^\[(.*)\]$/, "$1")));
}

/** Indexes of the physical volumes below it, through hidden parts. */
function placesOf(volume: LvmLogical, parts: Parts, depth = 0): Set<number> {
  const places = new Set<number>();
  for (const segment of segmentsOf(volume, parts)) {
    for (const name of namesIn(segment.devices)) {
      const index = parts.physical.findIndex(({ pv_name }) => pv_name === name);
      if (index >= 0) places.add(index);
    }
    if (depth > MAX_DEPTH) continue;
    for (const part of hiddenOf(segment, parts)) {
      if (part !== volume) { for (const place of placesOf(part, parts, depth + 1)) places.add(place); }
    }
  }
  return places;
}
const MAX_DEPTH = 8;

function obstacleOf(
  volume: LvmLogical,
  { type, parts }: { type: LogicalVolume["type"]; parts: Parts },
): string | undefined {
  if (isSnapshot(volume)) return `it is a snapshot of ${volume.origin}: unmount it before the capture`;
  const segments = segmentsOf(volume, parts);
  const hidden = segments.flatMap((segment) => hiddenOf(segment, parts));
  const words = new Set([
    ...volume.lv_layout,
    ...segments.map(({ segtype }) => segtype),
    ...hidden.flatMap((part) => segmentsOf(part, parts).map(({ segtype }) => segtype)),
  ]);
  for (const [word, obstacle] of UNBUILT) if (words.has(word)) return obstacle;
  if (type === "thin-pool" && [...words].some((word) => /^(raid|mirror)/.test(word))) {
    return "its pool lies on a raid volume, which is not rebuilt: lvconvert --mirrors 0 on its hidden part";
  }
  return type === "other" ? `volumes of the kind ${[...words].join(" ")} are not rebuilt` : undefined;
}
