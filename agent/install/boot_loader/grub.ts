/** GRUB, installed by the image's own grub-install. */
import { ARCHITECTURES } from "#contract/architectures.ts";
import { type BootLoaderOptions, inClone, missingProgram } from "./in_clone.ts";
import { hasProgram } from "../../tree/programs.ts";

/**
 * Into the first sectors of each disk. `devices`: proven disks, all of which carry a part of /boot. GRUB's image does
 * not depend on the disk then, so it is made for the first, which takes most of the time, and written to the others.
 */
export async function installGrub(devices: readonly string[], options: BootLoaderOptions): Promise<void> {
  const program = await grubInstall(options);
  const name = program === "grub-install" ? "grub" : "grub2", setUp = await biosSetUp(name, options);
  for (const [i, device] of devices.entries()) {
    const argv = i > 0 && setUp !== undefined
      ? [setUp, `--directory=/boot/${name}/i386-pc`, device] as const
      : [program, "--target=i386-pc", "--recheck", device] as const;
    await inClone(argv, options);
  }
}

/** Debian has it beside GRUB's modules. */
async function biosSetUp(
  name: "grub" | "grub2",
  { clone }: BootLoaderOptions,
): Promise<string | undefined> {
  const program = `${name}-bios-setup`, beside = `/usr/lib/grub/i386-pc/${program}`;
  if (await hasProgram(clone, program)) return program;
  return await clone.kind(beside) === "file" ? beside : undefined;
}

/** `makesEntry`: whether it makes the firmware's entry, too; it cannot for an ESP on an array. */
export async function installGrubOnEsp(
  esp: string,
  { makesEntry, ...options }: BootLoaderOptions & { readonly makesEntry: boolean },
): Promise<void> {
  const program = await grubInstall(options), { grubPlatform } = ARCHITECTURES[Deno.build.arch];
  const install = [program, `--target=${grubPlatform}`, `--efi-directory=${esp}`, "--recheck"] as const;
  // the fallback first: it starts the node even if the firmware accepts no entry
  await inClone([...install, "--removable", "--no-nvram"], options);
  const id = entryName(options.distribution);
  await inClone([...install, `--bootloader-id=${id}`, ...makesEntry ? [] : ["--no-nvram"]], options);
}

/** Name of the firmware's entry, and of the loader's folder on the ESP. */
export function entryName(distribution: string): string {
  return distribution.replace(/[^\w.-]/g, "") || "linux";
}

async function grubInstall({ clone }: BootLoaderOptions): Promise<"grub-install" | "grub2-install"> {
  for (const name of ["grub-install", "grub2-install"] as const) {
    if (await hasProgram(clone, name)) return name;
  }
  const { debian, grubRhel } = ARCHITECTURES[Deno.build.arch];
  throw missingProgram(
    "grub-install",
    `install grub-pc or grub-efi-${debian} (RHEL: grub2-pc or ${grubRhel}-modules) on the template and capture it again.`,
  );
}
