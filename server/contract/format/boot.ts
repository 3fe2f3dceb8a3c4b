/** How a template boots, as found by the capture: a clone is made to boot in the same way. */
import { z } from "zod";
import { BootProgram } from "./boot_program.ts";
import { Volume } from "./volumes.ts";

const moduleName = z.string().max(64).regex(/^[A-Za-z0-9_-]+$/);

export const BootFacts = z.object({
  /** "uki": the firmware starts the kernel itself, a PE file with its initramfs and command line. */
  loader: z.enum(["grub", "systemd-boot", "uki"]),
  /** The folder with grub.cfg. */
  grubFolder: z.enum(["/boot/grub", "/boot/grub2"]).optional(),
  /** UEFI: the loader that the distribution starts, relative to the EFI system partition: "EFI/redhat/shimx64.efi". */
  program: z.string().max(255).regex(/^EFI\/[\w.+-]+(\/[\w.+-]+)*$/i).optional(),
  /** UEFI: the loader on the EFI system partition is a signed one from packages, and grub-install must not replace it. */
  packaged: z.boolean().optional(),
  /** UEFI: what Secure Boot judges of them. Absent in versions of earlier releases. */
  programs: z.array(BootProgram).max(32).optional(),
  /** Folders with entries of the Boot Loader Specification: "/boot/loader/entries". */
  entries: z.array(z.enum(["/boot/loader/entries", "/boot/efi/loader/entries", "/efi/loader/entries"])).max(
    3,
  ),
  /** EFI system partitions besides the one that is mounted, as on the second disk of a mirror. */
  copies: z.array(z.object({
    volume: Volume,
    uuid: z.string().max(64).regex(/^[0-9A-Za-z-]+$/).optional(),
    label: z.string().max(64).optional(),
  })).max(64).optional(),
  /** What makes the initramfs. */
  initramfs: z.enum(["initramfs-tools", "dracut", "mkinitcpio", "mkinitfs", "none"]),
  /** Whether the initramfs has only the drivers of the machine that it was made on. */
  hostOnly: z.boolean(),
  /** Modules of the drivers between the template's disks and its processor: "ahci", "virtio_blk". */
  drivers: z.array(moduleName).max(64),
  /** The system has multipathd(8), which joins the paths of a disk that is reached over several. */
  multipath: z.boolean().optional(),
  /** Why the image's own program cannot make the initramfs again on a clone. Absent if it can, or if that is not known. */
  noRemake: z.string().max(300).optional(),
  /** What the system lacks to run hooks at its first boot; likewise. */
  noFirstBoot: z.string().max(300).optional(),
  /** Why the image cannot bind a LUKS volume to a TPM 2.0; likewise. */
  noTpm: z.string().max(300).optional(),
});
export type BootFacts = z.infer<typeof BootFacts>;

/** What versions without these facts boot with. */
export const GRUB_ONLY: BootFacts = {
  loader: "grub",
  entries: [],
  initramfs: "initramfs-tools",
  hostOnly: false,
  drivers: [],
};
