/** A template with one BIOS disk and a node with one disk, as the planner's tests vary them. */
import type { DiskLayout, DiskTable, FileSystem, Partition } from "#contract/format/layout.ts";
import { headerWith } from "#contract/format/testing/samples.ts";
import type { Header } from "#contract/format/manifest.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { planInstall, type PlanRequest } from "../plan.ts";

export const MIB = 1 << 20;
export const GIB = 1024 * MIB;
const LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
const BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649";
export const ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F";

export const part = (
  number: number,
  startMib: number,
  sizeMib: number,
  more: Partial<Partition> = {},
): Partition => ({
  number,
  startSector: startMib * 2048,
  sectors: sizeMib * 2048,
  type: LINUX,
  ...more,
});

export const ext4 = (number: number, mountPoint: string, more: Partial<FileSystem> = {}): FileSystem => ({
  volume: { kind: "partition", disk: 0, number },
  type: "ext4",
  uuid: `00000000-0000-4000-8000-00000000000${number}`,
  mountPoint,
  mountOptions: "rw",
  sizeBytes: 8 * GIB,
  usedBytes: GIB,
  mkfs: { features: ["has_journal", "extent"], blockBytes: 4096, inodeBytes: 256, inodes: 524_288 },
  ...more,
});

export const biosDisk: DiskTable = {
  name: "vda",
  sizeBytes: 10 * GIB,
  sectorBytes: 512,
  table: "gpt",
  id: "1F0C1A51-7C1B-4B3A-9B55-0123456789AB",
  partitions: [part(1, 1, 1, { type: BIOS_BOOT }), part(2, 2, 8192), part(3, 8194, 1024, { type: SWAP })],
};

export function header(
  { disks = [biosDisk], fileSystems = [ext4(2, "/")], swap = [3], firmware = "bios" }: {
    disks?: DiskTable[];
    fileSystems?: FileSystem[];
    swap?: number[];
    firmware?: "bios" | "uefi";
  } = {},
): Header {
  const layout: DiskLayout = {
    disks,
    fileSystems,
    swap: swap.map((number) => ({ volume: { kind: "partition", disk: 0, number }, uuid: "s-w-a-p" })),
  };
  return headerWith(layout, {
    firmware,
    version: 3,
    totals: { entries: 12_000, files: 10_000, fileBytes: GIB, extentBytes: GIB, sealedBytes: GIB },
  });
}

export const disk = (more: Partial<DiskFacts> = {}): DiskFacts => ({
  name: "sda",
  number: "8:0",
  kind: "disk",
  sizeBytes: 10 * GIB,
  sectorBytes: 512,
  names: ["/dev/disk/by-path/pci-0000:00:04.0"],
  removable: false,
  readOnly: false,
  uses: [],
  partitions: [],
  ...more,
});

export const plan = (
  options: Partial<PlanRequest> = {},
) => planInstall({ node: "n1", header: header(), disks: [disk()], firmware: "bios", ...options });
