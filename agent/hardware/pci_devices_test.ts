import assert from "node:assert/strict";
import { readPciDevices } from "./pci_devices.ts";

Deno.test("PCI devices are listed without bridges, and the functions of one device once", async () => {
  const sys = await Deno.makeTempDir();
  const device = async (slot: string, [kind, vendor, id]: [string, string, string]) => {
    const at = `${sys}/bus/pci/devices/${slot}`;
    await Deno.mkdir(at, { recursive: true });
    await Deno.writeTextFile(`${at}/class`, `${kind}\n`);
    await Deno.writeTextFile(`${at}/vendor`, `${vendor}\n`);
    await Deno.writeTextFile(`${at}/device`, `${id}\n`);
  };
  try {
    await device("0000:00:00.0", ["0x060000", "0x8086", "0x29c0"]);
    await device("0000:17:00.0", ["0x030200", "0x10de", "0x2330"]);
    await device("0000:18:00.0", ["0x030200", "0x10de", "0x2330"]);
    await device("0000:31:00.0", ["0x020000", "0x15b3", "0x101d"]);
    await device("0000:31:00.1", ["0x020000", "0x15b3", "0x101d"]);
    await Deno.symlink("../../../bus/pci/drivers/nvidia", `${sys}/bus/pci/devices/0000:17:00.0/driver`);
    assert.deepEqual(await readPciDevices({ sys }), [
      { slot: "0000:17:00.0", id: "10de:2330", class: "0302", driver: "nvidia" },
      { slot: "0000:18:00.0", id: "10de:2330", class: "0302" },
      { slot: "0000:31:00.0", id: "15b3:101d", class: "0200" },
    ]);
  } finally {
    await Deno.remove(sys, { recursive: true });
  }
});
