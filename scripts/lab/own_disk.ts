/**
 * A disk with a boot program that prints one line on the serial port and halts. It changes nothing, so that a machine
 * that ended there still has exactly the same disk.
 */
import { run } from "./command.ts";
import type { Firmware } from "./qemu.ts";

export const ownDiskLine = "This is the machine's own disk.";

/** GUID of its EFI system partition. */
export const ownDiskPartition = "7d1f0a5e-3c52-4b0e-9a76-0d15c0b007ed";

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
  await run(["sfdisk", "--quiet", image], {
    stdin: `label: gpt\nstart=1MiB, size=62MiB, type=U, uuid=${ownDiskPartition}\n`,
  });
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

/** A UEFI application for x64: PE32+ (Microsoft PE format) with one section and no relocations. */
function efiProgram(): Uint8Array {
  // cld; mov edx,port; lea rsi,[rip + distance to message]
  const start = [0xfc, 0xba, port & 0xff, port >> 8, 0, 0, 0x48, 0x8d, 0x35, print.length, 0, 0, 0];
  const code = [...start, ...print, ...message];
  const file = new Uint8Array(0x400);
  const view = new DataView(file.buffer);
  const u16 = (offset: number, value: number) => view.setUint16(offset, value, true);
  const u32 = (offset: number, value: number) => view.setUint32(offset, value, true);
  const text = (offset: number, value: string) => file.set(new TextEncoder().encode(value), offset);
  text(0, "MZ");
  u32(0x3c, 0x40); // where the PE header is
  text(0x40, "PE");
  u16(0x44, 0x8664); // x64
  u16(0x46, 1); // sections
  u16(0x54, 0xf0); // size of the optional header
  u16(0x56, 0x22); // executable, large addresses
  const optional = 0x58;
  u16(optional, 0x20b); // PE32+
  u32(optional + 4, 0x200); // size of code
  u32(optional + 16, 0x1000); // entry point
  u32(optional + 20, 0x1000); // base of code
  u32(optional + 24, 0x400000); // image base
  u32(optional + 32, 0x1000); // section alignment
  u32(optional + 36, 0x200); // file alignment
  u32(optional + 56, 0x2000); // size of image
  u32(optional + 60, 0x200); // size of headers
  u16(optional + 68, 10); // EFI application
  u32(optional + 108, 16); // data directories
  const section = optional + 0xf0;
  text(section, ".text");
  u32(section + 8, code.length);
  u32(section + 12, 0x1000); // address
  u32(section + 16, 0x200); // size in the file
  u32(section + 20, 0x200); // offset in the file
  u32(section + 36, 0x60000020); // code, executable, readable
  file.set(code, 0x200);
  return file;
}

async function writeAt(
  path: string,
  { bytes, offset }: { readonly bytes: Uint8Array; readonly offset: number },
) {
  using file = await Deno.open(path, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(bytes);
}
