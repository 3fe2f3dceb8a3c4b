/** Which boot loader the clone needs, and whether there is room for it. Pure. */
import { isEsp } from "#contract/format/layout.ts";
import { type Buildable, refusal } from "./buildable.ts";

export type BootLoaderPlan =
  | { readonly firmware: "bios"; readonly rootUuid: string }
  | {
    readonly firmware: "uefi";
    readonly rootUuid: string;
    /** Mount point of the EFI system partition. */
    readonly esp: string;
    readonly espPartition: number;
  };

/** A GPT's partition type for GRUB's core image. */
export const BIOS_BOOT_TYPE = "21686148-6449-6e6f-744e-656564454649";

/** Throws RackseedError if there is no room for one. */
export function planBootLoader({ layout, table, firmware, image }: Buildable): BootLoaderPlan {
  const rootUuid = layout.fileSystems.find((f) => f.mountPoint === "/")?.uuid ?? "";
  if (firmware === "uefi") {
    const esp = layout.fileSystems.find(isEsp);
    if (esp?.volume.kind !== "partition") {
      throw refusal(image, {
        reason: "its template boots with UEFI but has no EFI system partition mounted.",
        remedy: "mount it on /boot/efi on the template and capture it again.",
      });
    }
    return { firmware, rootUuid, esp: esp.mountPoint, espPartition: esp.volume.number };
  }
  if (table.table === "gpt" && !table.partitions.some((p) => p.type.toLowerCase() === BIOS_BOOT_TYPE)) {
    throw refusal(image, {
      reason: "its GPT has no BIOS boot partition, so GRUB has no room.",
      remedy: "give the template a partition of 1 MiB of type BIOS boot, and capture it again.",
    });
  }
  return { firmware, rootUuid };
}
