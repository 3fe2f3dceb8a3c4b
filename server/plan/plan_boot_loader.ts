/** Which boot loader the clone needs, where, and whether there is room for it. Pure. */
import { type BootFacts, GRUB_ONLY } from "#contract/format/boot.ts";
import {
  BIOS_BOOT_TYPE,
  describeVolume,
  type DiskLayout,
  type DiskTable,
  type FileSystem,
  isEsp,
  isEspPartition,
  type Volume,
} from "#contract/format/layout.ts";
import { disksBelow, volumesBelow } from "#contract/format/volume_tree.ts";
import type { RackseedError } from "#contract/errors.ts";
import { type Buildable, refusal } from "./buildable.ts";

/** A partition that the firmware reads a boot loader from. */
export type EspPartition = Extract<Volume, { kind: "partition" }>;

export type BootLoaderPlan =
  | {
    readonly firmware: "bios";
    readonly loader: "grub";
    /** Numbers of the disks whose first sectors get GRUB: each that carries a part of /boot. */
    readonly disks: readonly number[];
  }
  | {
    readonly firmware: "uefi";
    readonly loader: BootFacts["loader"];
    /** Mount point of the EFI system partition. */
    readonly esp: string;
    /** Where it lies: one partition, or the members of an array. */
    readonly partitions: readonly EspPartition[];
    /** Further ones, on other disks of a mirror: not mounted, but filled with the same files. */
    readonly copies: readonly EspPartition[];
  };

/** Where GRUB or another loader is put. */
export function loaderVolumes(plan: BootLoaderPlan): Volume[] {
  if (plan.firmware === "bios") return plan.disks.map((disk) => ({ kind: "disk", disk }));
  return [...plan.partitions, ...plan.copies];
}

/** `layout`: as it will be on the node, with the disks that its mirrors get there. Throws RackseedError if there is no room. */
export function planBootLoader(
  { layout, firmware, image }: Pick<Buildable, "layout" | "firmware" | "image">,
): BootLoaderPlan {
  return firmware === "bios" ? planBios(layout, image) : planUefi(layout, image);
}

function planBios(layout: DiskLayout, image: string): BootLoaderPlan {
  const { loader } = layout.boot ?? GRUB_ONLY;
  if (loader !== "grub") {
    throw refusal(image, {
      reason: `its template boots with ${loader}, which needs UEFI.`,
      remedy:
        "set the machine's firmware to boot with UEFI, or install GRUB on the template and capture it again.",
    });
  }
  const boot = bootFileSystem(layout);
  const carrying = boot ? disksBelow([boot.volume, ...boot.more ?? []], layout) : [];
  const roomy = (numbers: readonly number[]) =>
    numbers.filter((number) => hasRoom(layout.disks[number], { boot, layout }));
  // GRUB in the first disk finds a /boot on another one
  const chosen = roomy(carrying), disks = chosen.length > 0 ? chosen : roomy(systemDisks(layout)).slice(0, 1);
  if (disks.length > 0) return { firmware: "bios", loader, disks };
  throw noRoom(image, { isGpt: carrying.some((number) => layout.disks[number]?.table === "gpt") });
}

function noRoom(image: string, { isGpt }: { isGpt: boolean }): RackseedError {
  return isGpt
    ? refusal(image, {
      reason: "its GPT has no BIOS boot partition, so GRUB has no room.",
      remedy: "give the template a partition of 1 MiB of type BIOS boot, and capture it again.",
    })
    : refusal(image, {
      reason: "its MBR has too few free sectors before the first partition, so GRUB has no room.",
      remedy: "start the template's first partition at sector 2048, and capture it again.",
    });
}

/** /boot, or the root with /boot in it. */
function bootFileSystem({ fileSystems }: DiskLayout): FileSystem | undefined {
  return fileSystems.find((f) => f.mountPoint === "/boot") ?? fileSystems.find((f) => f.mountPoint === "/");
}

function systemDisks(layout: DiskLayout): number[] {
  const root = layout.fileSystems.find((f) => f.mountPoint === "/");
  return root ? disksBelow([root.volume, ...root.more ?? []], layout) : [];
}

/** Free sectors before a partition that starts at sector 63, as old tools had it: too few for the modules of arrays and LVM. */
const SMALL_GAP = 62;

function hasRoom(
  table: DiskTable | undefined,
  { boot, layout }: { boot: FileSystem | undefined; layout: DiskLayout },
): boolean {
  if (table === undefined) return false;
  if (table.table === "none") return true;
  if (table.table === "gpt") {
    return table.partitions.some((p) => p.type.toLowerCase() === BIOS_BOOT_TYPE);
  }
  const gap = Math.min(...table.partitions.map((p) => p.startSector)) - 1;
  const isPlain = boot !== undefined && volumesBelow([boot.volume], layout).length === 1;
  return isPlain ? gap >= SMALL_GAP : gap > SMALL_GAP;
}

function planUefi(layout: DiskLayout, image: string): BootLoaderPlan {
  const { loader, copies = [] } = layout.boot ?? GRUB_ONLY;
  const esp = layout.fileSystems.find(isEsp);
  const partitions = esp && espPartitions(esp.volume, layout);
  if (esp === undefined || partitions === undefined) {
    throw refusal(image, {
      reason: esp
        ? `its EFI system partition lies on ${describeVolume(esp.volume)}, where no firmware finds it.`
        : "its template boots with UEFI but has no EFI system partition mounted.",
      remedy: "mount a partition of that type on /boot/efi on the template and capture it again.",
    });
  }
  const own = new Set(partitions.map(describeVolume));
  const known = copies.map(({ volume }) => volume);
  // a disk that a mirror gets on this node has the table of another member, with its EFI system partition
  const others = [...known, ...mirroredEsps(layout, partitions)].filter((v) => v.kind === "partition");
  const unique = new Map(others.map((v) => [describeVolume(v), v]));
  return {
    firmware: "uefi",
    loader,
    esp: esp.mountPoint,
    partitions,
    copies: [...unique].flatMap(([key, volume]) => own.has(key) ? [] : [volume]),
  };
}

/** The firmware knows no arrays: only a mirror with its metadata at the end looks like a plain partition to it. */
function espPartitions(volume: Volume, { arrays = [] }: DiskLayout): EspPartition[] | undefined {
  if (volume.kind === "partition") return [volume];
  const array = volume.kind === "md" ? arrays.find(({ name }) => name === volume.name) : undefined;
  if (array?.level !== "raid1" || !["1.0", "0.90"].includes(array.metadata)) return undefined;
  const members = array.members.filter((v) => v.kind === "partition");
  return members.length === array.members.length ? members : undefined;
}

/** EFI system partitions on the disks that carry the root or /boot, beside those that are mounted. */
function mirroredEsps(layout: DiskLayout, mounted: readonly EspPartition[]): EspPartition[] {
  const disks = new Set([...systemDisks(layout), ...mounted.map(({ disk }) => disk)]);
  return [...disks].flatMap((disk) =>
    (layout.disks[disk]?.partitions ?? []).filter(isEspPartition).flatMap(({ number }): EspPartition[] =>
      mounted.some((v) => v.disk === disk) ? [] : [{ kind: "partition", disk, number }]
    )
  );
}

/** The file systems of the ESPs that are not mounted, to be made like the one that is. */
export function espCopies(layout: DiskLayout, plan: BootLoaderPlan): FileSystem[] {
  const esp = layout.fileSystems.find(isEsp);
  if (esp === undefined || plan.firmware === "bios") return [];
  const { label, mountPoint, mountOptions, sizeBytes, usedBytes, type, mkfs } = esp;
  return plan.copies.map((volume): FileSystem => {
    const known = layout.boot?.copies?.find((c) => describeVolume(c.volume) === describeVolume(volume));
    return {
      volume,
      type,
      mountPoint,
      mountOptions,
      sizeBytes,
      usedBytes,
      mkfs,
      ...(known?.uuid !== undefined && { uuid: known.uuid }),
      ...((known ? known.label : label) !== undefined && { label: known ? known.label : label }),
    };
  });
}
