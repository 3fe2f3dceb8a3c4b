/** Finds the obstacles to booting a clone of this machine at capture, long before a node boots. Pure. */
import { describeVolume, type DiskLayout, type Volume } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { kernelPackage, kernelPaths, type OsRelease } from "#contract/distributions.ts";
import { CAPTURE_TOOLS, packageOf, requiredTools, type Tool, usesOf } from "#contract/tools.ts";
import { obstaclesOf } from "#plan/capture_obstacles.ts";
import type { MachineLayout } from "../layout/read_layout.ts";
import { LOADER_FILES, loaderObstacles, programObstacles } from "./boot_obstacles.ts";
import { layoutObstacles, unseenObstacle } from "./layout_obstacles.ts";

/** What the template has, as found by the adapter (machine.ts). */
export interface Presence {
  /** Names of the programs that the machine has. */
  readonly programs: ReadonlySet<string>;
  /** Those of `PROBED_PATHS` and the kernel paths that exist. */
  readonly paths: ReadonlySet<string>;
}

export const PROBED_PATHS: readonly string[] = LOADER_FILES;

/** The missing programs without which the layout cannot be read. */
export function obstaclesToCapture({ programs }: Presence, source: OsRelease): string[] {
  return CAPTURE_TOOLS.filter((t) => t.when === undefined && !programs.has(t.name))
    .map((tool) => missingTool(tool, source));
}

/** Those for which the plan of every installation is refused, or no node could boot the image. */
export function refusalsOf(
  layout: DiskLayout,
  { source, presence }: { source: Source; presence: Presence },
): string[] {
  const needed = requiredTools(usesOf(layout, source.firmware));
  const known = [...programObstacles(layout.boot, { source, ...presence }), ...layoutObstacles(layout)];
  return [
    ...needed.filter((t) => !presence.programs.has(t.name)).map((tool) => missingTool(tool, source)),
    ...kernelObstacles(source, presence),
    ...known.length > 0 ? known : obstaclesOf(layout, source.firmware),
  ];
}

export function obstaclesToBoot(
  { layout, unseen, notes }: Pick<MachineLayout, "layout" | "unseen" | "notes">,
  { source, presence }: { source: Source; presence: Presence },
): string[] {
  const uses = usesOf(layout, source.firmware);
  const needed = requiredTools(uses);
  const known = [...loaderObstacles(layout, { source, ...presence }), ...layoutObstacles(layout)];
  return [
    ...needed.filter((t) => !presence.programs.has(t.name)).map((tool) => missingTool(tool, source)),
    ...kernelObstacles(source, presence),
    // what the plan of an installation would refuse is refused here
    ...known.length > 0 ? known : obstaclesOf(layout, source.firmware),
    ...unseen.filter(({ volume }) => !isEspCopy(volume, layout)).map(unseenObstacle),
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

/** On a clone it is filled from the one that is mounted. */
function isEspCopy(volume: Volume, { boot }: DiskLayout): boolean {
  return boot?.copies?.some((copy) => describeVolume(copy.volume) === describeVolume(volume)) ?? false;
}
