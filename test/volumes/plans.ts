/** Plans for the small VM's disks, put together by hand. */
import { readDisk } from "../../agent/layout/disks.ts";
import type { Action, Plan, PlannedArray, PlannedEncrypted, PlannedGroup } from "#plan/actions.ts";
import type { Volume } from "#contract/format/layout.ts";
import type { PlannedPartition } from "#plan/plan_table.ts";
import { DISKS } from "./in_small_vm.ts";

const MIB = 1 << 20;
const EXTENT = 4 * MIB;
const LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

export const partition = (disk: number, number: number): Volume => ({ kind: "partition", disk, number });
export const md = (name: string): Volume => ({ kind: "md", name });
export const luks = (name: string): Volume => ({ kind: "luks", name });
export const lv = (group: string, name: string): Volume => ({ kind: "lv", group, name });

export async function planOf(disks: number, actions: readonly Action[]): Promise<Plan> {
  const chosen = await Promise.all(DISKS.slice(0, disks).map((name) => readDisk(name)));
  return {
    image: "web@1",
    disks: chosen.flatMap((facts, number) => facts ? [{ number, facts, because: "a test" }] : []),
    left: { mountPoints: [], notes: [] },
    notes: [],
    layout: { disks: [], fileSystems: [], swap: [] },
    actions,
  };
}

/** A GPT with partitions of these sizes in MiB, one behind the other. */
export function table(disk: number, ...sizes: readonly number[]): Action {
  let startSector = 2048;
  const partitions = sizes.map((mib, i): PlannedPartition => {
    const planned = {
      number: i + 1,
      startSector,
      sectors: mib * 2048,
      type: LINUX,
      uuid: `0000000${disk}-0000-4000-8000-00000000000${i + 1}`.toUpperCase(),
    };
    startSector += planned.sectors;
    return planned;
  });
  const id = `0000000${disk}-0000-4000-8000-0000000000FF`;
  return { do: "partition", disk, table: "gpt", id, sectorBytes: 512, partitions };
}

export function raid1(name: string, members: PlannedArray["members"], mib: number): Action {
  return {
    do: "md",
    array: {
      name,
      uuid: "3aaa0122:29827cfa:5331ad66:ca767371",
      superblockName: `template:${name}`,
      metadata: "1.2",
      level: "raid1",
      chunkBytes: 0,
      bitmap: "internal",
      members,
      spares: [],
      writeMostly: [],
      memberBytes: mib * MIB,
      dataAtBytes: 2 * MIB,
      sizeBytes: mib * MIB,
    },
  };
}

export function encrypted(name: string, on: Volume, changes: Partial<PlannedEncrypted> = {}): Action {
  return {
    do: "luks",
    encrypted: {
      name,
      on,
      uuid: "7b1e7a3f-0000-4000-8000-000000000001",
      label: "secret",
      cipher: "aes-xts-plain64",
      keyBits: 512,
      sectorBytes: 512,
      flags: ["allow-discards"],
      dataAtBytes: 16 * MIB,
      sizeBytes: 0,
      ...changes,
    },
  };
}

/** 38 characters in LVM's own form. */
export function lvmId(text: string): string {
  const id = text.replaceAll("-", "").padEnd(32, "x");
  return [6, 4, 4, 4, 4, 4, 6].reduce<{ at: number; parts: string[] }>(
    ({ at, parts }, n) => ({ at: at + n, parts: [...parts, id.slice(at, at + n)] }),
    { at: 0, parts: [] },
  ).parts.join("-");
}

export function group(
  name: string,
  physical: readonly (readonly [Volume, extents: number])[],
  logical: readonly (Omit<PlannedGroup["logical"][number], "uuid">)[],
): Action {
  return {
    do: "lvm",
    group: {
      name,
      uuid: lvmId(`VG${name}`),
      extentBytes: EXTENT,
      tags: ["rack1"],
      physical: physical.map(([volume, extents], i) => ({
        volume,
        uuid: lvmId(`PV${name}${i}`),
        dataAtBytes: MIB,
        extents,
      })),
      logical: logical.map((one) => ({ ...one, uuid: lvmId(`LV${name}${one.name}`) })),
    },
  };
}

export function format(volume: Volume, mountPoint: string, type: "ext4" | "xfs", uuid: string): Action[] {
  const flag = type === "xfs" ? ["-m", `uuid=${uuid}`] : ["-F", "-U", uuid];
  return [
    {
      do: "format",
      formatting: { volume, type, sizeBytes: 0, mountPoint, uuid, argv: [`mkfs.${type}`, "-q", ...flag] },
    },
    { do: "mount", volume, type, mountPoint },
  ];
}

export function swap(volume: Volume, uuid: string): Action {
  return {
    do: "format",
    formatting: { volume, type: "swap", sizeBytes: 0, uuid, argv: ["mkswap", "--force", "--uuid", uuid] },
  };
}
