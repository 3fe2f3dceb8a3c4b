/** Whether this version can rebuild an image on a machine with this firmware, whatever its disks. Pure. */
import { RackseedError } from "#contract/errors.ts";
import { describeVolume, type DiskLayout, type DiskTable, type Volume } from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import { canResize } from "./plan_format.ts";

/** A layout that can be rebuilt. */
export interface Buildable {
  /** "web@3" */
  readonly image: string;
  readonly firmware: "bios" | "uefi";
  readonly layout: DiskLayout;
  /** The table of the template's disk. */
  readonly table: DiskTable;
  /** Number of the image's entries. */
  readonly entries: number;
}

/** Throws RackseedError if the image cannot be rebuilt. */
export function proveBuildable(header: Header, firmware: "bios" | "uefi"): Buildable {
  const { layout, source, totals: { entries } } = header;
  const image = `${header.image}@${header.version}`;
  if (!layout || !source) {
    throw refusal(image, {
      reason: "it was made from a directory or a tar, so it has no disk layout.",
      remedy: "deploy an image that was captured from a running machine, or install with --target DIR.",
    });
  }
  if (source.firmware !== firmware) {
    const [wanted, found] = [source.firmware.toUpperCase(), firmware.toUpperCase()];
    throw refusal(image, {
      reason: `its template boots with ${wanted}, and this machine was booted with ${found}.`,
      remedy: `set the machine's firmware to boot with ${wanted}, and deploy again.`,
    });
  }
  const table = onlyDisk(layout, image);
  proveVolumes(layout, image);
  return { image, firmware, layout, table, entries };
}

export function refusal(
  image: string,
  { reason, remedy }: { reason: string; remedy: string },
): RackseedError {
  return new RackseedError(`cannot install ${image} on this machine`, { reason, remedy, status: 409 });
}

function onlyDisk({ disks }: DiskLayout, image: string): DiskTable {
  const [table, ...others] = disks;
  if (table !== undefined && others.length === 0) return table;
  throw refusal(image, {
    reason: `its template's file systems are on ${disks.length} disks, and this version rebuilds one.`,
    remedy: "capture a template whose file systems are on one disk.",
  });
}

const REMEDY = "capture a template that uses partitions with ext4, vfat, xfs and swap only.";

/** Every volume can be made, exists in the table, and is used once. */
function proveVolumes({ disks, fileSystems, swap }: DiskLayout, image: string): void {
  for (const { name, obstacle } of disks) {
    if (obstacle === undefined) continue;
    throw refusal(image, {
      reason: `its template's disk ${name} cannot be reproduced: ${obstacle}.`,
      remedy: "capture a template whose disk has a GPT or an MBR.",
    });
  }
  const used = new Set<string>();
  const typed = [
    ...fileSystems,
    ...swap.map(({ volume }) => ({ volume, type: "swap", obstacle: undefined })),
  ];
  for (const { volume, type, obstacle } of typed) {
    proveVolume(volume, { disks, used, image });
    proveContent({ type, obstacle }, { words: describeVolume(volume), image });
  }
  if (!fileSystems.some((f) => f.mountPoint === "/" && f.uuid !== undefined)) {
    throw refusal(image, { reason: "its layout has no root file system with a UUID.", remedy: REMEDY });
  }
}

/** `used`: the volumes before it, as text. */
function proveVolume(
  volume: Volume,
  { disks, used, image }: { disks: readonly DiskTable[]; used: Set<string>; image: string },
): void {
  const words = describeVolume(volume);
  if (volume.kind !== "partition" && volume.kind !== "disk") {
    throw refusal(image, { reason: `this version does not rebuild its ${words}.`, remedy: REMEDY });
  }
  const table = disks[volume.disk];
  const exists = volume.kind === "disk"
    ? table?.table === "none"
    : table?.table !== "none" && table?.partitions.some((p) => p.number === volume.number);
  if (!exists || used.has(words)) {
    throw refusal(image, {
      reason: `its layout contradicts itself at ${words}.`,
      remedy: "capture it again.",
    });
  }
  used.add(words);
}

function proveContent(
  { type, obstacle }: { type: string; obstacle?: string | undefined },
  { words, image }: { words: string; image: string },
): void {
  if (type !== "swap" && type !== "vfat" && !canResize({ type })) {
    throw refusal(image, {
      reason: `its ${words} has the file system ${type}, which this version does not rebuild.`,
      remedy: REMEDY,
    });
  }
  if (obstacle !== undefined) {
    throw refusal(image, {
      reason: `its ${words} (${type}) cannot be reproduced: ${obstacle}.`,
      remedy: "change that on the template, and capture it again.",
    });
  }
}
