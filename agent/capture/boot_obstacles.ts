/** Finds the obstacles to a clone's boot loader at capture: what an installation would fail on. Pure but for the tree. */
import { ARCHITECTURE_NAMES, architectureOf, ARCHITECTURES } from "#contract/architectures.ts";
import type { BootFacts } from "#contract/format/boot.ts";
import { type DiskLayout, isEsp } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { packageIn } from "#contract/distributions.ts";
import { OwnPatterns } from "#contract/own_files/pattern.ts";
import { OWN_FILES } from "#contract/own_files/table.ts";
import { bootTexts } from "../boot_config/boot_texts.ts";
import { rootObstacle } from "../boot_config/prove_root.ts";
import { anyDisks } from "./disk_notes.ts";
import type { TemplateDisks } from "../disk_references/template_disks.ts";
import { coveredTexts } from "../disk_references/covered_texts.ts";
import { Rewriting } from "../disk_references/rewriting.ts";
import { initramfsNeeds } from "../boot_config/initramfs_needs.ts";
import { unifiedNeeds } from "../boot_config/unified_needs.ts";
import { hasProgram } from "../tree/programs.ts";
import type { TreeReader } from "../tree/tree_files.ts";

/** GRUB's file for a firmware; Debian and RHEL use the same paths. */
function grubFile({ firmware, architecture }: Pick<Source, "firmware" | "architecture">): string {
  const { grubPlatform } = ARCHITECTURES[architectureOf(architecture) ?? Deno.build.arch];
  return `/usr/lib/grub/${firmware === "bios" ? "i386-pc" : grubPlatform}/kernel.img`;
}

/** What bootctl(1) installs. */
function systemdBootFiles(architecture: string): [plain: string, signed: string] {
  const { efi } = ARCHITECTURES[architectureOf(architecture) ?? Deno.build.arch];
  const plain = `/usr/lib/systemd/boot/efi/systemd-boot${efi}.efi`;
  return [plain, `${plain}.signed`];
}

/** What `programObstacles` looks for. */
export const LOADER_FILES: readonly string[] = ARCHITECTURE_NAMES.flatMap((architecture) => [
  ...(["bios", "uefi"] as const).map((firmware) => grubFile({ firmware, architecture })),
  ...systemdBootFiles(architecture),
]);

/** `programs`, `paths`: what the machine has of those that are looked for. */
interface Found {
  readonly source: Source;
  readonly programs: ReadonlySet<string>;
  readonly paths: ReadonlySet<string>;
}

/** Obstacles from missing programs and partitions. Pure. */
export function loaderObstacles(layout: DiskLayout, { source, programs, paths }: Found): string[] {
  const { firmware } = source, { boot } = layout;
  const obstacles: string[] = [];
  if (firmware === "uefi" && !layout.fileSystems.some(isEsp)) {
    obstacles.push("no EFI system partition is mounted: mount it on /boot/efi");
  }
  if (firmware === "uefi" && boot?.loader !== "systemd-boot" && !programs.has("efibootmgr")) {
    obstacles.push("the program efibootmgr is missing: install efibootmgr");
  }
  return [...obstacles, ...programObstacles(boot, { source, programs, paths })];
}

/** What an installation would miss at its end, with the disks overwritten. */
export function programObstacles(boot: BootFacts | undefined, { source, programs, paths }: Found): string[] {
  if (boot === undefined) {
    return [
      "no boot loader is found (GRUB, systemd-boot or a unified kernel image): install one of them, and start the " +
      "machine with it",
    ];
  }
  const { loader, packaged } = boot;
  if (loader === "uki" || packaged) return [];
  if (loader === "systemd-boot") {
    const files = systemdBootFiles(source.architecture);
    const name = packageIn(source, {
      name: "bootctl",
      debian: "systemd-boot",
      rhel: "systemd-udev",
      when: "uefi",
    });
    return [
      ...programs.has("bootctl") ? [] : [`the program bootctl is missing: install ${name}`],
      ...files.some((path) => paths.has(path)) ? [] : [
        `${files[0]} is missing: install ${
          packageIn(source, {
            name: "systemd-bootx64.efi",
            debian: "systemd-boot-efi",
            rhel: "systemd-boot-unsigned",
            when: "uefi",
          })
        }`,
      ],
    ];
  }
  const { firmware } = source;
  const installs = programs.has("grub-install") || programs.has("grub2-install");
  if (installs && paths.has(grubFile(source))) return [];
  const grub = packageIn(source, {
    name: "grub-install",
    debian: firmware === "bios" ? "grub-pc" : "grub-efi-amd64",
    rhel: firmware === "bios" ? "grub2-pc" : "grub2-efi-x64-modules",
    when: firmware,
  });
  return [`GRUB for ${firmware.toUpperCase()} is missing: install ${grub}`];
}

/** Whether a clone's boot configuration, as rewritten for it, would find its root. */
export async function rootObstacles(tree: TreeReader, disks: TemplateDisks): Promise<string[]> {
  const texts = await bootTexts(tree, { rewrittenFor: disks }), { boot } = disks.layout;
  if (texts.length === 0) return boot && !await makesMenu(tree, boot) ? [NO_CONFIGURATION] : [];
  const obstacle = rootObstacle(texts, disks);
  return obstacle === undefined ? [] : [
    `the boot configuration (${texts[0]?.path}) does not find the root on a clone: ${obstacle}; remove ` +
    "GRUB_DISABLE_LINUX_UUID from /etc/default/grub and run update-grub, or correct the loader's entries",
  ];
}

const NO_CONFIGURATION =
  "no boot configuration is found (grub.cfg, loader entries, or the command line in a unified kernel image): run " +
  "update-grub (RHEL: grub2-mkconfig -o /boot/grub2/grub.cfg), or add an entry for the loader";

/** Whether an installation makes GRUB's menu if there is none. */
async function makesMenu(tree: TreeReader, { loader }: BootFacts): Promise<boolean> {
  if (loader !== "grub") return false;
  return await hasProgram(tree, "grub-mkconfig") || await hasProgram(tree, "grub2-mkconfig");
}

/** Any machine-id but the template's. */
const SOME_CLONE = "f".repeat(32);

/** Whether every clone needs another initramfs, and none can be made. */
export async function initramfsObstacles(tree: TreeReader, disks: TemplateDisks): Promise<string[]> {
  const { boot } = disks.layout;
  if (boot?.noRemake === undefined) return [];
  // what clones do without names nothing there
  const removed = new OwnPatterns(OWN_FILES.flatMap((row) => row.clone === "removed" ? row.paths : []));
  const changed = (await coveredTexts(tree)).filter(({ path, text, rewrite, inInitramfs }) =>
    inInitramfs && !removed.has(path.slice(1)) && rewrite(text, new Rewriting(path, disks)) !== text
  );
  const needs = [
    ...initramfsNeeds({ facts: boot, drivers: [], rewritten: changed.map(({ path }) => path), disks }),
    ...await unifiedNeeds(tree, { disks, own: SOME_CLONE }),
  ];
  const [first] = needs.filter(({ isVital }) => isVital);
  return first === undefined ? [] : [
    `a clone's initramfs must be made again (${first.because}), and cannot be: ${boot.noRemake}; correct that`,
  ];
}

/** What limits the machines that may become clones. */
export function initramfsNotes({ boot }: DiskLayout): string[] {
  return boot?.noRemake === undefined || !boot.hostOnly ? [] : [
    `the initramfs has only the drivers of this machine (${
      boot.drivers.join(", ") || "none"
    }) and cannot be made ` +
    `again on a clone, so only machines with these get it: ${boot.noRemake}`,
  ];
}

/** Obstacles in a system's own files, whichever machine becomes its clone. */
export async function configObstacles(tree: TreeReader, layout: DiskLayout): Promise<string[]> {
  const disks = anyDisks(layout);
  return [...await rootObstacles(tree, disks), ...await initramfsObstacles(tree, disks)];
}

/** All of them, for a system that does not run. */
export async function stillObstacles(
  tree: TreeReader,
  { layout, source }: { layout: DiskLayout; source: Source },
): Promise<string[]> {
  const programs = new Set<string>(), paths = new Set<string>();
  for (const name of ["grub-install", "grub2-install", "bootctl"]) {
    if (await hasProgram(tree, name)) programs.add(name);
  }
  for (const path of LOADER_FILES) {
    if (await tree.kind(path) !== undefined) paths.add(path);
  }
  return [
    ...programObstacles(layout.boot, { source, programs, paths }),
    ...await configObstacles(tree, layout),
  ];
}

/** The layout with what makes the plan of every installation fail before anything is written. */
export function withObstacles(layout: DiskLayout, obstacles: readonly string[]): DiskLayout {
  if (obstacles.length === 0) return layout;
  return { ...layout, obstacles: obstacles.slice(0, 32).map((text) => text.slice(0, 500)) };
}
