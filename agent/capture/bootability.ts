/** Judges at capture what would stop a node from becoming this machine, so that it is known before any node boots. */
import { describeVolume, type DiskLayout, isEsp } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { CAPTURE_TOOLS, packageOf, requiredTools, type Tool, usesOf } from "#contract/tools.ts";
import type { MachineLayout, Unseen } from "../layout/read_layout.ts";

/** What is looked for on the template: the adapter answers, the judging stays pure. */
export interface Presence {
  /** Programs by name that the machine has. */
  readonly programs: ReadonlySet<string>;
  /** Absolute paths among `PROBED_PATHS` and the kernels' that exist. */
  readonly paths: ReadonlySet<string>;
}

/** GRUB's files for each firmware; Debian's and RHEL's place is the same. */
const GRUB_FILES = {
  bios: "/usr/lib/grub/i386-pc/kernel.img",
  uefi: "/usr/lib/grub/x86_64-efi/kernel.img",
} as const;
export const PROBED_PATHS: readonly string[] = Object.values(GRUB_FILES);

/** Where distributions keep the kernel image of a release. */
export function kernelPaths(release: string): string[] {
  return [
    `/boot/vmlinuz-${release}`,
    `/lib/modules/${release}/vmlinuz`,
    `/usr/lib/modules/${release}/vmlinuz`,
  ];
}

const REBUILT = new Set(["ext2", "ext3", "ext4", "vfat", "xfs"]);

/** Programs without which not even the layout can be read. */
export function obstaclesToCapture({ programs }: Presence): string[] {
  return CAPTURE_TOOLS.filter((t) => t.when === undefined && !programs.has(t.name)).map(lackOf);
}

export function obstaclesToBoot(
  { layout, unseen, notes }: Pick<MachineLayout, "layout" | "unseen" | "notes">,
  { source, presence }: { source: Source; presence: Presence },
): string[] {
  const uses = usesOf(layout, source.firmware);
  const needed = requiredTools(uses);
  return [
    ...needed.filter((t) => !presence.programs.has(t.name)).map(lackOf),
    ...kernelLack(source, presence),
    ...bootLoaderLack(layout, { source, presence }),
    ...layoutLacks(layout),
    ...unseen.map(unseenLack),
    ...notes,
  ];
}

function unseenLack({ volume, type, because }: Unseen): string {
  const name = `${describeVolume(volume)} (${type})`;
  switch (because) {
    case "unmounted":
      return `${name} is not mounted: a clone gets it empty; mount it to have it captured`;
    case "served":
      return `${name} is mounted by a program (FUSE): a clone gets it empty; unmount it or mount it by the kernel`;
    case "hidden":
      return `${name} lies hidden below another own file system on its mount point: a clone gets it empty; ` +
        "mount it elsewhere to have it captured";
  }
}

function lackOf(tool: Tool): string {
  return `the program ${tool.name} is missing: install ${packageOf(tool)}`;
}

function kernelLack({ kernel }: Source, { paths }: Presence): string[] {
  return kernelPaths(kernel).some((path) => paths.has(path)) ? [] : [
    `the kernel that runs (${kernel}) has no image in /boot: install linux-image-amd64 (RHEL: kernel-core), ` +
    "or restart the machine after an update of the kernel",
  ];
}

function bootLoaderLack(
  layout: DiskLayout,
  { source: { firmware }, presence: { programs, paths } }: { source: Source; presence: Presence },
): string[] {
  const install = programs.has("grub-install") || programs.has("grub2-install");
  const lacks: string[] = [];
  const esp = layout.fileSystems.some(isEsp);
  if (firmware === "uefi" && !esp) {
    lacks.push("no EFI system partition is mounted: mount it on /boot/efi, so that it is captured");
  }
  if (firmware === "uefi" && !programs.has("efibootmgr")) {
    lacks.push("the program efibootmgr is missing: install efibootmgr");
  }
  if (!install || !paths.has(GRUB_FILES[firmware])) {
    const names = firmware === "bios" ? ["grub-pc", "grub2-pc"] : ["grub-efi-amd64", "grub2-efi-x64-modules"];
    lacks.push(`GRUB for ${firmware.toUpperCase()} is missing: install ${names[0]} (RHEL: ${names[1]})`);
  }
  return lacks;
}

function layoutLacks({ disks, fileSystems }: DiskLayout): string[] {
  const later = "not yet rebuilt by this version";
  const lacks: string[] = [];
  if (disks.length > 1) lacks.push(`the machine's file systems lie on ${disks.length} disks: ${later}`);
  for (const { name, obstacle } of disks) {
    if (obstacle !== undefined) lacks.push(`${name}: ${obstacle}, which is not rebuilt`);
  }
  for (const { volume, type, mountPoint, obstacle } of fileSystems) {
    if (volume.kind === "md" || volume.kind === "lv") {
      lacks.push(`${describeVolume(volume)} (${mountPoint}): ${later}`);
    } else if (!REBUILT.has(type)) lacks.push(`${type} on ${mountPoint}: ${later}`);
    else if (obstacle !== undefined) lacks.push(`${mountPoint} (${type}): ${obstacle}, so it is not rebuilt`);
  }
  return lacks;
}
