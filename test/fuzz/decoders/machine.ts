/** Decoders of a machine's program output about disks and firmware, and of its system's files. */
import fc from "fast-check";
import { parseLsblk } from "../../../agent/layout/block_devices.ts";
import { parseBlkid, parseSfdisk } from "../../../agent/layout/partition_table.ts";
import { parseOsRelease } from "../../../agent/capture/machine.ts";
import { parseDiskStart } from "../../../agent/layout/properties/disk_start.ts";
import { parseDumpe2fs } from "../../../agent/layout/properties/ext.ts";
import { FAT_BOOT_SECTOR_BYTES, parseFatBootSector } from "../../../agent/layout/properties/fat.ts";
import { parseXfsSuperblock, XFS_SUPERBLOCK_BYTES } from "../../../agent/layout/properties/xfs.ts";
import { bootOrderAfter, parseEfiBoot } from "../../../agent/install/boot_loader/efi_boot_order.ts";
import { parseMountTable } from "../../../agent/sys/mount_table.ts";
import { writeCpio } from "../../../boot/initramfs/cpio.ts";
import { readCpio } from "../../../boot/initramfs/testing/read_cpio.ts";
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

/** The beginning of a small program of this machine, with the tables that are read. */
function program(): Uint8Array {
  return Deno.readFileSync("/bin/true").subarray(0, 60_000);
}

/** An ELF file with one program header and a section table. */
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

const MOUNTS = "27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n" +
  "90 27 0:45 /@home /home rw shared:2 - btrfs /dev/vdb rw,subvolid=257,subvol=/@home\n";

/** A protective MBR, and the GPT header that points to the backup in the last sector. */
function gptStart(): Uint8Array {
  const bytes = new Uint8Array(1024), view = new DataView(bytes.buffer);
  bytes.set([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0], 446);
  view.setUint16(510, 0xaa55, true);
  bytes.set(new TextEncoder().encode("EFI PART"), 512);
  view.setBigUint64(512 + 32, 2n ** 21n - 1n, true);
  return bytes;
}

function fatStart(): Uint8Array {
  const bytes = new Uint8Array(FAT_BOOT_SECTOR_BYTES), view = new DataView(bytes.buffer);
  bytes.set([0xeb, 0x58, 0x90]);
  view.setUint16(11, 512, true);
  bytes.set([8, 32, 0, 2], 13);
  bytes[21] = 0xf8;
  view.setUint32(32, 131_072, true);
  view.setUint16(510, 0xaa55, true);
  return bytes;
}

/** Noise that claims to be version 5, so that the fields after the magic number are read. */
function asXfs(noise: Uint8Array): Uint8Array {
  const bytes = noise.slice();
  bytes.set(new TextEncoder().encode("XFSB"));
  new DataView(bytes.buffer).setUint16(100, 0xb4a5);
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
    name: "mountinfo",
    inputs: fc.constant(new TextEncoder().encode(MOUNTS)),
    decode: parseMountTable,
  }),
  decoder({
    name: "disk's first sectors",
    inputs: fc.constant(gptStart()),
    decode: (bytes) => parseDiskStart(bytes, { sectorBytes: 512, sizeBytes: 2 ** 30 }),
    refuses: refusesBy(RangeError),
  }),
  decoder({
    name: "FAT boot sector",
    inputs: fc.constant(fatStart()),
    decode: (bytes) => parseFatBootSector(bytes, { startSector: 2048 }),
    refuses: refusesBy(RangeError),
  }),
  decoder({
    name: "XFS superblock",
    inputs: fc.uint8Array({ minLength: XFS_SUPERBLOCK_BYTES, maxLength: XFS_SUPERBLOCK_BYTES }).map(asXfs),
    decode: (bytes) => parseXfsSuperblock(bytes, { usage: "bigtime=0|1 crc=0|1", sizeBytes: 2 ** 30 }),
    refuses: refusesBy(RangeError),
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
