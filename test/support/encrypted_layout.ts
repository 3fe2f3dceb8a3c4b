import type { DiskLayout } from "#contract/format/layout.ts";
import { luksVolume } from "#contract/format/testing/samples.ts";

const MIB = 1 << 20;
const GIB = 1024 * MIB;
const LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

/** One BIOS disk of 10 GiB: /boot in the clear, / in a LUKS volume. */
export const ENCRYPTED_LAYOUT: DiskLayout = {
  disks: [{
    name: "vda",
    sizeBytes: 10 * GIB,
    sectorBytes: 512,
    table: "gpt",
    id: "1F0C1A51-7C1B-4B3A-9B55-0123456789AB",
    partitions: [
      { number: 1, startSector: 2048, sectors: 2048, type: "21686148-6449-6E6F-744E-656564454649" },
      { number: 2, startSector: 4096, sectors: 2_097_152, type: LINUX },
      { number: 3, startSector: 2_101_248, sectors: 16_777_216, type: LINUX },
    ],
  }],
  encrypted: [
    luksVolume("cryptroot", {
      on: { kind: "partition", disk: 0, number: 3 },
      uuid: "5a1f3c2e-0000-4000-8000-000000000003",
      sizeBytes: 8 * GIB - 16 * MIB,
    }),
  ],
  fileSystems: [
    {
      volume: { kind: "luks", name: "cryptroot" },
      type: "ext4",
      uuid: "00000000-0000-4000-8000-000000000001",
      mountPoint: "/",
      mountOptions: "rw",
      sizeBytes: 8 * GIB - 16 * MIB,
      usedBytes: GIB,
      mkfs: { features: ["has_journal", "extent"], blockBytes: 4096, inodeBytes: 256, inodes: 524_288 },
    },
    {
      volume: { kind: "partition", disk: 0, number: 2 },
      type: "ext4",
      uuid: "00000000-0000-4000-8000-000000000002",
      mountPoint: "/boot",
      mountOptions: "rw",
      sizeBytes: GIB,
      usedBytes: 100 * MIB,
      mkfs: { features: ["has_journal", "extent"], blockBytes: 4096, inodeBytes: 256, inodes: 65_536 },
    },
  ],
  swap: [],
};
