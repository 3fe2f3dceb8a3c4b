/** Which MD arrays, LUKS volumes and LVM groups cannot be rebuilt, and why. Pure. */
import { describeVolume } from "#contract/format/layout.ts";
import type { Encrypted, LogicalVolume, MdArray, VolumeGroup } from "#contract/format/volumes.ts";
import { extentStep, imagesOf } from "./allocate_extents.ts";
import { arrayBytes, MD_LEVELS, MD_METADATA, parseRaid10, redundancyOf } from "./md_geometry.ts";
import type { Obstacle } from "./obstacle.ts";
import { extentsIn } from "./size_group.ts";
import { sectorBytesOf, type VolumeTree } from "./tree.ts";

const CHANGE = "change that on the template, and capture it again.";
const AGAIN = "capture it again.";
const LUKS_LEAST_BYTES = 32 << 20;

export function arrayObstacles(array: MdArray, tree: VolumeTree): Obstacle[] {
  const { name, level, metadata, obstacle } = array;
  const say = (what: string, remedy = CHANGE): Obstacle[] => [{
    reason: `its MD array ${name} ${what}.`,
    remedy,
  }];
  if (obstacle !== undefined) return say(`cannot be reproduced: ${obstacle}`);
  if (!MD_LEVELS.includes(level)) {
    return say(
      `has the level ${level}, which this version does not rebuild`,
      "capture a template with RAID 0, 1, 4, 5, 6 or 10.",
    );
  }
  if (!MD_METADATA.includes(metadata)) {
    return say(
      `has metadata ${metadata}, which this version does not rebuild`,
      "capture a template whose arrays have metadata 1.0, 1.1 or 1.2.",
    );
  }
  const wrong = arrayContradiction(array, tree);
  return wrong === undefined ? [] : say(wrong, AGAIN);
}

function arrayContradiction(array: MdArray, tree: VolumeTree): string | undefined {
  const { level, slots, members, spares, chunkBytes, layout, writeMostly = [], memberBytes } = array;
  const least = { raid0: 1, raid1: 1, raid4: 2, raid5: 2, raid6: 4, raid10: 2 }[level] ?? 1;
  if (slots < least) return `has ${slots} slots, and ${level} needs ${least}`;
  if (members.length > slots) return "has more members than slots";
  if (slots - members.length > redundancyOf(array)) return "lacks more members than its level allows";
  if (spares.length > 0 && redundancyOf(array) === 0) return "has spares that its level cannot use";
  if (level !== "raid1" && (chunkBytes < 4096 || (chunkBytes & (chunkBytes - 1)) !== 0)) {
    return `has chunks of ${chunkBytes} bytes`;
  }
  if (level === "raid10") {
    const copies = parseRaid10(layout);
    if (copies === undefined) return `has the layout ${layout}, which no RAID 10 has`;
    if (copies.near * copies.far > slots) return "has more copies than slots";
  }
  const names = new Set(members.map(describeVolume));
  if (writeMostly.some((volume) => !names.has(describeVolume(volume)))) {
    return "spares a member it does not have";
  }
  if (level === "raid0") return undefined;
  const small = members.find((member) => (tree.sizeOf(member) ?? 0) < memberBytes);
  if (small) return `uses more of ${describeVolume(small)} than there is`;
  return arrayBytes(array, memberBytes) < array.sizeBytes ? "is larger than its members" : undefined;
}

export function encryptionObstacles(
  { name, on, obstacle, sectorBytes, sizeBytes }: Encrypted,
  tree: VolumeTree,
): Obstacle[] {
  const say = (what: string, remedy = AGAIN): Obstacle[] => [{
    reason: `its LUKS volume ${name} ${what}.`,
    remedy,
  }];
  if (obstacle !== undefined) return say(`cannot be reproduced: ${obstacle}`, CHANGE);
  if (![512, 1024, 2048, 4096].includes(sectorBytes)) return say(`has sectors of ${sectorBytes} bytes`);
  const room = tree.sizeOf(on) ?? 0;
  if (sizeBytes <= 0 || sizeBytes > room) return say(`is not as large as ${describeVolume(on)} allows`);
  return room < LUKS_LEAST_BYTES
    ? say("lies on less than 32 MiB, and LUKS2 needs half of that for itself", CHANGE)
    : [];
}

export function groupObstacles(group: VolumeGroup, tree: VolumeTree): Obstacle[] {
  const { name, extentBytes, physical, logical, obstacle } = group;
  const say = (what: string, remedy: string): Obstacle => ({
    reason: `its LVM group ${name} ${what}.`,
    remedy,
  });
  if (obstacle !== undefined) return [say(`cannot be reproduced: ${obstacle}`, CHANGE)];
  // vgcreate(8): a power of two from 1 KiB, or a multiple of 128 KiB
  const isPower = extentBytes >= 1024 && 2 ** Math.round(Math.log2(extentBytes)) === extentBytes;
  if (!isPower && extentBytes % (128 * 1024) !== 0) {
    return [say(`has extents of ${extentBytes} bytes`, AGAIN)];
  }
  const ofDisk = (number: number) => tree.layout.disks[number]?.sectorBytes ?? 512;
  const sectors = new Set(physical.map(({ volume }) => sectorBytesOf(volume, { tree, ofDisk })));
  if (sectors.size > 1) {
    return [say(
      `lies on disks with sectors of different sizes (${[...sectors].join(" and ")} bytes)`,
      "capture a template whose groups lie on disks with sectors of one size.",
    )];
  }
  const unlike = logical.flatMap((lv) => logicalObstacles(lv, group));
  if (unlike.length > 0) return unlike;
  const room = physical.reduce(
    (sum, one) => sum + extentsIn(one, { bytes: tree.sizeOf(one.volume) ?? 0, extentBytes }),
    0,
  );
  // without metadata and spares, which a template may have elsewhere or not at all
  const taken = logical.filter(({ type }) => type !== "thin").reduce(
    (sum, lv) => sum + imagesOf(lv) * lv.sizeBytes / extentBytes / extentStep(lv),
    0,
  );
  return taken > room ? [say("is larger than its physical volumes", AGAIN)] : [];
}

function logicalObstacles(lv: LogicalVolume, { name: group, extentBytes, physical, logical }: VolumeGroup) {
  const say = (what: string, remedy = AGAIN): Obstacle[] => [{
    reason: `its LVM volume ${group}/${lv.name} ${what}.`,
    remedy,
  }];
  if (lv.obstacle !== undefined) return say(`cannot be reproduced: ${lv.obstacle}`, CHANGE);
  if (lv.type === "other") return say("is of a kind that this version does not rebuild", CHANGE);
  if (lv.sizeBytes <= 0) return say("has no size");
  if (lv.type === "thin") {
    return logical.some((pool) => pool.name === lv.pool && pool.type === "thin-pool")
      ? []
      : say("lies in a pool that is not there");
  }
  if (lv.sizeBytes % (extentBytes * extentStep(lv)) !== 0) {
    return say("has a size that its extents and stripes do not give");
  }
  if (imagesOf(lv) > physical.length) {
    return say(
      `keeps ${imagesOf(lv)} parts on ${physical.length} physical volumes`,
      "give each part a physical volume of its own on the template, and capture it again.",
    );
  }
  if (lv.on?.some((on) => on >= physical.length)) return say("lies on a physical volume that is not there");
  const { stripeBytes } = lv;
  if (stripeBytes !== undefined && (stripeBytes > extentBytes || (stripeBytes & (stripeBytes - 1)) !== 0)) {
    return say(`has stripes of ${stripeBytes} bytes`);
  }
  if (lv.type === "thin-pool" && (lv.chunkBytes ?? 65_536) < 65_536) {
    return say(`has chunks of ${lv.chunkBytes} bytes`);
  }
  return [];
}
