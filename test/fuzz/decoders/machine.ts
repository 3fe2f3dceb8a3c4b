/** What a machine's own programs say of its disks and firmware, and files of its system. */
import fc from "fast-check";
import { parseFindmnt, parseLsblk } from "../../../agent/capture/layout_devices.ts";
import { parseBlkid, parseDumpe2fs, parseSfdisk } from "../../../agent/capture/layout_table.ts";
import { parseOsRelease } from "../../../agent/capture/machine.ts";
import { bootOrderAfter, parseEfiBoot } from "../../../agent/install/efi_boot_order.ts";
import { readCpio, writeCpio } from "../../../boot/initramfs/cpio.ts";
import { parseElf, readSection } from "../../../boot/initramfs/elf.ts";
import { decoder } from "./decoder.ts";
import { refusesAsJson, refusesBy, refusesInWords } from "./refusals.ts";

const fixture = (name: string) =>
  Deno.readTextFileSync(new URL(`../../../agent/capture/fixtures/${name}`, import.meta.url));

const EFI = `BootCurrent: 0003\nTimeout: 3 seconds\nBootOrder: 0003,0000,0001\nBoot0000* debian\n` +
  "Boot0001* UEFI: PXE IPv4 Intel(R) I350\nBoot0003* Onboard NIC (IPv4)\n";

const HOSTS = new TextEncoder().encode("127.0.0.1 x\n");

async function archive(): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const archive = writeCpio([
    { path: "etc", type: "directory", mode: 0o755 },
    {
      path: "etc/hosts",
      type: "file",
      mode: 0o644,
      sizeBytes: HOSTS.length,
      content: () => Promise.resolve(HOSTS),
    },
    { path: "etc/link", type: "symlink", target: "hosts" },
  ]);
  for await (const part of archive) parts.push(part);
  return Buffer.concat(parts);
}

/** A small program of this machine, cut where the tables that are read lie at its beginning. */
function program(): Uint8Array {
  return Deno.readFileSync("/bin/true").subarray(0, 60_000);
}

/** An ELF file of a header, one program header and a section table of its own. */
function smallElf(): Uint8Array {
  const bytes = new Uint8Array(64 + 56 + 3 * 64 + 32);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setBigUint64(0x20, 64n, true);
  view.setBigUint64(0x28, 120n, true);
  view.setUint16(0x36, 56, true);
  view.setUint16(0x38, 1, true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, 3, true);
  view.setUint16(0x3e, 1, true);
  bytes.set([3, 0, 0, 0], 64);
  view.setBigUint64(72, 312n, true);
  view.setBigUint64(96, 16n, true);
  view.setBigUint64(120 + 64 + 0x18, 312n, true);
  view.setBigUint64(120 + 64 + 0x20, 32n, true);
  bytes.set(new TextEncoder().encode("/lib/ld.so\0.modinfo\0"), 312);
  return bytes;
}

export const decoders = [
  decoder({
    name: "lsblk",
    inputs: fc.constantFrom(fixture("host_lsblk.json"), fixture("loop_lsblk.json")).map((text) =>
      text.slice(0, 60_000)
    ),
    decode: parseLsblk,
    refuses: refusesAsJson,
  }),
  decoder({
    name: "findmnt",
    inputs: fc.constant(fixture("loop_findmnt.json")),
    decode: parseFindmnt,
    refuses: refusesAsJson,
  }),
  decoder({
    name: "sfdisk",
    inputs: fc.constantFrom(fixture("loop_sfdisk.json"), fixture("mbr_sfdisk.json")),
    decode: parseSfdisk,
    refuses: refusesAsJson,
  }),
  decoder({
    name: "blkid",
    inputs: fc.constantFrom(fixture("loop_blkid_2.txt"), fixture("loop_blkid_5.txt")),
    decode: parseBlkid,
  }),
  decoder({
    name: "dumpe2fs",
    inputs: fc.constant(fixture("loop_dumpe2fs.txt")),
    decode: parseDumpe2fs,
    refuses: refusesBy(RangeError),
  }),
  decoder({
    name: "os-release",
    inputs: fc.constant('ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\n'),
    decode: parseOsRelease,
  }),
  decoder({
    name: "efibootmgr",
    inputs: fc.constant(EFI),
    decode: (text) => bootOrderAfter(parseEfiBoot(text), parseEfiBoot(text)),
  }),
  decoder({
    name: "cpio archive",
    inputs: fc.constant(await archive()),
    decode: readCpio,
    refuses: (error) => refusesInWords(error) || error instanceof TypeError,
  }),
  decoder({
    name: "ELF file",
    inputs: fc.constantFrom(smallElf(), program()),
    decode: (bytes) => [parseElf(bytes), readSection(bytes, ".modinfo")],
    refuses: refusesInWords,
  }),
];
