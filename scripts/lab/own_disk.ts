/**
 * A disk with a boot program that prints one line on the serial port and halts. It changes nothing, so that a machine
 * that ended there still has exactly the same disk.
 */
import { efiApplication } from "../../boot/programs/own_disk_program.ts";
import { run } from "./command.ts";
import type { Firmware } from "./qemu.ts";

export const ownDiskLine = "This is the machine's own disk.";

export const ownDiskPrograms = ["truncate", "sfdisk", "mkfs.vfat", "mmd", "mcopy"];

/** Writes a raw image of 64 MiB at `image`. */
export async function writeOwnDisk(
  image: string,
  { firmware }: { readonly firmware: Firmware },
): Promise<void> {
  await run(["truncate", "-s", "64M", image]);
  if (firmware === "bios") {
    await run(["sfdisk", "--quiet", image], { stdin: "label: dos\n1M,,83,*\n" });
    await writeAt(image, { bytes: bootCode(), offset: 0 });
    return;
  }
  await run(["sfdisk", "--quiet", image], { stdin: "label: gpt\n1M,62M,U\n" });
  await run(["mkfs.vfat", "--offset", "2048", image, `${62 * 1024}`]);
  const program = `${image}.efi`;
  await Deno.writeFile(program, efiProgram());
  const esp = `${image}@@1M`;
  await run(["mmd", "-i", esp, "::/EFI", "::/EFI/BOOT"]);
  await run(["mcopy", "-i", esp, program, "::/EFI/BOOT/BOOTX64.EFI"]);
  await Deno.remove(program);
}

const message = [...new TextEncoder().encode(`\r\n${ownDiskLine}\r\n`), 0];

// lodsb; test al,al; jz stop; out dx,al; jmp back; stop: hlt; jmp stop (the same bytes in 16 and 64 bit mode)
const print = [0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, 0xf4, 0xeb, 0xfd];
const port = 0x3f8;

/** The boot code area of an MBR, which the BIOS starts at 0:7c00. The partition table is not changed. */
function bootCode(): Uint8Array {
  // xor ax,ax; mov ds,ax; cld; mov dx,port; mov si,message
  const start = [0x31, 0xc0, 0x8e, 0xd8, 0xfc, 0xba, port & 0xff, port >> 8, 0xbe];
  const at = 0x7c00 + start.length + 2 + print.length;
  return Uint8Array.from([...start, at & 0xff, at >> 8, ...print, ...message]);
}

/** A UEFI application for x64 that prints the line. */
function efiProgram(): Uint8Array {
  // cld; mov edx,port; lea rsi,[rip + distance to message]
  const start = [0xfc, 0xba, port & 0xff, port >> 8, 0, 0, 0x48, 0x8d, 0x35, print.length, 0, 0, 0];
  return efiApplication([...start, ...print, ...message]);
}

async function writeAt(
  path: string,
  { bytes, offset }: { readonly bytes: Uint8Array; readonly offset: number },
) {
  using file = await Deno.open(path, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(bytes);
}
