/** Reads what the kernel and mdadm say of an MD array in use: md(4), "Files in sysfs". Nothing waits for its disks. */
import type { Run } from "../../sys/command.ts";
import { firstLine, namesIn } from "../../sys/small_file.ts";

export interface ArrayFacts {
  /** The files of /sys/block/mdN/md by name, with "bitmap/location" and the like; those without a value are absent. */
  readonly files: ReadonlyMap<string, string>;
  readonly members: readonly MemberFacts[];
  /** `mdadm --detail --export`: MD_UUID, MD_NAME, MD_DEVNAME … */
  readonly detail: ReadonlyMap<string, string>;
}

export interface MemberFacts {
  /** "sda3", "dm-1" */
  readonly kernelName: string;
  /** Place in the array; undefined for a spare. */
  readonly slot: number | undefined;
  /** "in_sync", "write_mostly", "faulty", "spare", "journal" … */
  readonly states: readonly string[];
  /** Bytes that the array uses of it. */
  readonly sizeBytes: number;
}

const FILES = [
  ...["level", "metadata_version", "raid_disks", "chunk_size", "layout", "component_size", "array_state"],
  ...["sync_action", "degraded", "reshape_position", "consistency_policy"],
  ...["bitmap/location", "bitmap/metadata"],
];

/** `name`: "md127"; `sys`: where sysfs is mounted. */
export async function readArrayFacts(
  name: string,
  { sys, run }: { sys: string; run: Run },
): Promise<ArrayFacts> {
  const at = `${sys}/class/block/${name}/md`;
  const values = await Promise.all(
    FILES.map(async (file) => [file, await firstLine(`${at}/${file}`)] as const),
  );
  const parts = (await namesIn(at)).filter((file) => file.startsWith("dev-"));
  const { stdout } = await run(["mdadm", "--detail", "--export", `/dev/${name}`], { accept: [0, 1, 2, 3] });
  return {
    files: new Map(values.flatMap(([file, value]) => value === undefined ? [] : [[file, value]])),
    members: await Promise.all(parts.map((part) => readMember(part, at))),
    detail: parseExport(stdout),
  };
}

async function readMember(part: string, at: string): Promise<MemberFacts> {
  const slot = await firstLine(`${at}/${part}/slot`);
  const states = await firstLine(`${at}/${part}/state`) ?? "";
  return {
    kernelName: part.slice("dev-".length),
    slot: slot !== undefined && /^\d+$/.test(slot) ? Number(slot) : undefined,
    states: states.split(",").filter((state) => state !== ""),
    // sysfs counts KiB here
    sizeBytes: Number(await firstLine(`${at}/${part}/size`) ?? 0) * 1024,
  };
}

/** Lines of NAME=value, as mdadm prints them for udev. */
function parseExport(text: string): ReadonlyMap<string, string> {
  const pairs = text.split("\n").map((line) => /^(MD_[A-Z_]+)=(.*)$/.exec(line));
  return new Map(pairs.flatMap((match) => match ? [[match[1] ?? "", match[2] ?? ""]] : []));
}
