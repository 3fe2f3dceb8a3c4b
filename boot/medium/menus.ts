/** The menus of the boot programs of a medium, which is for x86-64: both start the agent at once. Pure. */

import { consolesOf } from "../menu/kernel.ts";

/** The folder of everything that the agent reads, in the case of the kernel's iso9660. */
export const MEDIUM_FOLDER = "rackseed";

const parameters = (id: string) => [`rackseed.medium=${id}`, ...consolesOf("x86_64")].join(" ");

/** isolinux.cfg, for BIOS. */
export function isolinuxMenu(id: string): string {
  return `SERIAL 0 115200
DEFAULT rackseed
PROMPT 0
SAY Rackseed: starting from this medium (${id})
LABEL rackseed
  LINUX /${MEDIUM_FOLDER}/vmlinuz.bin
  INITRD /${MEDIUM_FOLDER}/initrd.img
  APPEND ${parameters(id)}
`;
}

/** grub.cfg, for UEFI. The file with the medium's id tells it from another one. */
export function grubMenu(id: string): string {
  return `search --no-floppy --set=root --file /${MEDIUM_FOLDER}/${id}.id
echo "Rackseed: starting from this medium (${id})"
linux /${MEDIUM_FOLDER}/vmlinuz.bin ${parameters(id)}
initrd /${MEDIUM_FOLDER}/initrd.img
boot
`;
}
