/** Names of MD arrays, LUKS and LVM volumes below /dev, and what such a volume lies on. Pure. */
import type { DiskLayout, Volume } from "#contract/format/layout.ts";

interface NamedVolume {
  readonly volume: Volume;
  /** Whether a clone's volume has the same name: kernel names of arrays depend on the order of their assembly. */
  readonly lasts: boolean;
}

/** udev's links by the names and UUIDs of device-mapper volumes, arrays and physical volumes. */
const ID_LINK = /^\/dev\/disk\/by-id\/(dm-name|dm-uuid|md-name|md-uuid|lvm-pv-uuid)-(.+)$/;

/** Undefined: the name is of another kind. "unknown": it is of this kind, but no captured volume has it. */
export function namedVolume(name: string, layout: DiskLayout): NamedVolume | "unknown" | undefined {
  const [, kind, value] = ID_LINK.exec(name) ?? [];
  if (kind !== undefined && value !== undefined) {
    const volume = linked(kind, { value, layout });
    return volume ? { volume, lasts: true } : "unknown";
  }
  return arrayNamed(name, layout) ?? mappedAs(name, layout);
}

function linked(kind: string, { value, layout }: { value: string; layout: DiskLayout }): Volume | undefined {
  switch (kind) {
    case "dm-name":
      return mapped(value, layout);
    case "dm-uuid":
      return withMapperUuid(value, layout);
    case "md-name":
      return arrayOf(layout.arrays?.find(({ superblockName }) => superblockName === value));
    case "md-uuid":
      return arrayOf(layout.arrays?.find(({ uuid }) => uuid === value));
    default:
      return layout.groups?.flatMap(({ physical }) => physical).find(({ uuid }) => uuid === value)?.volume;
  }
}

function arrayOf(array: { name: string } | undefined): Volume | undefined {
  return array && { kind: "md", name: array.name };
}

/** "LVM-" and the UUIDs of group and volume without hyphens; "CRYPT-LUKS2-", the UUID and the name. */
function withMapperUuid(value: string, layout: DiskLayout): Volume | undefined {
  const plain = (uuid: string) => uuid.replaceAll("-", "");
  for (const { uuid, name: group, logical } of layout.groups ?? []) {
    const found = logical.find((lv) => value === `LVM-${plain(uuid)}${plain(lv.uuid)}`);
    if (found) return { kind: "lv", group, name: found.name };
  }
  const luks = layout.encrypted?.find((e) => value === `CRYPT-LUKS${e.version}-${plain(e.uuid)}-${e.name}`);
  return luks && { kind: "luks", name: luks.name };
}

/** "/dev/md127", "/dev/md/boot", "/dev/md/host:boot" */
function arrayNamed(name: string, { arrays = [] }: DiskLayout): NamedVolume | "unknown" | undefined {
  const [, long, short] = /^\/dev\/md(?:\/(.+)|(\d+))$/.exec(name) ?? [];
  if (long === undefined && short === undefined) return undefined;
  const found = arrays.find((array) =>
    long === undefined
      ? array.name === `md${short}` || array.name === short
      : [array.name, array.name.replace(/^md/, ""), array.superblockName].includes(long)
  );
  // a host's name other than that of the superblock makes it a "foreign" array, with another name
  return found ? { volume: { kind: "md", name: found.name }, lasts: false } : "unknown";
}

/** "/dev/mapper/vg-lv", "/dev/vg/lv". Other names below /dev/mapper are of volumes made from files, such as crypttab. */
function mappedAs(name: string, layout: DiskLayout): NamedVolume | undefined {
  const [, below] = /^\/dev\/mapper\/([^/]+)$/.exec(name) ?? [];
  const [, group, logical] = /^\/dev\/([^/]+)\/([^/]+)$/.exec(name) ?? [];
  const volume = below === undefined
    ? logicalVolume(layout, (g, lv) => g === group && lv === logical)
    : mapped(below, layout);
  return volume && { volume, lasts: true };
}

function mapped(name: string, layout: DiskLayout): Volume | undefined {
  const doubled = (text: string) => text.replaceAll("-", "--");
  return layout.encrypted?.some((e) => e.name === name)
    ? { kind: "luks", name }
    : logicalVolume(layout, (group, lv) => name === `${doubled(group)}-${doubled(lv)}`);
}

function logicalVolume(
  { groups = [] }: DiskLayout,
  isMeant: (group: string, name: string) => boolean,
): Volume | undefined {
  for (const { name: group, logical } of groups) {
    const found = logical.find(({ name }) => isMeant(group, name));
    if (found) return { kind: "lv", group, name: found.name };
  }
  return undefined;
}

/** The UUIDs of what is between disks and file systems, which blkid(8) and udev show like those of file systems. */
export function volumeUuids(
  { arrays = [], encrypted = [], groups = [] }: DiskLayout,
): ReadonlyMap<string, Volume> {
  return new Map([
    ...arrays.flatMap(({ uuid, members }) => members.map((v): [string, Volume] => [hyphenated(uuid), v])),
    ...encrypted.map(({ uuid, on }): [string, Volume] => [uuid.toLowerCase(), on]),
    ...groups.flatMap(({ physical }) =>
      physical.map((p): [string, Volume] => [p.uuid.toLowerCase(), p.volume])
    ),
  ]);
}

/** mdadm's four words of eight digits in blkid's form. */
function hyphenated(uuid: string): string {
  const digits = uuid.replaceAll(":", "").toLowerCase();
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
