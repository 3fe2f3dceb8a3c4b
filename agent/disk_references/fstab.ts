/** Reads fstab(5): the file systems that belong to a system. Pure. */

export interface FstabEntry {
  /** "UUID=…", "/dev/sda2" */
  readonly spec: string;
  /** Absolute, without a trailing slash. */
  readonly mountPoint: string;
  /** "auto" leaves the choice to mount(8). */
  readonly type: string;
  readonly options: readonly string[];
}

/** A volume as blkid(8) reports it. */
export interface Labelled {
  readonly device: string;
  /** Further paths by which its system refers to it: "/dev/vg0/root". */
  readonly names?: readonly string[] | undefined;
  /** Partition number; undefined for anything else. */
  readonly number: number | undefined;
  /** blkid's TYPE, UUID, LABEL, PART_ENTRY_UUID, PART_ENTRY_NAME. */
  readonly facts: ReadonlyMap<string, string>;
}

/** PATH_MAX of linux/limits.h. */
const MAX_PATH = 4096;

/**
 * Entries for block devices below the root, parents first. Swap, network, memory and bind mounts are skipped.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const [home] = parseFstab("UUID=aa / ext4 defaults\nUUID=bb /home xfs nofail\nUUID=cc none swap sw\n");
 * assert.deepEqual(home, { spec: "UUID=bb", mountPoint: "/home", type: "xfs", options: ["nofail"] });
 * ```
 */
export function parseFstab(text: string): FstabEntry[] {
  const entries = text.split("\n").flatMap((line): FstabEntry[] => {
    const [spec = "", point = "", type = "", options = "defaults"] = line.replace(/^\s*#.*/, "").trim()
      .split(/\s+/).map(unescape);
    // the disk is untrusted: the pattern below would take seconds for a mebibyte of slashes
    if (point.length > MAX_PATH) return [];
    const mountPoint = point.replace(/\/+$/, "");
    if (!/^(\/dev\/|(PART)?(UUID|LABEL)=)/.test(spec) || !/^(\/[^/]+)+$/.test(mountPoint)) return [];
    if (type === "swap" || /(^|,)r?bind(,|$)/.test(options)) return [];
    return [{ spec, mountPoint, type, options: options.split(",") }];
  });
  const depth = ({ mountPoint }: FstabEntry) => mountPoint.split("/").length;
  return entries.sort((a, b) => depth(a) - depth(b));
}

/** Absolute paths of the swap files. */
export function parseSwapFiles(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [spec = "", , type] = line.replace(/^\s*#.*/, "").trim().split(/\s+/).map(unescape);
    return type === "swap" && /^\/(?!dev\/)/.test(spec) ? [spec] : [];
  });
}

/** What a system swaps to, but for files: "UUID=…", "/dev/vg0/swap". */
export function parseSwapSpecs(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [spec = "", , type] = line.replace(/^\s*#.*/, "").trim().split(/\s+/).map(unescape);
    return type === "swap" && /^(\/dev\/|(PART)?(UUID|LABEL)=)/.test(spec) ? [spec] : [];
  });
}

/** Blanks and the like are escaped in octal: "\040". */
function unescape(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

const TAGS: Readonly<Record<string, string>> = {
  "UUID": "UUID",
  "LABEL": "LABEL",
  "PARTUUID": "PART_ENTRY_UUID",
  "PARTLABEL": "PART_ENTRY_NAME",
};
const KERNEL_NAME = /^\/dev\/(?:(?:[hsv]d|xvd)[a-z]+|(?:nvme\d+n|mmcblk)\d+p)(\d+)$/;

/**
 * Finds the volume that an entry means, or says why it cannot. Of a kernel name only the partition number counts, and
 * only if no other disk has such a partition.
 */
export function resolveSpec(
  spec: string,
  volumes: readonly Labelled[],
): { volume: Labelled } | { because: string } {
  const byLink = /^\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/(.+)$/.exec(spec);
  const [, tag, quoted] = byLink
    ? [undefined, byLink[1]?.toUpperCase(), byLink[2]]
    : /^(\w+)=(.*)$/.exec(spec) ??
      [];
  const value = quoted?.replace(/^"(.*)"$/, "$1");
  const named = volumes.find(({ names }) => names?.includes(spec));
  if (named) return { volume: named };
  const number = KERNEL_NAME.exec(spec)?.[1];
  const name = tag === undefined ? undefined : TAGS[tag];
  if (name === undefined && number === undefined) {
    return { because: "no such volume (LVM, RAID …) was found" };
  }
  const isMeant = ({ facts, number: n }: Labelled) =>
    name === undefined ? n === Number(number) : facts.get(name)?.toLowerCase() === value?.toLowerCase();
  const [volume, ...others] = volumes.filter(isMeant);
  if (volume === undefined) return { because: "no disk of this machine has it" };
  if (others.length === 0) return { volume };
  const which = [volume, ...others].map(({ device }) => device).join(", ");
  return { because: `several disks have it: ${which}` };
}
