/** A template on /dev/sda and a clone on NVMe, for tests. */
import type { DiskLayout, FileSystem } from "#contract/format/layout.ts";
import { COVERED_FILES } from "../covered_files.ts";
import { Rewriting } from "../rewriting.ts";
import { type CloneDisk, type CloneDisks, TemplateDisks } from "../template_disks.ts";

export const ROOT = "0c2f1d7e-11f0-4b2a-9c55-6a1c0e5a9a01", SWAP = "5d9b8b7a-0a5b-4f0c-8b0d-7f1f6f3d2b02";
export const BOOT_PART = "7b1f6a34-6c1e-4f5e-8a5e-0d6b1f2c3d04";
export const BY_ID = "/dev/disk/by-id/ata-QEMU_HARDDISK_QM00001",
  BY_PATH = "/dev/disk/by-path/pci-0000:00:1f.2-ata-1";

const part = (number: number) => ({ kind: "partition" as const, disk: 0, number });
const fileSystem = (number: number, mountPoint: string, facts: Partial<FileSystem>): FileSystem => ({
  volume: part(number),
  type: "ext4",
  mountPoint,
  mountOptions: "rw",
  sizeBytes: 1e9,
  usedBytes: 1e8,
  mkfs: { features: [] },
  ...facts,
});

/** 1: ESP, 2: root, 3: swap, 4: no file system. */
export const GPT_LAYOUT: DiskLayout = {
  disks: [{
    name: "sda",
    names: [BY_PATH, BY_ID, "/dev/disk/by-id/wwn-0x5002538d40b1b5c1"],
    sizeBytes: 20e9,
    sectorBytes: 512,
    table: "gpt",
    id: "A1B2C3D4-0000-0000-0000-000000000000",
    partitions: [1, 2, 3, 4].map((number) => ({
      number,
      startSector: number * 2048,
      sectors: 2048,
      type: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
      uuid: BOOT_PART.toUpperCase().replace(/4$/, String(number)),
    })),
  }],
  fileSystems: [
    fileSystem(2, "/", { uuid: ROOT, label: "größe" }),
    fileSystem(1, "/boot/efi", { type: "vfat", uuid: "12AB-34CD", label: "EFI SYSTEM" }),
  ],
  swap: [{ volume: part(3), uuid: SWAP }],
};

/** 1: root, 5: swap. */
export const MBR_LAYOUT: DiskLayout = {
  disks: [{
    name: "vda",
    names: ["/dev/disk/by-path/pci-0000:00:04.0"],
    sizeBytes: 20e9,
    sectorBytes: 512,
    table: "dos",
    id: "0x1a2b3c4d",
    partitions: [1, 5].map((number) => ({ number, startSector: number * 2048, sectors: 2048, type: "83" })),
  }],
  fileSystems: [fileSystem(1, "/", { uuid: ROOT })],
  swap: [{ volume: part(5), uuid: SWAP }],
};

export const NVME: CloneDisk = {
  name: "nvme0n1",
  names: ["/dev/disk/by-path/pci-0000:01:00.0-nvme-1", "/dev/disk/by-id/nvme-eui.0025385b71b0a1c2"],
};

/** A clone on one disk, with GRUB in its first sectors, or on the ESP of `GPT_LAYOUT`. */
export function onDisk(disk: CloneDisk, firmware: "bios" | "uefi" = "bios"): CloneDisks {
  return { disks: [disk], loader: [firmware === "bios" ? { kind: "disk", disk: 0 } : part(1)] };
}

/** A file's text as rewritten for the clone, and the notes. */
export function rewritten(
  path: string,
  text: string,
  { layout = GPT_LAYOUT, clone = onDisk(NVME) }: { layout?: DiskLayout; clone?: CloneDisks } = {},
): { text: string; notes: string[] } {
  const covered = COVERED_FILES.find(({ path: pattern }) => {
    const [start = "", end] = pattern.split("*");
    return end === undefined ? pattern === path : path.startsWith(start) && path.endsWith(end);
  });
  if (!covered) throw new RangeError(`${path} is not covered`);
  const rewriting = new Rewriting(path, new TemplateDisks(layout, clone));
  const after = covered.rewrite(text, rewriting);
  return { text: after, notes: rewriting.notes };
}
