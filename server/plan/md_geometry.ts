/**
 * Sizes of MD arrays with metadata 1.x, as mdadm(8) 4.2 and the kernel's drivers/md compute them. Pure. An array on
 * other disks keeps the template's use of its members unless these have more or less room.
 */
import type { MdArray } from "#contract/format/volumes.ts";

const SECTOR = 512, KIB = 1024, MIB = 1 << 20, GIB = 1024 * MIB;
/** Members of levels without chunks are cut to multiples of this. */
const GRANULE = 64 * KIB;

/** Levels and metadata that are made on a clone. */
export const MD_LEVELS = ["raid0", "raid1", "raid4", "raid5", "raid6", "raid10"];
export const MD_METADATA = ["1.0", "1.1", "1.2"];

type Shape = Pick<MdArray, "level" | "slots" | "chunkBytes" | "layout">;

/** Bytes of the array whose members each give `memberBytes`. Not for raid0, whose members may differ. */
export function arrayBytes({ level, slots, chunkBytes, layout }: Shape, memberBytes: number): number {
  const whole = chunkBytes > 0 ? Math.floor(memberBytes / chunkBytes) * chunkBytes : memberBytes;
  switch (level) {
    case "raid1":
      return memberBytes;
    case "raid4":
    case "raid5":
      return whole * (slots - 1);
    case "raid6":
      return whole * (slots - 2);
    case "raid10": {
      const { near, far } = raid10Copies(layout);
      return Math.floor(Math.floor(whole / chunkBytes / far) * slots / near) * chunkBytes;
    }
    default:
      return whole * slots;
  }
}

/** The least that each member has to give for an array of this size. */
export function memberBytesFor(shape: Shape, bytes: number): number {
  const { level, slots, chunkBytes, layout } = shape;
  const granule = chunkBytes || GRANULE;
  const up = (value: number) => Math.ceil(value / granule) * granule;
  switch (level) {
    case "raid1":
      return up(bytes);
    case "raid4":
    case "raid5":
      return up(bytes / (slots - 1));
    case "raid6":
      return up(bytes / (slots - 2));
    case "raid10": {
      const { near, far } = raid10Copies(layout);
      return Math.ceil(Math.ceil(bytes / chunkBytes) * near / slots) * far * chunkBytes + far * chunkBytes;
    }
    default:
      return up(bytes / slots);
  }
}

/** How many members may be missing while all data is there. */
export function redundancyOf({ level, slots, layout }: Pick<MdArray, "level" | "slots" | "layout">): number {
  switch (level) {
    case "raid1":
      return slots - 1;
    case "raid4":
    case "raid5":
      return 1;
    case "raid6":
      return 2;
    case "raid10": {
      const { near, far } = raid10Copies(layout);
      return near * far - 1;
    }
    default:
      return 0;
  }
}

/** md(4): "near=2", "far=2", "offset=2"; mdadm's default is near=2. Undefined if it is none of these. */
export function parseRaid10(layout: string | undefined): { near: number; far: number } | undefined {
  if (layout === undefined) return { near: 2, far: 1 };
  const match = /^(near|far|offset)=([1-9]\d?)$/.exec(layout);
  if (!match) return undefined;
  const copies = Number(match[2]);
  return match[1] === "near" ? { near: copies, far: 1 } : { near: 1, far: copies };
}

function raid10Copies(layout: string | undefined): { near: number; far: number } {
  return parseRaid10(layout) ?? { near: 2, far: 1 };
}

/** Room for the bitmap: choose_bm_space() in mdadm's super1.c. */
function bitmapRoom(bytes: number): number {
  if (bytes < 64 * KIB) return 0;
  if (bytes - 64 * KIB >= 200 * GIB) return 64 * KIB;
  return bytes - 4 * KIB > 8 * GIB ? 32 * KIB : 2 * KIB;
}

/** Where data begins with metadata 1.1 and 1.2: validate_geometry1() in super1.c. */
function usualOffset(bytes: number, chunkBytes: number): number {
  let headroom = 128 * MIB;
  while (headroom * 1024 > bytes && (chunkBytes === 0 || headroom > chunkBytes)) {
    headroom = Math.floor(headroom / SECTOR / 2) * SECTOR;
    if (headroom === 0) break;
  }
  return Math.ceil((12 * KIB + bitmapRoom(bytes) + headroom) / MIB) * MIB;
}

/** The room of a member of this size, and where it begins. Negative if there is none. */
function memberRoom(
  { metadata, chunkBytes }: Pick<MdArray, "metadata" | "chunkBytes">,
  bytes: number,
): { readonly roomBytes: number; readonly dataAtBytes?: number } {
  if (metadata === "1.0") {
    const whole = Math.floor(bytes / (4 * KIB)) * 4 * KIB;
    return { roomBytes: whole - 12 * KIB - bitmapRoom(bytes) };
  }
  const dataAtBytes = usualOffset(bytes, chunkBytes);
  return { roomBytes: bytes - dataAtBytes, dataAtBytes };
}

/** A member here and on the template, in bytes. */
interface MemberSize {
  readonly bytes: number;
  readonly before: number;
}

interface ArraySize {
  /** Of one member: the smallest. */
  readonly memberBytes: number;
  readonly dataAtBytes?: number;
  readonly sizeBytes: number;
}

/** The array on members of these sizes; its own may come out as 0 or less. */
export function sizeArray(
  array: Pick<MdArray, "level" | "metadata" | "slots" | "chunkBytes" | "layout" | "memberBytes">,
  members: readonly MemberSize[],
): ArraySize {
  const dataAtBytes = offsetOf(array, members);
  const roomOf = (bytes: number) =>
    dataAtBytes === undefined ? memberRoom(array, bytes).roomBytes : bytes - dataAtBytes;
  const at = dataAtBytes === undefined ? {} : { dataAtBytes };
  const cut = (bytes: number) => {
    const granule = array.chunkBytes || GRANULE;
    return Math.floor(bytes / granule) * granule;
  };
  if (array.level === "raid0") {
    const rooms = members.map(({ bytes }) => cut(roomOf(bytes)));
    return { ...at, memberBytes: Math.min(...rooms), sizeBytes: rooms.reduce((sum, room) => sum + room, 0) };
  }
  const most = Math.min(...members.map(({ bytes, before }) =>
    // a template that uses a part of its members keeps that difference
    Math.min(roomOf(bytes), array.memberBytes + Math.max(0, bytes - before))
  ));
  const memberBytes = most === array.memberBytes ? most : usedOf(array, cut(most));
  return { ...at, memberBytes, sizeBytes: arrayBytes(array, memberBytes) };
}

/** What the kernel uses of a member that gives so much: calc_sectors() in drivers/md/raid10.c. */
function usedOf({ level, slots, chunkBytes, layout }: Shape, memberBytes: number): number {
  if (level !== "raid10") return memberBytes;
  const { near, far } = raid10Copies(layout);
  const chunks = arrayBytes({ level, slots, chunkBytes, layout }, memberBytes) / chunkBytes;
  return Math.ceil(chunks * near * far / slots) * chunkBytes;
}

/** mdadm's own choice, or the template's if that left less room before the data. */
function offsetOf(
  array: Pick<MdArray, "metadata" | "chunkBytes" | "level" | "memberBytes">,
  members: readonly MemberSize[],
): number | undefined {
  const usual = members.flatMap(({ bytes }) => memberRoom(array, bytes).dataAtBytes ?? []);
  if (usual.length === 0) return undefined;
  const spare = array.level === "raid0" || array.memberBytes === 0
    ? Infinity
    : Math.floor(Math.min(...members.map(({ before }) => before - array.memberBytes)) / MIB) * MIB;
  return Math.max(MIB, Math.min(Math.max(...usual), spare));
}

/** The least size of a member that gives `memberBytes`. */
export function memberVolumeBytes(
  array: Pick<MdArray, "metadata" | "chunkBytes">,
  memberBytes: number,
): number {
  let bytes = memberBytes;
  // the reserved room grows with the member
  for (let tries = 0; tries < 4; tries++) {
    const { roomBytes } = memberRoom(array, bytes);
    if (roomBytes >= memberBytes) break;
    bytes += memberBytes - roomBytes;
  }
  return Math.ceil(bytes / MIB) * MIB;
}
