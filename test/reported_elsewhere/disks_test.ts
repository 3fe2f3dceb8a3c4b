/** The wrong disk was chosen, or a disk had another name than the template's. */
import { RackseedError } from "#contract/errors.ts";
import { assignDisks } from "#plan/assign_disks.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { devicePath } from "../../agent/layout/disks.ts";
import { testReports } from "./report.ts";

function disk(name: string, facts: Partial<DiskFacts> = {}): DiskFacts {
  return {
    name,
    number: "8:0",
    kind: "disk",
    sizeBytes: 500e9,
    sectorBytes: 512,
    names: [`/dev/disk/by-path/pci-0000:00:17.0-${name}`],
    partitions: [],
    uses: [],
    removable: false,
    readOnly: false,
    ...facts,
  };
}

/** The chosen disk's kernel name, or the refusal's title. The image needs 100 GB. */
function choice({ disks, named }: { disks: readonly DiskFacts[]; named?: string }): string {
  try {
    const shortfall = ({ sizeBytes }: DiskFacts) => sizeBytes < 100e9 ? "it is too small" : undefined;
    const need = { number: 0, kind: "system", sizeBytes: 0, named, isData: false, shortfall };
    return assignDisks(disks, { node: "n1", needs: [need] })[0]?.facts.name ?? "none";
  } catch (error) {
    if (error instanceof RackseedError) return error.title;
    throw error;
  }
}

testReports(choice, [
  {
    report: "FOGProject/fogproject#778",
    fault: "a USB audio box with storage became the first disk and was imaged",
    input: { disks: [disk("sda", { transport: "usb", removable: true }), disk("sdb")] },
    right: "sdb",
  },
  {
    report: "FOGProject/fos#27",
    fault: "of two disks, the one that the kernel happened to name first was overwritten",
    input: { disks: [disk("nvme0n1"), disk("nvme1n1")] },
    right: "cannot choose between 2 disks of n1",
  },
  {
    report: "FOGProject/fos#100",
    fault: "the host's chosen disk had died, and the image went to its data disk",
    input: { disks: [disk("sdb")], named: "/dev/disk/by-id/wwn-0x5002538d40b1b5c1" },
    right: "cannot find the disk /dev/disk/by-id/wwn-0x5002538d40b1b5c1 that was named for n1",
  },
  {
    report: "stevenshiau/clonezilla#109",
    fault: "a disk that was too small failed only after its partition table was gone",
    input: { disks: [disk("sda", { sizeBytes: 64e9 })] },
    right: "cannot find a disk of n1 to install to",
  },
]);

testReports(({ name, number }) => devicePath(name, number), [
  {
    report: "rear/rear#1564",
    fault: "partitions of NVMe disks were addressed without the p",
    input: { name: "nvme0n1", number: 3 },
    right: "/dev/nvme0n1p3",
  },
]);
