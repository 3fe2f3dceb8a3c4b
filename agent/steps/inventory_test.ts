import assert from "node:assert/strict";
import { readControllers } from "./controllers.ts";
import { readNics } from "./inventory.ts";

/** A sysfs with these files and links, by path; a link's target is relative to the root. */
async function sysfs(
  { files, links }: { files: Readonly<Record<string, string>>; links: Readonly<Record<string, string>> },
): Promise<{ sys: string } & AsyncDisposable> {
  const sys = await Deno.makeTempDir();
  const make = (path: string) =>
    Deno.mkdirSync(`${sys}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    make(path);
    Deno.writeTextFileSync(`${sys}/${path}`, `${text}\n`);
  }
  for (const [path, target] of Object.entries(links)) {
    make(path);
    Deno.mkdirSync(`${sys}/${target}`, { recursive: true });
    Deno.symlinkSync(`${sys}/${target}`, `${sys}/${path}`);
  }
  return { sys, [Symbol.asyncDispose]: () => Deno.remove(sys, { recursive: true }) };
}

Deno.test("NICs are reported by their own MACs: in a bond, on InfiniBand, made up", async () => {
  const pci = "devices/pci0000:00";
  await using trees = await sysfs({
    files: {
      "class/net/bond0/address": "52:54:00:00:00:0a",
      "class/net/eth0/address": "52:54:00:00:00:0A",
      "class/net/eth0/addr_assign_type": "0",
      "class/net/eth1/address": "52:54:00:00:00:0a",
      "class/net/eth1/bonding_slave/perm_hwaddr": "52:54:00:00:00:0b",
      "class/net/ib0/address": "80:00:02:08:fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:7f:d3:4e",
      "class/net/usb0/address": "c6:11:22:33:44:55",
      "class/net/usb0/addr_assign_type": "1",
      "class/net/fw0/address": "00:11:22:33:44:55:66:77",
    },
    links: {
      "class/net/eth0/device": `${pci}/0000:00:03.0`,
      [`${pci}/0000:00:03.0/driver`]: "bus/pci/drivers/e1000e",
      "class/net/eth1/device": `${pci}/0000:00:04.0`,
      "class/net/ib0/device": `${pci}/0000:82:00.0`,
      "class/net/usb0/device": `${pci}/0000:00:14.0/usb1/1-2/1-2:1.0`,
      "class/net/fw0/device": `${pci}/0000:00:05.0`,
    },
  });
  assert.deepEqual(await readNics(trees), [
    { name: "eth0", mac: "52:54:00:00:00:0a", driver: "e1000e" },
    { name: "eth1", mac: "52:54:00:00:00:0b" },
    { name: "ib0", mac: "ec:0d:9a:7f:d3:4e" },
    { name: "usb0", mac: "c6:11:22:33:44:55", randomMac: true },
  ]);
});

Deno.test("hardware for storage and network is reported, with and without a driver, and no other", async () => {
  const pci = "devices/pci0000:00";
  const raid = "pci:v00001000d000010E2sv00001028sd000040B1bc01sc04i00";
  const usb = "usb:v0BDAp8153d3100dc00dsc00dp00icFFiscFFip00in00";
  await using trees = await sysfs({
    files: {
      [`${pci}/0000:00:02.0/class`]: "0x030000",
      [`${pci}/0000:00:02.0/modalias`]: "pci:v00001234d00001111sv0sd0bc03sc00i00",
      [`${pci}/0000:00:1f.0/class`]: "0x010400",
      [`${pci}/0000:00:1f.0/modalias`]: raid,
      [`${pci}/0000:00:14.0/class`]: "0x0c0330",
      [`${pci}/0000:00:14.0/modalias`]: "pci:v00008086d0000A12Fsv0sd0bc0Csc03i30",
      [`${pci}/0000:00:14.0/usb1/1-2/1-2:1.0/modalias`]: usb,
      [`${pci}/80860F14:00/modalias`]: "acpi:80860F14:PNP0D40:",
      "devices/virtual/block/loop0/dev": "7:0",
    },
    links: {
      "bus/pci/devices/0000:00:02.0": `${pci}/0000:00:02.0`,
      "bus/pci/devices/0000:00:1f.0": `${pci}/0000:00:1f.0`,
      "bus/pci/devices/0000:00:14.0": `${pci}/0000:00:14.0`,
      [`${pci}/0000:00:14.0/driver`]: "bus/pci/drivers/xhci_hcd",
      "class/net/usb0/device": `${pci}/0000:00:14.0/usb1/1-2/1-2:1.0`,
      [`${pci}/0000:00:14.0/usb1/1-2/1-2:1.0/driver`]: "bus/usb/drivers/r8152",
      "block/mmcblk0/device": `${pci}/80860F14:00/mmc_host/mmc0/mmc0:0001`,
      [`${pci}/80860F14:00/driver`]: "bus/platform/drivers/sdhci-acpi",
      "block/loop0": "devices/virtual/block/loop0",
    },
  });
  assert.deepEqual(await readControllers(trees), [
    { modalias: "acpi:80860F14:PNP0D40:", driver: "sdhci-acpi" },
    { modalias: raid },
    { modalias: "pci:v00008086d0000A12Fsv0sd0bc0Csc03i30", driver: "xhci_hcd" },
    { modalias: usb, driver: "r8152" },
  ]);
});
