/** The planner's cases: layouts, each on machines with several kinds of disks. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { PlanRequest } from "../plan.ts";
import { rolesOf } from "../roles.ts";
import * as layouts from "./layouts.ts";
import { GIB, machineDisk, nameAt, type Template } from "./template.ts";

export interface PlanCase {
  readonly name: string;
  readonly template: Template;
  readonly machine: Pick<PlanRequest, "disks"> & Partial<PlanRequest>;
}

const FAMILIES: Readonly<Record<string, () => Template>> = {
  "plain-bios": layouts.plainBios,
  "debian-mbr": layouts.debianMbr,
  "plain-uefi": layouts.plainUefi,
  "rhel": layouts.rhel,
  "ubuntu": layouts.ubuntu,
  "debian-raid": layouts.debianRaid,
  "uefi-raid": layouts.uefiRaid,
  "btrfs": layouts.btrfs,
  "btrfs-raid": layouts.btrfsRaid,
  "laptop": layouts.laptop,
  "encrypted-volume": layouts.encryptedVolume,
  "data-disk": layouts.dataDisk,
  "data-array": layouts.dataArray,
  "raid0": () => layouts.levels("raid0", 2),
  "raid5": () => layouts.levels("raid5", 3),
  "raid6": () => layouts.levels("raid6", 4),
  "raid10": () => layouts.levels("raid10", 4, "near=2"),
  "raid10-far": () => layouts.levels("raid10", 2, "far=2"),
  "lvm-raid": () => layouts.lvmRaid(),
  "lvm-mirror": () => layouts.lvmRaid("mirror"),
  "lvm-stripes": layouts.lvmStripes,
  "thin": layouts.thin,
  "whole-disks": layouts.wholeDisks,
  "native-4k": layouts.native4k,
};

/** Numbers of further disks that a mirror can have or lack. */
const MIRRORS: Readonly<Record<string, readonly number[]>> = {
  "debian-raid": [1, 3],
  "uefi-raid": [1, 3],
  "btrfs-raid": [1, 3],
  "raid5": [2, 4],
  "raid6": [2, 5],
  "raid10": [3],
  "lvm-raid": [1, 3],
  "lvm-mirror": [1, 3],
};

/** By family; each is one file of golden plans. */
export function planCases(): ReadonlyMap<string, readonly PlanCase[]> {
  return new Map(
    Object.entries(FAMILIES).map(([family, make]) => [family, [
      ...machinesFor(make()).map(({ name, machine }): PlanCase => ({ name, template: make(), machine })),
      ...NAMED.includes(family) ? machinesFor(make()).map((one) => withNames(one, make())) : [],
      ...(MIRRORS[family] ?? []).map((count) => mirrorCase(make(), count)),
      ...(EXTRA[family] ?? []).map((extra): PlanCase => ({ ...extra, template: make() })),
    ]]),
  );
}

/** Layouts whose disks are not alike: without names the plan refuses to choose. */
const NAMED = ["data-disk", "data-array", "lvm-stripes"];

function withNames({ name, machine }: Omit<PlanCase, "template">, template: Template): PlanCase {
  const roles = rolesOf(template.layout);
  const disks = machine.disks.filter((_, at) => roles[at] === "system").flatMap((disk) =>
    disk.names[0] ?? []
  );
  return {
    name: `${name}, the system's named`,
    template,
    machine: { ...machine, choices: { disks: [...disks], ...machine.choices } },
  };
}

type Sizes = (gib: number, at: number) => number;

function alike(
  { layout }: Template,
  { sizes = (gib) => gib, more = {} }: { sizes?: Sizes; more?: Partial<DiskFacts> } = {},
): DiskFacts[] {
  return layout.disks.map(({ sizeBytes, sectorBytes }, at) =>
    machineDisk(at, { sectorBytes, ...more, gib: sizes(sizeBytes / GIB, at) })
  );
}

function machinesFor(t: Template): Omit<PlanCase, "template">[] {
  const unlock = "passphrase" as const;
  const one = (name: string, options: Parameters<typeof alike>[1]) => ({
    name,
    machine: { disks: alike(t, options), unlock },
  });
  const names = (disks: readonly DiskFacts[]) => disks.flatMap((disk) => disk.names[0] ?? []);
  const others = [
    machineDisk(8, { gib: 4000, content: "gpt: xfs 'archive'", labels: ["archive"] }),
    machineDisk(9, { gib: 15, transport: "usb" }),
  ];
  return [
    one("equal disks", {}),
    one("disks twice as large", { sizes: (gib) => gib * 2 }),
    one("disks of two thirds", { sizes: (gib) => gib * 2 / 3 }),
    one("disks of 100 MiB less", { sizes: (gib) => gib - 100 / 1024 }),
    one("disks far too small", { sizes: () => 3 }),
    one("sectors of 4096 bytes", { more: { sectorBytes: 4096 } }),
    one("sectors of 512 bytes", { sizes: (gib) => gib + 1, more: { sectorBytes: 512 } }),
    ...t.layout.disks.length > 1
      ? [one("the last disk larger by half", {
        sizes: (gib, at) => at === t.layout.disks.length - 1 ? gib * 1.5 : gib,
      })]
      : [],
    {
      name: "beside an archive disk that is left alone by its label, and a USB stick",
      machine: {
        disks: [...alike(t), ...others],
        choices: { leaveDisks: ["label=archive"] },
        unlock,
      },
    },
    {
      name: "named in reverse",
      machine: {
        disks: alike(t, { sizes: (gib) => gib + 10 }),
        choices: { disks: names(alike(t)).reverse() },
        unlock,
      },
    },
  ];
}

function mirrorCase(template: Template, count: number): PlanCase {
  const disks = Array.from(
    { length: count },
    (_, at) => machineDisk(at, { gib: (template.layout.disks[0]?.sizeBytes ?? 0) / GIB }),
  );
  return {
    name: `a mirror of ${count}`,
    template,
    machine: { disks, choices: { mirror: count } },
  };
}

const DATA = [
  machineDisk(0, { gib: 20 }),
  machineDisk(1, { gib: 150, content: "gpt: xfs 'old'" }),
];

const EXTRA: Readonly<Record<string, readonly Omit<PlanCase, "template">[]>> = {
  "plain-bios": [
    {
      name: "on the disk of the last installation, beside one that fits as well",
      machine: {
        disks: [
          machineDisk(0, { gib: 20, serial: "A", content: "gpt: ext4, swap" }),
          machineDisk(1, { gib: 20, serial: "B", content: "gpt: xfs" }),
        ],
        installed: [{ layoutDisk: 0, serial: "A" }],
      },
    },
    { name: "a disk beyond 2 TiB", machine: { disks: [machineDisk(0, { gib: 4096 })] } },
  ],
  "debian-mbr": [
    { name: "a disk beyond 2 TiB", machine: { disks: [machineDisk(0, { gib: 4096 })] } },
  ],
  "data-disk": [
    {
      name: "the data disk named, by its mount point",
      machine: {
        disks: DATA,
        choices: { disks: [nameAt(0)], dataDisks: [{ of: "/srv/data", disk: nameAt(1) }] },
      },
    },
    {
      name: "the data disk left alone, the system disk named",
      machine: { disks: DATA, choices: { disks: [nameAt(0)] } },
    },
    {
      name: "the data disk left alone by its size",
      machine: { disks: DATA, choices: { leaveDisks: [">100GB"] } },
    },
  ],
  "data-array": [
    {
      name: "all data disks named",
      machine: {
        disks: [20, 50, 50, 60, 60].map((gib, at) => machineDisk(at, { gib })),
        choices: {
          disks: [nameAt(0)],
          dataDisks: [1, 2, 3, 4].map((of) => ({ of, disk: nameAt(of) })),
        },
      },
    },
    {
      name: "one of the data disks named",
      machine: {
        disks: [20, 50].map((gib, at) => machineDisk(at, { gib })),
        choices: { disks: [nameAt(0)], dataDisks: [{ of: 1, disk: nameAt(1) }] },
      },
    },
  ],
  "debian-raid": [
    {
      name: "one disk fewer, without saying so",
      machine: { disks: [machineDisk(0, { gib: 40 })] },
    },
    {
      name: "one disk more, without saying so",
      machine: { disks: [0, 1, 2].map((at) => machineDisk(at, { gib: 40 })) },
    },
  ],
  "laptop": [
    { name: "without a way to open it", machine: { disks: [machineDisk(0, { gib: 40 })] } },
  ],
};
