/** Reads the facts of a template: its system, its disks, and the obstacles to booting a clone of it. */
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { type Run, runCommand } from "../sys/command.ts";
import { type MountEntry, readMountTable } from "../sys/mount_table.ts";
import { exists, namesIn, textOf } from "../sys/small_file.ts";
import { CAPTURE_TOOLS, CLONE_TOOLS, REQUIRED_TOOLS } from "#contract/tools.ts";
import { bootFacts } from "./boot_facts.ts";
import { configObstacles, initramfsNotes, programObstacles, withObstacles } from "./boot_obstacles.ts";
import { noteDisks } from "./disk_notes.ts";
import { kernelPaths } from "#contract/distributions.ts";
import {
  obstaclesToBoot,
  obstaclesToCapture,
  type Presence,
  PROBED_PATHS,
  refusalsOf,
} from "./bootability.ts";
import { absentRootObstacle } from "./layout_obstacles.ts";
import { parseCrypttab } from "../layout/luks/crypttab.ts";
import { readLayout } from "../layout/read_layout.ts";
import { answers, LocalTree } from "./local_tree.ts";
import type { OwnMount } from "../layout/mounts/own_mounts.ts";
import { findSwapFiles } from "./swap_files.ts";

interface MachineFacts {
  /** Absent if the root is not the live system's. */
  readonly source?: Source;
  readonly layout?: DiskLayout;
  /** Obstacles to booting a clone, each with its remedy. */
  readonly obstacles: readonly string[];
  /** Those of them that make every clone impossible: the machine is not captured unless that is wanted. */
  readonly refusals?: readonly string[];
  /** What would be different on clones. */
  readonly notes?: readonly string[];
  /** The machine's own file systems and where they are mounted. */
  readonly mountPoints: readonly OwnMount[];
}

/**
 * Reads the machine if `root` is "/"; any other directory is a plain tree without disks. Throws RackseedError if a
 * program fails; a missing program is an obstacle.
 */
export async function readMachine(
  { root, run = runCommand }: { root: string; run?: Run },
): Promise<MachineFacts> {
  if (await Deno.realPath(root) !== "/") return { obstacles: [], mountPoints: [] };
  const source = await readSource();
  const presence = await readPresence(source);
  const unreadable = obstaclesToCapture(presence, source);
  if (unreadable.length > 0) return unclonable(source, unreadable);
  const crypttab = parseCrypttab(await textOf("/etc/crypttab") ?? "");
  const machine = await readLayout({ run, crypttab });
  if (!machine.layout.fileSystems.some(({ mountPoint }) => mountPoint === "/")) {
    return unclonable(source, [absentRootObstacle(readMountTable())]);
  }
  const tree = new LocalTree(root, readMountTable());
  const swapFiles = await findSwapFiles(tree, { inUse: await textOf("/proc/swaps"), run });
  const found = { ...machine.layout, swapFiles };
  const boot = await bootFacts(tree, { layout: found, source, run });
  const layout = { ...found, ...(boot && { boot }) };
  const obstacles = await configObstacles(tree, layout);
  const late = [...programObstacles(boot, { source, ...presence }), ...obstacles];
  return {
    source,
    layout: withObstacles(layout, late),
    obstacles: [...obstaclesToBoot({ ...machine, layout }, { source, presence }), ...obstacles],
    refusals: [...refusalsOf(layout, { source, presence }), ...obstacles],
    notes: [...await noteDisks(tree, layout), ...initramfsNotes(layout)],
    mountPoints: machine.mountPoints,
  };
}

function unclonable(source: Source, obstacles: readonly string[]): MachineFacts {
  return { source, obstacles, refusals: obstacles, mountPoints: [] };
}

async function readSource(): Promise<Source> {
  const release = parseOsRelease(
    await textOf("/etc/os-release") ?? await textOf("/usr/lib/os-release") ?? "",
  );
  return {
    hostname: Deno.hostname(),
    ...distributionOf(release),
    architecture: Deno.build.arch,
    firmware: await exists("/sys/firmware/efi") ? "uefi" : "bios",
    kernel: Deno.osRelease(),
    kernels: await kernelsWithModules(),
  };
}

/**
 * Parses os-release(5): shell assignments, with values quoted or bare.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const release = parseOsRelease('ID=debian\nVERSION_ID="12"\n');
 * assert.equal(release.get("VERSION_ID"), "12");
 * ```
 */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const pairs = [...text.matchAll(/^([A-Z0-9_]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*))$/gm)];
  return new Map(pairs.map(([, key = "", double, single, bare]) => [
    key,
    double?.replace(/\\(.)/g, "$1") ?? single ?? bare?.trim() ?? "",
  ]));
}

export function distributionOf(
  release: ReadonlyMap<string, string>,
): Pick<Source, "distribution" | "release" | "description" | "like"> {
  const like = release.get("ID_LIKE");
  return {
    distribution: (release.get("ID") ?? "linux").slice(0, 64),
    release: (release.get("VERSION_ID") ?? "").slice(0, 64),
    description: (release.get("PRETTY_NAME") ?? "Linux").slice(0, 255),
    ...(like !== undefined && { like: like.slice(0, 200) }),
  };
}

export function newestFirst(releases: readonly string[]): string[] {
  return [...releases].sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
}

async function kernelsWithModules(): Promise<string[]> {
  const releases: string[] = [];
  for (const name of await namesIn("/lib/modules")) {
    if (await exists(`/lib/modules/${name}/modules.dep`)) releases.push(name);
  }
  return newestFirst(releases).slice(0, 64);
}

const PROGRAM_FOLDERS = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/** Without those on a network or FUSE mount, which may never answer. */
function programFolders(table: readonly MountEntry[]): string[] {
  return PROGRAM_FOLDERS.filter((folder) => answers(folder, table));
}

async function readPresence(source: Source): Promise<Presence> {
  const programs = new Set<string>(), folders = programFolders(readMountTable());
  for (
    const { name } of [...REQUIRED_TOOLS, ...CLONE_TOOLS, ...CAPTURE_TOOLS, { name: "grub2-install" }, {
      name: "bootctl",
    }]
  ) {
    for (const directory of folders) {
      if (await exists(`${directory}/${name}`)) programs.add(name);
    }
  }
  const paths = new Set<string>();
  for (const path of [...PROBED_PATHS, ...kernelPaths(source.kernel)]) {
    if (await exists(path)) paths.add(path);
  }
  return { programs, paths };
}
