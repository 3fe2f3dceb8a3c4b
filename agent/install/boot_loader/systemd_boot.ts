/** systemd-boot and unified kernel images (systemd-boot(7), systemd-stub(7)). */
import { RackseedError } from "#contract/errors.ts";
import { FALLBACK, unifiedKernels } from "../../boot_config/esp_programs.ts";
import { type BootLoaderOptions, inClone, missingProgram, TITLE } from "./in_clone.ts";
import { hasProgram } from "../../tree/programs.ts";

/**
 * Runs the image's own bootctl. In a chroot it cannot check that the folder is an EFI system partition, which the plan
 * has made sure of; the firmware's entries are made apart, one for each ESP.
 */
export async function installSystemdBoot(esp: string, options: BootLoaderOptions): Promise<void> {
  const { clone } = options;
  if (!await hasProgram(clone, "bootctl")) {
    throw missingProgram("bootctl", "install systemd-boot on the template and capture it again.");
  }
  const relaxed = ["env", "SYSTEMD_RELAX_ESP_CHECKS=1", "SYSTEMD_RELAX_XBOOTLDR_CHECKS=1"] as const;
  await inClone([...relaxed, "bootctl", "install", `--esp-path=${esp}`, "--no-variables"], options);
}

/** The firmware starts the kernel itself: the newest becomes the fallback if the template had none. */
export async function installUnified(esp: string, { clone }: BootLoaderOptions): Promise<void> {
  const [newest] = await unifiedKernels(clone, esp);
  const from = newest === undefined ? undefined : await clone.file(newest);
  if (from === undefined) {
    throw new RackseedError(TITLE, {
      reason: `there is no unified kernel image in ${esp}/EFI/Linux.`,
      remedy: "run `kernel-install add-all` (Arch: mkinitcpio -P) on the template and capture it again.",
    });
  }
  const fallback = `${esp}/${FALLBACK}`;
  if (await clone.kind(fallback) !== undefined) return;
  await clone.replace(fallback, (at) => Deno.copyFile(from, at));
}
