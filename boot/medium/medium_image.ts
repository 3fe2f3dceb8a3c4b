/** A bootable medium as one file: a disc that is a disk as well, for BIOS and UEFI, with Secure Boot by shim. */
import type { BootFile } from "../boot_file.ts";
import { fileOfBytes } from "../tftp/tftp_file.ts";
import { fatImage } from "./fat.ts";
import { bootRecord, CYLINDER, withBootTable } from "./hybrid.ts";
import { layOutDisc, SECTOR } from "./iso9660.ts";
import { grubMenu, isolinuxMenu, MEDIUM_FOLDER } from "./menus.ts";

/** The boot programs of a medium, by the names in ../programs/programs.ts. */
export const MEDIUM_PROGRAMS = [
  "isolinux.bin",
  "ldlinux.c32",
  "isohdpfx.bin",
  "shimx64.efi",
  "gcdx64.efi",
] as const;
export type MediumProgram = typeof MEDIUM_PROGRAMS[number];

interface MediumOptions {
  /** Eight hexadecimal digits. */
  readonly id: string;
  readonly created: Date;
  readonly program: (name: MediumProgram) => Uint8Array;
  readonly kernel: BootFile;
  readonly initramfs: BootFile;
  /** What the agent reads, by its name below MEDIUM_FOLDER: "medium.jsn". */
  readonly files: readonly { readonly name: string; readonly file: BootFile }[];
}

/** The volume's name, by which the agent finds the medium. */
export function mediumLabel(id: string): string {
  if (!/^[0-9a-f]{8}$/.test(id)) throw new TypeError(`${id} is not the id of a medium`);
  return `RACKSEED_${id.toUpperCase()}`;
}

/** Closing it closes all files. */
export function mediumImage({ id, created, program, kernel, initramfs, files }: MediumOptions): BootFile {
  const label = mediumLabel(id);
  const text = (content: string) => fileOfBytes(new TextEncoder().encode(content));
  const isolinux = program("isolinux.bin");
  const efi = fatImage([
    { path: "EFI/BOOT/BOOTX64.EFI", bytes: program("shimx64.efi") },
    { path: "EFI/BOOT/GRUBX64.EFI", bytes: program("gcdx64.efi") },
  ], { label: "RACKSEED" });
  const inside = (name: string) => `${MEDIUM_FOLDER}/${name}`.toUpperCase();
  const contents = new Map<string, BootFile>([
    ["ISOLINUX/ISOLINUX.BIN", fileOfBytes(isolinux)],
    ["ISOLINUX/LDLINUX.C32", fileOfBytes(program("ldlinux.c32"))],
    ["ISOLINUX/ISOLINUX.CFG", text(isolinuxMenu(id))],
    ["EFI.IMG", fileOfBytes(efi)],
    // the signed GRUB looks for the first, and reads the second beside it
    [".DISK/INFO", text("Rackseed\n")],
    ["BOOT/GRUB/GRUB.CFG", text(grubMenu(id))],
    [inside(`${id}.id`), text(`${id}\n`)],
    [inside("vmlinuz.bin"), kernel],
    [inside("initrd.img"), initramfs],
    ...files.map(({ name, file }) => [inside(name), file] as const),
  ]);
  const disc = layOutDisc({
    label,
    created,
    files: [...contents].map(([path, { sizeBytes }]) => ({ path, sizeBytes })),
    boot: { bios: "ISOLINUX/ISOLINUX.BIN", efi: "EFI.IMG" },
  });
  const sectorOf = (path: string) => disc.places.get(path)!;
  contents.set(
    "ISOLINUX/ISOLINUX.BIN",
    fileOfBytes(withBootTable(isolinux, { sector: sectorOf("ISOLINUX/ISOLINUX.BIN") })),
  );
  const sizeBytes = Math.ceil((disc.sectors * SECTOR + TAIL_BYTES) / CYLINDER) * CYLINDER;
  const record = bootRecord(program("isohdpfx.bin"), {
    isolinux: sectorOf("ISOLINUX/ISOLINUX.BIN"),
    efi: { sector: sectorOf("EFI.IMG"), sizeBytes: efi.length },
    sizeBytes,
    diskId: parseInt(id, 16),
  });
  return joined([
    { start: 0, file: fileOfBytes(record) },
    { start: 16 * SECTOR, file: fileOfBytes(disc.head) },
    ...[...contents].map(([path, file]) => ({ start: sectorOf(path) * SECTOR, file })),
  ], sizeBytes);
}

/** Drives read ahead of the last sectors of a disc, and fail if there are none: 150 sectors more are customary. */
const TAIL_BYTES = 150 * SECTOR;

/** Files at their places, with zeros between. `parts`: in order, without overlaps. */
function joined(parts: readonly { start: number; file: BootFile }[], sizeBytes: number): BootFile {
  return {
    sizeBytes,
    read(offset, into) {
      const end = Math.min(offset + into.length, sizeBytes);
      if (end <= offset) return 0;
      into.fill(0, 0, end - offset);
      for (const { start, file } of parts) {
        const from = Math.max(offset, start), to = Math.min(end, start + file.sizeBytes);
        if (from >= to) continue;
        const read = file.read(from - start, into.subarray(from - offset, to - offset));
        if (read < to - from) throw new Deno.errors.UnexpectedEof("a file of the medium has become shorter");
      }
      return end - offset;
    },
    close: () => parts.forEach(({ file }) => file.close?.()),
  };
}
