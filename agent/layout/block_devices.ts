/** Parses the block devices of a live machine, as lsblk(8) prints them. */
import { z } from "zod";

export interface Device {
  /** "sda2", "md127"; of device mapper its own name: "vg0-root". */
  readonly name: string;
  /** "dm-3" */
  readonly kernelName: string;
  readonly path: string;
  /** "254:1" */
  readonly number: string;
  /** lsblk's type: disk, part, loop, rom, lvm, crypt, raid1 … */
  readonly type: string;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly foreign: boolean;
  /** Names of all devices below it, nearest first. */
  readonly below: readonly string[];
}

/** Not -O: FSSIZE, FSUSED and others query the mounted file systems, and one may never answer. */
export const LSBLK = ["lsblk", "-J", "-b", "-o", "NAME,KNAME,MAJ:MIN,TYPE,SIZE,LOG-SEC,RM,TRAN"] as const;

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

/** Parses the output of `LSBLK`. A device on several others (RAID) appears once, with all of them below it. */
export function parseLsblk(json: string): Device[] {
  const { blockdevices } = z.object({ blockdevices: z.array(LsblkNode) }).parse(JSON.parse(json));
  const devices = new Map<string, Device>();
  const visit = (node: LsblkNode, below: readonly string[], foreign: boolean) => {
    const seen = devices.get(node.kname);
    // removable and USB disks are not the machine's own, nor is compressed memory; a mirror may have one leg of such
    const alien = foreign || node.rm || node.tran === "usb" || /^z?ram\d/.test(node.kname);
    const plugged = alien && (seen?.foreign ?? true);
    devices.set(node.kname, {
      name: node.name,
      kernelName: node.kname,
      path: node.kname === node.name ? `/dev/${node.kname.replaceAll("!", "/")}` : `/dev/mapper/${node.name}`,
      number: node["maj:min"],
      type: node.type,
      sizeBytes: node.size,
      sectorBytes: node["log-sec"],
      foreign: plugged,
      below: [...new Set([...(seen?.below ?? []), ...below])],
    });
    for (const child of node.children ?? []) visit(child, [node.name, ...below], alien);
  };
  for (const node of blockdevices) visit(node, [], false);
  return [...devices.values()];
}

/** Whether it is a disk by itself; lsblk calls what bcache, DRBD and the like make of other devices a disk, too. */
export function isWholeDisk({ type, below }: Device, diskTypes: readonly string[]): boolean {
  return diskTypes.includes(type) && below.length === 0;
}

/**
 * The devices as if each disk with several paths had only one: what device mapper makes of the paths takes their place,
 * under the name of the first.
 */
export function withOnePath(devices: readonly Device[]): Device[] {
  const names = new Map<string, string>(), gone = new Set<string>();
  for (const { name, type, below } of devices) {
    const [first] = below;
    if (type !== "mpath" || first === undefined) continue;
    for (const path of below) gone.add(path);
    for (const one of [name, ...below]) names.set(one, first);
  }
  if (names.size === 0) return [...devices];
  const isOfPath = ({ name, type, below: [first = ""] }: Device) =>
    gone.has(name) || type === "part" && gone.has(first);
  return devices.filter((device) => !isOfPath(device)).map((device) =>
    device.type === "mpath"
      ? { ...device, name: names.get(device.name) ?? device.name, type: "disk", below: [] }
      : { ...device, below: [...new Set(device.below.map((name) => names.get(name) ?? name))] }
  );
}

/** 2 for "/dev/sda2" on "/dev/sda", for "/dev/nvme0n1p2", and for what kpartx(8) and udev call "/dev/mapper/mpatha-part2". */
export function partitionNumber(path: string, disk: string): number | undefined {
  const number = path.startsWith(disk) ? /^(?:-part|p)?(\d+)$/.exec(path.slice(disk.length))?.[1] : undefined;
  return number === undefined ? undefined : Number(number);
}

/**
 * The devices as if snapshots in memory did not stand in for some of them. `snapshots`: "/dev/dm-0" for "/dev/sda2";
 * with each goes the loop device that keeps what is written to it.
 */
export function withoutSnapshots(
  devices: readonly Device[],
  snapshots: ReadonlyMap<string, string>,
): Device[] {
  const gone = new Set<string>();
  for (const device of devices) {
    const path = snapshots.get(`/dev/${device.kernelName}`);
    const origin = devices.find((d) => d.path === path);
    if (origin === undefined) continue;
    const stays = new Set([origin.name, ...origin.below]);
    for (const name of [device.name, ...device.below]) if (!stays.has(name)) gone.add(name);
  }
  return devices.filter(({ name }) => !gone.has(name))
    .map((device) => ({ ...device, below: device.below.filter((name) => !gone.has(name)) }));
}
