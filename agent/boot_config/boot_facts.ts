/** Reads how a system boots from its tree. */
import type { BootFacts } from "#contract/format/boot.ts";
import { type DiskLayout, isEsp } from "#contract/format/layout.ts";
import type { TreeReader } from "../tree/tree_files.ts";
import { readBootPrograms } from "./boot_programs.ts";
import { findProgram, SYSTEMD_BOOT_PROGRAMS, unifiedKernels } from "./esp_programs.ts";
import { initramfsProgram } from "./initramfs_program.ts";

const ENTRIES = ["/boot/loader/entries", "/boot/efi/loader/entries", "/efi/loader/entries"] as const;

interface FoundMachine {
  readonly layout: DiskLayout;
  readonly firmware: "bios" | "uefi";
  /** ID of os-release. */
  readonly distribution: string;
  /** EFI system partitions that are not mounted. */
  readonly copies: NonNullable<BootFacts["copies"]>;
  readonly drivers: readonly string[];
  /** What the loader said of itself in the firmware's variable LoaderInfo ("systemd-boot 252"); see bootctl(1). */
  readonly loaderInfo?: string | undefined;
}

/** Undefined if nothing is found that a clone could be started by. */
export async function readBootFacts(tree: TreeReader, machine: FoundMachine): Promise<BootFacts | undefined> {
  const { layout, firmware, distribution, copies, drivers } = machine;
  const esp = firmware === "uefi" ? layout.fileSystems.find(isEsp)?.mountPoint : undefined;
  const grubFolder = await grubFolderOf(tree);
  const loader = await loaderOf(tree, { ...machine, esp, hasGrub: grubFolder !== undefined });
  if (loader === undefined) return undefined;
  const program = esp === undefined
    ? undefined
    : await findProgram(tree, { esp, first: loader === "systemd-boot" ? "systemd" : distribution });
  const entries: BootFacts["entries"] = [];
  for (const folder of ENTRIES) {
    if ((await tree.list(folder)).some((path) => path.endsWith(".conf"))) entries.push(folder);
  }
  return {
    loader,
    ...(grubFolder !== undefined && { grubFolder }),
    ...(program !== undefined && { program }),
    ...(esp !== undefined && {
      programs: await readBootPrograms(tree, { esp, loader, grubFolder, program }),
    }),
    // where GRUB is called grub2, its signed programs for UEFI are files of packages: grub2-install must not replace them
    ...(loader === "grub" && program !== undefined && grubFolder === "/boot/grub2" && { packaged: true }),
    entries,
    ...(copies.length > 0 && { copies }),
    ...await initramfsProgram(tree),
    drivers: [...drivers],
  };
}

async function grubFolderOf(tree: TreeReader): Promise<BootFacts["grubFolder"]> {
  for (const folder of ["/boot/grub2", "/boot/grub"] as const) {
    // a link on UEFI, to the ESP's folder
    if (await tree.kind(`${folder}/grub.cfg`) !== undefined) return folder;
  }
  return undefined;
}

async function loaderOf(
  tree: TreeReader,
  { esp, hasGrub, loaderInfo, firmware }: Pick<FoundMachine, "loaderInfo" | "firmware"> & {
    esp: string | undefined;
    hasGrub: boolean;
  },
): Promise<BootFacts["loader"] | undefined> {
  if (firmware === "bios") return hasGrub ? "grub" : undefined;
  const found = esp === undefined
    ? []
    : await Promise.all(SYSTEMD_BOOT_PROGRAMS.map((name) => tree.kind(`${esp}/EFI/systemd/${name}`)));
  const hasSystemdBoot = found.includes("file");
  if (hasSystemdBoot && /^systemd-boot/.test(loaderInfo ?? "")) return "systemd-boot";
  if (hasGrub) return "grub";
  if (hasSystemdBoot) return "systemd-boot";
  return esp !== undefined && (await unifiedKernels(tree, esp)).length > 0 ? "uki" : undefined;
}
