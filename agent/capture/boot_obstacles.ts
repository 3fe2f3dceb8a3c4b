/** Finds the obstacles to a clone's boot loader at capture: what an installation would fail on. Pure but for the tree. */
import type { BootFacts } from "#contract/format/boot.ts";
import { type DiskLayout, isEsp } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { packageIn } from "#contract/distributions.ts";
import { bootTexts } from "../boot_config/boot_texts.ts";
import { rootObstacle } from "../boot_config/prove_root.ts";
import type { TemplateDisks } from "../disk_references/template_disks.ts";
import type { TreeReader } from "../tree/tree_files.ts";

/** GRUB's files for each firmware; Debian and RHEL use the same paths. */
export const GRUB_FILES = {
  bios: "/usr/lib/grub/i386-pc/kernel.img",
  uefi: "/usr/lib/grub/x86_64-efi/kernel.img",
} as const;

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
  if (boot === undefined) {
    obstacles.push(
      "no boot loader is found (GRUB, systemd-boot or a unified kernel image): install one of them, and start the " +
        "machine with it",
    );
    return obstacles;
  }
  return [...obstacles, ...programObstacles(boot, { source, programs, paths })];
}

function programObstacles({ loader, packaged }: BootFacts, { source, programs, paths }: Found): string[] {
  if (loader === "uki" || packaged) return [];
  if (loader === "systemd-boot") {
    const name = packageIn(source, {
      name: "bootctl",
      debian: "systemd-boot",
      rhel: "systemd-udev",
      when: "uefi",
    });
    return programs.has("bootctl") ? [] : [`the program bootctl is missing: install ${name}`];
  }
  const { firmware } = source;
  const installs = programs.has("grub-install") || programs.has("grub2-install");
  if (installs && paths.has(GRUB_FILES[firmware])) return [];
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
  const texts = await bootTexts(tree, { rewrittenFor: disks });
  if (texts.length === 0) return [];
  const obstacle = rootObstacle(texts, disks);
  return obstacle === undefined ? [] : [
    `the boot configuration (${texts[0]?.path}) does not find the root on a clone: ${obstacle}; remove ` +
    "GRUB_DISABLE_LINUX_UUID from /etc/default/grub and run update-grub, or correct the loader's entries",
  ];
}
