import assert from "node:assert/strict";
import { readNamedNics } from "./nics.ts";

/** A sysfs with these NICs: kernel's name → MAC, device, further files of its PCI device. */
async function sysfs(
  root: string,
  nics: Record<string, { mac: string; device: string; files?: Record<string, string> }>,
): Promise<void> {
  for (const [name, { mac, device, files = {} }] of Object.entries(nics)) {
    const at = `${root}/devices/${device}/net/${name}`;
    await Deno.mkdir(at, { recursive: true });
    await Deno.symlink(`${root}/devices/${device}`, `${at}/device`);
    await Deno.writeTextFile(`${at}/address`, `${mac}\n`);
    const pci = `${root}/devices/${device.replace(/\/virtio\d+$/, "")}`;
    for (const [file, text] of Object.entries(files)) {
      await Deno.writeTextFile(
        ["dev_port", "type"].includes(file) ? `${at}/${file}` : `${pci}/${file}`,
        `${text}\n`,
      );
    }
    await Deno.mkdir(`${root}/class/net`, { recursive: true });
    await Deno.symlink(at, `${root}/class/net/${name}`);
  }
  for (const [slot, address] of [["3", "0000:00:03"], ["12", "0000:05:00"]]) {
    await Deno.mkdir(`${root}/bus/pci/slots/${slot}`, { recursive: true });
    await Deno.writeTextFile(`${root}/bus/pci/slots/${slot}/address`, `${address}\n`);
  }
}

Deno.test("a NIC has every name that udev may give it: by path, slot, board, address", async () => {
  const root = await Deno.makeTempDir();
  try {
    await sysfs(root, {
      eth0: { mac: "52:54:00:00:00:0A", device: "pci0000:00/0000:00:03.0/virtio0" },
      eth1: {
        mac: "52:54:00:00:00:0b",
        device: "pci0000:00/0000:00:1c.0/0000:05:00.1",
        files: { acpi_index: "2", dev_port: "1" },
      },
      eth2: { mac: "52:54:00:00:00:0c", device: "pci0001:00/0001:00:1f.6" },
      ib0: {
        mac: "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:10:39",
        device: "pci0000:00/0000:82:00.0",
        files: { type: "32" },
      },
    });
    assert.deepEqual(await readNamedNics({ sys: root }), [
      {
        mac: "52:54:00:00:00:0a",
        names: ["eth0", "enx52540000000a", "enp0s3", "enp0s3f0", "ens3", "ens3f0"],
      },
      {
        mac: "52:54:00:00:00:0b",
        names: ["eth1", "enx52540000000b", "enp5s0f1d1", "ens12f1d1", "eno2d1"],
      },
      { mac: "52:54:00:00:00:0c", names: ["eth2", "enx52540000000c", "enP1p0s31f6"] },
      {
        mac: "00:02:c9:00:10:39",
        names: ["ib0", "enx0002c9001039", "ibp130s0", "ibp130s0f0"],
        infiniband: "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:10:39",
      },
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
