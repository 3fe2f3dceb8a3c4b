import assert from "node:assert/strict";
import { storageDrivers } from "./storage_drivers.ts";

/** Folders, and links with their targets, below a sysfs. */
async function inSysfs(
  folders: readonly string[],
  links: Readonly<Record<string, string>>,
  test: (sysfs: string) => Promise<void>,
): Promise<void> {
  const sysfs = await Deno.makeTempDir();
  try {
    for (const path of folders) await Deno.mkdir(`${sysfs}/${path}`, { recursive: true });
    for (const [path, target] of Object.entries(links)) {
      await Deno.mkdir(`${sysfs}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.symlink(`${sysfs}/${target}`, `${sysfs}/${path}`);
    }
    await test(sysfs);
  } finally {
    await Deno.remove(sysfs, { recursive: true });
  }
}

const AHCI = "devices/pci0000:00/0000:00:1f.2", SDA = `${AHCI}/ata1/host0/target0:0:0/0:0:0:0/block/sda`;
const NVME = "devices/pci0000:00/0000:00:05.0/nvme/nvme0/nvme0n1";

Deno.test("the modules of all drivers above a disk, without those built into the kernel", () =>
  inSysfs(
    [SDA, NVME, ...["ahci", "sd_mod", "nvme"].map((name) => `module/${name}/initstate`), "module/pcieport"],
    {
      "class/block/sda": SDA,
      "class/block/nvme0n1": NVME,
      [`${SDA.replace("/block/sda", "")}/driver`]: "bus/scsi/drivers/sd",
      "bus/scsi/drivers/sd/module": "module/sd_mod",
      [`${AHCI}/driver`]: "bus/pci/drivers/ahci",
      "bus/pci/drivers/ahci/module": "module/ahci",
      "devices/pci0000:00/0000:00:05.0/driver": "bus/pci/drivers/nvme",
      "bus/pci/drivers/nvme/module": "module/nvme",
      "devices/pci0000:00/driver": "bus/pci/drivers/pcieport",
      "bus/pci/drivers/pcieport/module": "module/pcieport",
    },
    async (sysfs) => {
      assert.deepEqual(await storageDrivers(["sda"], { sysfs }), ["ahci", "sd_mod"]);
      assert.deepEqual(await storageDrivers(["sda", "nvme0n1"], { sysfs }), ["ahci", "nvme", "sd_mod"]);
    },
  ));

Deno.test("disks without drivers, and none at all", () =>
  inSysfs(
    ["devices/virtual/block/loop0"],
    { "class/block/loop0": "devices/virtual/block/loop0" },
    async (sysfs) => {
      assert.deepEqual(await storageDrivers(["loop0", "gone"], { sysfs }), []);
      assert.deepEqual(await storageDrivers(["loop0"], { sysfs: `${sysfs}/nothing` }), []);
    },
  ));
