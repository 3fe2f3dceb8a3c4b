/** Block devices of a live machine, out of `lsblk -J -b -O`, and the mounts on them, out of `findmnt -J -b -v`. */
import { z } from "zod";

export interface Device {
  readonly name: string;
  readonly path: string;
  /** "254:1" */
  readonly number: string;
  /** lsblk's word: disk, part, loop, rom, lvm, crypt, raid1 … */
  readonly type: string;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly foreign: boolean;
  /** Names of all that it lies on, nearest first. */
  readonly below: readonly string[];
}

export interface MountedFileSystem {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly number: string;
  /** Which part of the file system is mounted: "/" unless it is a bind mount or a subvolume. */
  readonly part: string;
}

// util-linux before 2.33 prints numbers and booleans as strings
const number = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number), z.null()])
  .transform((n) => n ?? 0);
const flag = z.union([z.boolean(), z.enum(["0", "1"]).transform((s) => s === "1"), z.null()])
  .transform((b) => b ?? false);

interface LsblkNode {
  readonly name: string;
  readonly kname: string;
  readonly "maj:min": string;
  readonly type: string;
  readonly size: number;
  readonly "log-sec": number;
  readonly rm: boolean;
  readonly tran?: string | null | undefined;
  readonly children?: readonly LsblkNode[] | undefined;
}

const LsblkNode: z.ZodType<LsblkNode> = z.object({
  name: z.string(),
  kname: z.string(),
  "maj:min": z.string().trim(),
  type: z.string(),
  size: number,
  "log-sec": number,
  rm: flag,
  tran: z.string().nullish(),
  get children() {
    return z.array(LsblkNode).optional();
  },
});

/** Parses `lsblk -J -b -O`; a device that lies on several others (RAID) comes once, with all of them below it. */
export function parseLsblk(json: string): Device[] {
  const { blockdevices } = z.object({ blockdevices: z.array(LsblkNode) }).parse(JSON.parse(json));
  const devices = new Map<string, Device>();
  const visit = (node: LsblkNode, below: readonly string[], foreign: boolean) => {
    const seen = devices.get(node.kname);
    // a machine's own disk stays in it: not what a person plugged in
    const plugged = foreign || node.rm || node.tran === "usb";
    devices.set(node.kname, {
      name: node.name,
      path: node.kname === node.name ? `/dev/${node.kname.replaceAll("!", "/")}` : `/dev/mapper/${node.name}`,
      number: node["maj:min"],
      type: node.type,
      sizeBytes: node.size,
      sectorBytes: node["log-sec"],
      foreign: plugged,
      below: [...new Set([...(seen?.below ?? []), ...below])],
    });
    for (const child of node.children ?? []) visit(child, [node.name, ...below], plugged);
  };
  for (const node of blockdevices) visit(node, [], false);
  return [...devices.values()];
}

interface FindmntNode {
  readonly source: string;
  readonly target: string;
  readonly fstype: string;
  readonly options: string;
  readonly size: number;
  readonly used: number;
  readonly "maj:min": string;
  readonly fsroot: string;
  readonly children?: readonly FindmntNode[] | undefined;
}

const FindmntNode: z.ZodType<FindmntNode> = z.object({
  source: z.string().nullable().transform((s) => s ?? ""),
  target: z.string(),
  fstype: z.string(),
  options: z.string(),
  size: number,
  used: number,
  "maj:min": z.string().trim(),
  fsroot: z.string(),
  get children() {
    return z.array(FindmntNode).optional();
  },
});

export const FINDMNT_COLUMNS = "SOURCE,TARGET,FSTYPE,OPTIONS,SIZE,USED,MAJ:MIN,FSROOT";

/** Parses `findmnt -J -b -v -o ${FINDMNT_COLUMNS}`; in the order in which they were mounted. */
export function parseFindmnt(json: string): MountedFileSystem[] {
  const { filesystems } = z.object({ filesystems: z.array(FindmntNode) }).parse(JSON.parse(json));
  const flat: MountedFileSystem[] = [];
  const visit = (node: FindmntNode) => {
    flat.push({
      source: node.source,
      target: node.target,
      type: node.fstype,
      options: node.options,
      sizeBytes: node.size,
      usedBytes: node.used,
      number: node["maj:min"],
      part: node.fsroot,
    });
    node.children?.forEach(visit);
  };
  filesystems.forEach(visit);
  return flat;
}
