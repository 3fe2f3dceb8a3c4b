/** Finds the obstacles to booting a clone of this machine at capture, long before a node boots. Pure. */
import { type DiskLayout, isEsp } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { kernelPackage, kernelPaths, type OsRelease, packageIn } from "#contract/distributions.ts";
import { CAPTURE_TOOLS, packageOf, requiredTools, type Tool, usesOf } from "#contract/tools.ts";
import type { MachineLayout } from "../layout/read_layout.ts";
import { layoutObstacles, unseenObstacle } from "./layout_obstacles.ts";

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
