/** A clone in the small VM with two mirrored disks, on which real boot loaders are installed. */
import type { BootFacts } from "#contract/format/boot.ts";
import type { DiskLayout, DiskTable, FileSystem, Partition } from "#contract/format/layout.ts";
import type { Volume } from "#contract/format/volumes.ts";
import { type Action, type Plan } from "#plan/actions.ts";
import { type BootLoaderPlan, espCopies } from "#plan/plan_boot_loader.ts";
import { TargetDisks } from "../../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../../agent/install/disk/make_volumes.ts";
import { formatDisk, mountTree } from "../../../agent/install/disk/partition.ts";
import { templateDisks } from "../../../agent/install/fit/clone_disks.ts";
import { readDisk } from "../../../agent/layout/disks.ts";
import { runCommand as run } from "../../../agent/sys/command.ts";
import { CloneTree } from "../../../agent/tree/tree_files.ts";
import { DISKS } from "../in_small_vm.ts";

const MIB = 1 << 20;
export const ROOT_UUID = "0c2f1d7e-11f0-4b2a-9c55-6a1c0e5a9a01";
const BOOT_UUID = "5d9b8b7a-0a5b-4f0c-8b0d-7f1f6f3d2b02";
const TYPES = {
  bios: "21686148-6449-6E6F-744E-656564454649",
  uefi: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  raid: "A19D880F-05FC-4D3B-A006-743F0F84911E",
};
/** Boots, says so, and does nothing else. */
export const READY = "the menu of the clone";

export const part = (disk: number, number: number): Volume => ({ kind: "partition", disk, number });

/** 1: BIOS boot or ESP, 2: /boot, 3: the root. */
function partitions(firmware: "bios" | "uefi", disk: number): Partition[] {
  const sizes = firmware === "bios" ? [2, 200, 300] : [64, 200, 300];
  let startSector = 2048;
  return sizes.map((mib, i) => {
    const made = {
      number: i + 1,
      startSector,
      sectors: mib * 2048,
      type: i === 0 ? TYPES[firmware] : TYPES.raid,
      uuid: `0000000${disk}-0000-4000-8000-00000000000${i + 1}`,
    };
    startSector += made.sectors;
    return made;
  });
}

function fileSystem(mountPoint: string, volume: Volume, more: Partial<FileSystem>): FileSystem {
  return {
    volume,
    type: "ext4",
    mountPoint,
    mountOptions: "rw",
    sizeBytes: 200 * MIB,
    usedBytes: 10 * MIB,
    mkfs: { features: [] },
    ...more,
  };
}

interface CloneMachine extends AsyncDisposable {
  readonly clone: CloneTree;
  readonly plan: Plan;
  readonly target: TargetDisks;
  readonly layout: DiskLayout;
}

/** `programs`: a folder laid over the VM's own Debian to make the clone's tree. */
export async function cloneMachine(
  { boot, bootLoader, esp, programs }: {
    boot: BootFacts;
    bootLoader: BootLoaderPlan;
    esp?: string;
    programs: string;
  },
): Promise<CloneMachine> {
  const firmware = bootLoader.firmware;
  const facts = (await Promise.all(DISKS.slice(0, 2).map((name) => readDisk(name)))).flatMap((d) => d ?? []);
  const tables = facts.map((disk, i): DiskTable => ({
    name: disk.name,
    sizeBytes: disk.sizeBytes,
    sectorBytes: 512,
    table: "gpt",
    id: `0000000${i}-0000-4000-8000-0000000000FF`,
    partitions: partitions(firmware, i),
  }));
  const mirror = (name: string, number: number, uuid: string) => ({
    name,
    uuid,
    superblockName: `template:${name}`,
    metadata: "1.2",
    level: "raid1",
    chunkBytes: 0,
    bitmap: "internal" as const,
    memberBytes: 190 * MIB,
    sizeBytes: 190 * MIB,
    members: [part(0, number), part(1, number)],
    spares: [],
  });
  const array = mirror("boot", 2, "3aaa0122:29827cfa:5331ad66:ca767371");
  const layout: DiskLayout = {
    disks: tables,
    arrays: [{ ...array, slots: 2 }],
    fileSystems: [
      fileSystem("/", part(0, 3), { uuid: ROOT_UUID }),
      fileSystem("/boot", { kind: "md", name: "boot" }, { uuid: BOOT_UUID }),
      ...esp === undefined
        ? []
        : [fileSystem(esp, part(0, 1), { type: "vfat", uuid: "12AB-34CD", label: "ESP" })],
    ],
    swap: [],
    boot,
  };
  const vfat = [...layout.fileSystems.filter((f) => f.type === "vfat"), ...espCopies(layout, bootLoader)];
  const actions: Action[] = [
    ...tables.map((table, disk): Action => ({
      do: "partition",
      disk,
      table: "gpt",
      id: table.id,
      sectorBytes: 512,
      partitions: table.partitions,
    })),
    { do: "md", array: { ...array, writeMostly: [] } },
    {
      do: "format",
      formatting: {
        volume: { kind: "md", name: "boot" },
        type: "ext4",
        sizeBytes: array.sizeBytes,
        mountPoint: "/boot",
        argv: ["mkfs.ext4", "-q", "-U", BOOT_UUID],
      },
    },
    ...vfat.map(({ volume }): Action => ({
      do: "format",
      formatting: { volume, type: "vfat", sizeBytes: 64 * MIB, argv: ["mkfs.vfat", "-F", "32"] },
    })),
    { do: "mount", volume: { kind: "md", name: "boot" }, type: "ext4", mountPoint: "/boot" },
    ...esp === undefined ? [] : [{ do: "mount" as const, volume: part(0, 1), type: "vfat", mountPoint: esp }],
    { do: "boot-loader", bootLoader },
  ];
  const plan: Plan = {
    image: "web@1",
    disks: facts.map((disk, number) => ({ number, facts: disk, because: "a test" })),
    left: { mountPoints: [], notes: [] },
    notes: [],
    layout,
    actions,
  };
  await using stack = new AsyncDisposableStack();
  const target = await TargetDisks.prove(plan);
  stack.use(await makeVolumes(target, { plan, onMake: () => {}, run }));
  await formatDisk(target, { plan, onFormat: () => {}, run });
  const at = "/run/clone";
  await layTree(at, programs);
  stack.defer(async () => void await run(["umount", at]));
  stack.use(await mountTree(target, { plan, at }));
  const kept = stack.move();
  return {
    clone: new CloneTree(at),
    plan,
    target,
    layout,
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

/** The VM's own root with the programs over it; what is written there is in memory. */
export async function layTree(at: string, programs: string): Promise<void> {
  await run([
    "sh",
    "-ec",
    'mkdir -p "$0" /run/upper; mountpoint -q /run/upper || mount -t tmpfs upper /run/upper; rm -rf /run/upper/*; mkdir /run/upper/up /run/upper/work',
    at,
  ]);
  const options = `lowerdir=${programs}:/,upperdir=/run/upper/up,workdir=/run/upper/work`;
  await run(["mount", "-t", "overlay", "-o", options, "clone", at]);
}

/** What `installBootLoader` wants besides the disks. */
export function loaderOptions({ plan, clone, layout }: CloneMachine) {
  return {
    plan,
    clone,
    facts: layout.boot ?? fail(),
    disks: templateDisks(plan, { layout }),
    distribution: "debian",
    run,
  };
}

function fail(): never {
  throw new RangeError("the layout does not say how the machine boots");
}

/** A menu that a GRUB on a serial console shows, and an entry that names the root. */
export function grubMenu(): string {
  return `serial --unit=0
terminal_output serial
echo "${READY}"
menuentry 'Debian' {
	linux /vmlinuz root=UUID=${ROOT_UUID} ro
}
sleep 1
halt
`;
}
