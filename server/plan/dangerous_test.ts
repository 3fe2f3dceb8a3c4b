/** Machines and orders on which an installation could destroy something, or could not end well: all are refused. */
import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { planInstall, type PlanRequest } from "./plan.ts";
import * as layouts from "./testing/layouts.ts";
import { GIB, machineDisk, nameAt, type Template } from "./testing/template.ts";

interface Danger {
  readonly name: string;
  readonly template?: Template;
  readonly layout?: (layout: DiskLayout) => DiskLayout;
  readonly machine: Partial<PlanRequest> & Pick<PlanRequest, "disks">;
  readonly says: RegExp;
}

const ONE = 20, RAID = 40;
const disk = (at: number, more: Partial<DiskFacts> & { gib?: number } = {}) =>
  machineDisk(at, { gib: ONE, ...more });
const pair = (more: Partial<DiskFacts> = {}, other: Partial<DiskFacts> = {}) => [
  machineDisk(0, { gib: RAID, ...more }),
  machineDisk(1, { gib: RAID, ...other }),
];
const DATA = "gpt: xfs 'archive'";
const named = (...ats: number[]) => ({ disks: ats.map(nameAt) });

/** What nothing may ever be written to, alone in the machine, named, and as one of a mirror. */
const FORBIDDEN: readonly { what: string; facts: Partial<DiskFacts>; says: RegExp }[] = [
  { what: "a USB disk", facts: { transport: "usb" }, says: /attached by USB/ },
  { what: "a removable disk", facts: { removable: true }, says: /removable/ },
  { what: "a read-only disk", facts: { readOnly: true }, says: /read-only/ },
  { what: "a disk that is mounted", facts: { uses: ["sda1 is mounted on /srv"] }, says: /mounted on \/srv/ },
  { what: "a member of a running array", facts: { uses: ["sda2 is used by md0"] }, says: /used by md0/ },
  { what: "a physical volume in use", facts: { uses: ["sda3 is used by dm-0"] }, says: /used by dm-0/ },
  { what: "an opened LUKS volume", facts: { uses: ["sda3 is used by crypt"] }, says: /used by crypt/ },
  { what: "a disk with swap in use", facts: { uses: ["sda2 is used as swap"] }, says: /used as swap/ },
  { what: "something that is no disk", facts: { kind: "other" }, says: /not a whole disk/ },
  { what: "a loop device", facts: { kind: "loop" }, says: /not a whole disk/ },
];

const dangers: Danger[] = [
  ...FORBIDDEN.flatMap(({ what, facts, says }): Danger[] => [
    { name: `${what}, the only one`, machine: { disks: [disk(0, facts)] }, says },
    { name: `${what}, named`, machine: { disks: [disk(0, facts), disk(1)], choices: named(0) }, says },
    {
      name: `${what}, beside one good disk of two`,
      template: layouts.debianRaid(),
      machine: { disks: pair({}, facts) },
      says,
    },
  ]),
  {
    name: "the only disk that fits holds data, and another one may be meant",
    machine: { disks: [disk(0, { gib: 2 }), disk(1, { content: DATA })] },
    says: /archive.*would be lost.*too small/,
  },
  {
    name: "the node's own disk is gone, and the one that is left holds data",
    machine: {
      disks: [disk(0, { serial: "data", content: DATA })],
      installed: [{ layoutDisk: 0, serial: "boot" }],
    },
    says: /cannot find the disk that n1 was installed on.*archive/,
  },
  {
    name: "another disk is where the node's own was",
    machine: {
      disks: [disk(0, { serial: "data", content: DATA })],
      installed: [{ layoutDisk: 0, serial: "boot", byPath: nameAt(0) }],
    },
    says: /cannot find the disk that n1 was installed on/,
  },
  {
    name: "one of the node's two own disks is gone, and a disk with data is in its place",
    template: layouts.debianRaid(),
    machine: {
      disks: pair({ serial: "A", content: "gpt: linux_raid_member" }, { serial: "X", content: DATA }),
      installed: [{ layoutDisk: 0, serial: "A" }, { layoutDisk: 1, serial: "B" }],
    },
    says: /cannot find the disk that n1 was installed on.*B/,
  },
  {
    name: "two disks for a mirror, one of which holds something else than the other",
    template: layouts.debianRaid(),
    machine: { disks: pair({ content: "gpt: vfat, ext4" }, { content: DATA }) },
    says: /would be lost, and the disk that was meant may be another/,
  },
  {
    name: "two disks for a mirror, one blank and one with data",
    template: layouts.debianRaid(),
    machine: { disks: pair({}, { content: DATA }) },
    says: /archive.*would be lost/,
  },
  {
    name: "two disks that fit",
    machine: { disks: [disk(0), disk(1)] },
    says: /cannot choose between 2 disks/,
  },
  {
    name: "three disks for a mirror of two",
    template: layouts.debianRaid(),
    machine: { disks: [...pair(), machineDisk(2, { gib: RAID })] },
    says: /cannot choose between 3 disks/,
  },
  {
    name: "one of a mirror's disks is named, and two remain for the other place",
    template: layouts.debianRaid(),
    machine: { disks: [...pair(), machineDisk(2, { gib: RAID })], choices: named(0) },
    says: /cannot choose between 2 disks/,
  },
  {
    name: "one disk for a mirror of two",
    template: layouts.debianRaid(),
    machine: { disks: [machineDisk(0, { gib: RAID })] },
    says: /cannot find 2 disks.*--mirror/,
  },
  {
    name: "a mirror of one, with two disks to choose from",
    template: layouts.debianRaid(),
    machine: { disks: pair(), choices: { mirror: 1 } },
    says: /cannot choose between 2 disks/,
  },
  {
    name: "a mirror of three on two disks",
    template: layouts.debianRaid(),
    machine: { disks: pair(), choices: { mirror: 3 } },
    says: /cannot find 3 disks/,
  },
  {
    name: "a mirror ordered for a template without one",
    machine: { disks: [disk(0), disk(1)], choices: { mirror: 2 } },
    says: /its template has none/,
  },
  {
    name: "a RAID 0 with fewer disks",
    template: layouts.levels("raid0", 2),
    machine: { disks: [disk(0)], choices: { mirror: 1 } },
    says: /something on them has no copy/,
  },
  {
    name: "a RAID 5 without two of its disks",
    template: layouts.levels("raid5", 4),
    machine: { disks: [disk(0), disk(1)], choices: { mirror: 2 } },
    says: /MD array root cannot do with 2 disks/,
  },
  {
    name: "a name that no disk has",
    machine: { disks: [disk(0)], choices: named(7) },
    says: /cannot find the disk .*ata-8/,
  },
  {
    name: "a kernel name",
    machine: { disks: [disk(0)], choices: { disks: ["/dev/sda"] } },
    says: /cannot find the disk \/dev\/sda/,
  },
  {
    name: "a name that two disks have",
    machine: { disks: [disk(0), disk(1, { names: [nameAt(0)] })], choices: named(0) },
    says: /2 disks have that name/,
  },
  {
    name: "one disk named for two places",
    template: layouts.debianRaid(),
    machine: { disks: pair(), choices: named(0, 0) },
    says: /twice/,
  },
  {
    name: "more names than the system has disks",
    machine: { disks: [disk(0), disk(1)], choices: named(0, 1) },
    says: /2 disks are named .* its system needs 1/,
  },
  {
    name: "a named disk that is to be left alone by its name",
    machine: { disks: [disk(0)], choices: { ...named(0), leaveDisks: ["/dev/disk/by-path/*ata-1"] } },
    says: /to be left alone/,
  },
  {
    name: "the only disk is to be left alone by its size",
    machine: { disks: [disk(0)], choices: { leaveDisks: [">10GB"] } },
    says: /to be left alone \(>10GB\)/,
  },
  {
    name: "the only disk is to be left alone by a label on it",
    machine: { disks: [disk(0, { labels: ["archive"] })], choices: { leaveDisks: ["label=arch*"] } },
    says: /to be left alone \(label=arch\*\)/,
  },
  {
    name: "a disk whose labels are not known, if one is to be left alone by its label",
    machine: {
      disks: [(({ labels: _, ...facts }) => facts)(disk(0))],
      choices: { leaveDisks: ["label=x"] },
    },
    says: /its labels are not known/,
  },
  {
    name: "one of a mirror's two disks is to be left alone",
    template: layouts.debianRaid(),
    machine: { disks: pair(), choices: { leaveDisks: [nameAt(1)] } },
    says: /cannot find 2 disks.*left alone/,
  },
  {
    name: "a template's data disk that nobody named is not a candidate for the system",
    template: layouts.dataDisk(),
    machine: { disks: [disk(0), disk(1, { gib: 100 })] },
    says: /cannot choose between 2 disks/,
  },
  {
    name: "a data disk named by a mount point of the system",
    template: layouts.dataDisk(),
    machine: {
      disks: [disk(0), disk(1, { gib: 100 })],
      choices: { dataDisks: [{ of: "/", disk: nameAt(1) }] },
    },
    says: /holds the system/,
  },
  {
    name: "a data disk named by a number of the system's",
    template: layouts.dataDisk(),
    machine: { disks: [disk(0), disk(1)], choices: { dataDisks: [{ of: 0, disk: nameAt(1) }] } },
    says: /holds the system/,
  },
  {
    name: "a data disk that the template does not have",
    template: layouts.dataDisk(),
    machine: { disks: [disk(0), disk(1)], choices: { dataDisks: [{ of: "/data", disk: nameAt(1) }] } },
    says: /no data disk \/data/,
  },
  {
    name: "one disk named for the system and for data",
    template: layouts.dataDisk(),
    machine: {
      disks: [disk(0, { gib: 200 })],
      choices: { ...named(0), dataDisks: [{ of: 1, disk: nameAt(0) }] },
    },
    says: /twice/,
  },
  {
    name: "a data disk on a USB disk",
    template: layouts.dataDisk(),
    machine: {
      disks: [disk(0), disk(1, { gib: 200, transport: "usb" })],
      choices: { ...named(0), dataDisks: [{ of: 1, disk: nameAt(1) }] },
    },
    says: /attached by USB/,
  },
  {
    name: "a data disk that is too small for its data",
    template: layouts.dataDisk(),
    machine: { disks: [disk(0), disk(1)], choices: { ...named(0), dataDisks: [{ of: 1, disk: nameAt(1) }] } },
    says: /too small: the image needs 3\d\.\d GB/,
  },
  {
    name: "a part of an array of data disks",
    template: layouts.dataArray(),
    machine: {
      disks: [disk(0), disk(1, { gib: 50 })],
      choices: { ...named(0), dataDisks: [{ of: 1, disk: nameAt(1) }] },
    },
    says: /not all of them are to be written/,
  },
  { name: "a disk that is too small", machine: { disks: [disk(0, { gib: 3 })] }, says: /too small/ },
  {
    name: "a group that is too small, though each disk takes its part",
    template: layouts.lvmStripes(),
    machine: {
      disks: [disk(0, { gib: 6 }), disk(1, { gib: 6 })],
      choices: named(0, 1),
    },
    layout: (layout) => ({
      ...layout,
      fileSystems: layout.fileSystems.map((f) => ({ ...f, usedBytes: f.mountPoint === "/" ? 26 * GIB : 1 })),
    }),
    says: /too small|does not fit/,
  },
  {
    name: "a mirror with one disk that is too small",
    template: layouts.debianRaid(),
    machine: { disks: [machineDisk(0, { gib: RAID }), machineDisk(1, { gib: 5 })] },
    says: /too small/,
  },
  {
    name: "an encrypted template without a way to open the clone",
    template: layouts.laptop(),
    machine: { disks: [machineDisk(0, { gib: RAID })] },
    says: /nothing says how n1 opens them/,
  },
  {
    name: "a group over disks with sectors of different sizes",
    template: layouts.lvmRaid(),
    machine: { disks: pair({}, { sectorBytes: 4096 }), choices: named(0, 1) },
    says: /sectors of different sizes/,
  },
  {
    name: "a machine without disks",
    machine: { disks: [] },
    says: /shows no disk/,
  },
  {
    name: "a machine that boots another way",
    machine: { disks: [disk(0)], firmware: "uefi" },
    says: /boots with BIOS.*booted with UEFI/,
  },
  {
    name: "a layout that uses a partition twice",
    layout: (layout) => ({ ...layout, swap: [...layout.swap, ...layout.swap] }),
    machine: { disks: [disk(0)] },
    says: /contradicts itself/,
  },
  {
    name: "a layout whose partitions overlap",
    layout: ({ disks: [first, ...others], ...layout }) => ({
      ...layout,
      disks: first
        ? [{ ...first, partitions: first.partitions.map((p) => ({ ...p, startSector: 4096 })) }, ...others]
        : [],
    }),
    machine: { disks: [disk(0)] },
    says: /contradicts itself/,
  },
  {
    name: "an array that lies on itself",
    template: layouts.uefiRaid(),
    layout: (layout) => ({
      ...layout,
      arrays: layout.arrays?.map((array) => ({ ...array, members: [{ kind: "md", name: array.name }] })),
      fileSystems: layout.fileSystems.filter((f) => f.mountPoint !== "/"),
    }),
    machine: { disks: pair() },
    says: /contradicts itself/,
  },
  {
    name: "a level that is not rebuilt",
    template: layouts.uefiRaid(),
    layout: (layout) => ({
      ...layout,
      arrays: layout.arrays?.map((array) => ({ ...array, level: "linear" })),
    }),
    machine: { disks: pair() },
    says: /has the level linear/,
  },
  {
    name: "metadata that is not rebuilt",
    template: layouts.uefiRaid(),
    layout: (layout) => ({
      ...layout,
      arrays: layout.arrays?.map((array) => ({ ...array, metadata: "imsm" })),
    }),
    machine: { disks: pair() },
    says: /has metadata imsm/,
  },
  {
    name: "a cached logical volume",
    template: layouts.rhel(),
    layout: (layout) => ({
      ...layout,
      groups: layout.groups?.map((group) => ({
        ...group,
        logical: group.logical.map((lv) => ({ ...lv, type: "other", obstacle: "it is cached" })),
      })),
    }),
    machine: { disks: [machineDisk(0, { gib: 60 })], firmware: "uefi" },
    says: /cannot be reproduced: it is cached/,
  },
];

function requestOf({ template = layouts.plainBios(), layout, machine }: Danger): PlanRequest {
  const changed = layout ? layout(template.layout) : template.layout;
  return {
    node: "n1",
    header: { ...template.header, layout: changed },
    firmware: template.firmware,
    ...machine,
  };
}

for (const danger of dangers) {
  Deno.test(`refused, with nothing done: ${danger.name}`, () => {
    assert.throws(
      () => planInstall(requestOf(danger)),
      (error) => {
        assert(error instanceof RackseedError, String(error));
        assert.match(error.message, danger.says);
        return true;
      },
    );
  });
}

Deno.test("at least 60 dangerous cases are refused", () => {
  assert(dangers.length >= 60);
});
