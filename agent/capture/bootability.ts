/** Finds the obstacles to booting a clone of this machine at capture, long before a node boots. Pure. */
import { describeVolume, type DiskLayout, isEsp } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { kernelPackage, kernelPaths, type OsRelease, packageIn } from "#contract/distributions.ts";
import { CAPTURE_TOOLS, packageOf, requiredTools, type Tool, usesOf } from "#contract/tools.ts";
import type { MachineLayout, Unseen } from "../layout/read_layout.ts";

/** What the template has, as found by the adapter (machine.ts). */
export interface Presence {
  /** Names of the programs that the machine has. */
  readonly programs: ReadonlySet<string>;
  /** Those of `PROBED_PATHS` and the kernel paths that exist. */
  readonly paths: ReadonlySet<string>;
}

/** GRUB's files for each firmware; Debian and RHEL use the same paths. */
const GRUB_FILES = {
  bios: "/usr/lib/grub/i386-pc/kernel.img",
  uefi: "/usr/lib/grub/x86_64-efi/kernel.img",
} as const;
export const PROBED_PATHS: readonly string[] = Object.values(GRUB_FILES);

const SUPPORTED = new Set(["ext2", "ext3", "ext4", "vfat", "xfs"]);

/** The missing programs without which the layout cannot be read. */
export function obstaclesToCapture({ programs }: Presence, source: OsRelease): string[] {
  return CAPTURE_TOOLS.filter((t) => t.when === undefined && !programs.has(t.name))
    .map((tool) => missingTool(tool, source));
}

export function obstaclesToBoot(
  { layout, unseen, notes }: Pick<MachineLayout, "layout" | "unseen" | "notes">,
  { source, presence }: { source: Source; presence: Presence },
): string[] {
  const uses = usesOf(layout, source.firmware);
  const needed = requiredTools(uses);
  return [
    ...needed.filter((t) => !presence.programs.has(t.name)).map((tool) => missingTool(tool, source)),
    ...kernelObstacles(source, presence),
    ...bootLoaderObstacles(layout, { source, presence }),
    ...layoutObstacles(layout),
    ...unseen.map(unseenObstacle),
    ...notes,
  ];
}

function unseenObstacle({ volume, type, because }: Unseen): string {
  const name = `${describeVolume(volume)} (${type})`;
  switch (because) {
    case "unmounted":
      return `${name} is not mounted, so clones get it empty: mount it to capture its content`;
    case "served":
      return `${name} is mounted by a program (FUSE), so clones get it empty: mount it with the kernel's driver to capture it`;
    case "hidden":
      return `${name} is hidden by another file system on its mount point, so clones get it empty: ` +
        "mount it elsewhere to capture its content";
  }
}

function missingTool(tool: Tool, source: OsRelease): string {
  return `the program ${tool.name} is missing: install ${packageOf(tool, source)}`;
}

function kernelObstacles(source: Source, { paths }: Presence): string[] {
  return kernelPaths(source.kernel).some((path) => paths.has(path)) ? [] : [
    `the running kernel (${source.kernel}) has no image in /boot: install ${kernelPackage(source)}, ` +
    "or reboot if the kernel was updated",
  ];
}

function bootLoaderObstacles(
  layout: DiskLayout,
  { source, presence: { programs, paths } }: { source: Source; presence: Presence },
): string[] {
  const { firmware } = source;
  const install = programs.has("grub-install") || programs.has("grub2-install");
  const obstacles: string[] = [];
  const esp = layout.fileSystems.some(isEsp);
  if (firmware === "uefi" && !esp) {
    obstacles.push("no EFI system partition is mounted: mount it on /boot/efi");
  }
  if (firmware === "uefi" && !programs.has("efibootmgr")) {
    obstacles.push("the program efibootmgr is missing: install efibootmgr");
  }
  if (!install || !paths.has(GRUB_FILES[firmware])) {
    const grub = packageIn(source, {
      name: "grub-install",
      debian: firmware === "bios" ? "grub-pc" : "grub-efi-amd64",
      rhel: firmware === "bios" ? "grub2-pc" : "grub2-efi-x64-modules",
      when: firmware,
    });
    obstacles.push(`GRUB for ${firmware.toUpperCase()} is missing: install ${grub}`);
  }
  return obstacles;
}

function layoutObstacles({ disks, fileSystems }: DiskLayout): string[] {
  const later = "not supported by this version yet";
  const obstacles: string[] = [];
  if (disks.length > 1) obstacles.push(`the file systems are on ${disks.length} disks: ${later}`);
  for (const { name, obstacle } of disks) {
    if (obstacle !== undefined) obstacles.push(`${name}: ${obstacle}, which is not supported`);
  }
  for (const { volume, type, mountPoint, obstacle } of fileSystems) {
    if (volume.kind === "md" || volume.kind === "lv") {
      obstacles.push(`${describeVolume(volume)} (${mountPoint}): ${later}`);
    } else if (!SUPPORTED.has(type)) obstacles.push(`${type} on ${mountPoint}: ${later}`);
    else if (obstacle !== undefined) {
      obstacles.push(`${mountPoint} (${type}): ${obstacle}, which is not supported`);
    }
  }
  return obstacles;
}
