import assert from "node:assert/strict";
import { byIdNames, byPathName, type DiskPlace, transportOf } from "./disk_names.ts";
import { devicePath, type KernelTrees, readDisk, readDisks } from "./disks.ts";

const PCI = "/devices/pci0000:00";
const places: {
  name: string;
  place: DiskPlace;
  byPath?: string;
  byId?: string[];
  transport: string | undefined;
}[] = [
  {
    name: "virtio",
    place: { devicePath: `${PCI}/0000:00:04.0/virtio1/block/vda`, serial: "disk 1" },
    byPath: "pci-0000:00:04.0",
    byId: ["virtio-disk_1"],
    transport: "virtio",
  },
  {
    name: "SATA",
    place: {
      devicePath: `${PCI}/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0/block/sda`,
      ataPort: "1",
      firstHost: 0,
      wwid: "naa.5002538d40b1b5c1",
    },
    byPath: "pci-0000:00:1f.2-ata-1",
    byId: ["wwn-0x5002538d40b1b5c1", "scsi-35002538d40b1b5c1"],
    transport: "sata",
  },
  {
    name: "NVMe behind a bridge",
    place: {
      devicePath: `${PCI}/0000:00:1d.0/0000:3d:00.0/nvme/nvme0/nvme0n1`,
      namespace: "1",
      model: "Samsung SSD 970  ",
      serial: "S1",
      wwid: "eui.0025385b71b0a1c2",
    },
    byPath: "pci-0000:3d:00.0-nvme-1",
    byId: ["nvme-eui.0025385b71b0a1c2", "nvme-Samsung_SSD_970_S1"],
    transport: "nvme",
  },
  {
    name: "NVMe with several controllers, which has no one path",
    place: {
      devicePath: "/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1",
      namespace: "1",
      model: "PM1735",
      serial: "S2",
      wwid: "eui.3634473052b00001",
    },
    byId: ["nvme-eui.3634473052b00001", "nvme-PM1735_S2"],
    transport: "nvme",
  },
  {
    name: "SCSI, counted from the controller's first host",
    place: {
      devicePath: `${PCI}/0000:00:05.0/virtio2/host3/target3:0:1/3:0:1:0/block/sdb`,
      firstHost: 3,
    },
    byPath: "pci-0000:00:05.0-scsi-0:0:1:0",
    transport: "virtio",
  },
  {
    name: "USB, which has no usable path",
    place: {
      devicePath: `${PCI}/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdc`,
      firstHost: 6,
    },
    transport: "usb",
  },
  {
    name: "eMMC",
    place: {
      devicePath: `${PCI}/0000:00:1a.0/mmc_host/mmc0/mmc0:0001/block/mmcblk0`,
      model: "BJTD4R",
      serial: "0x1a2b",
    },
    byPath: "pci-0000:00:1a.0",
    byId: ["mmc-BJTD4R_0x1a2b"],
    transport: "mmc",
  },
];
for (const { name, place, byPath, byId = [], transport } of places) {
  Deno.test(`a disk's persistent names: ${name}`, () => {
    assert.equal(byPathName(place), byPath && `/dev/disk/by-path/${byPath}`);
    assert.deepEqual(byIdNames(place), byId.map((n) => `/dev/disk/by-id/${n}`));
    assert.equal(transportOf(place.devicePath), transport);
  });
}

Deno.test("a partition number follows a p if the disk's name ends in a digit", () => {
  assert.deepEqual(
    [devicePath("sda", 3), devicePath("nvme0n1", 3), devicePath("mmcblk0", 1), devicePath("vda")],
    ["/dev/sda3", "/dev/nvme0n1p3", "/dev/mmcblk0p1", "/dev/vda"],
  );
});

/** The kernel's view of a virtio disk with a mounted partition and one held by device mapper, and of non-disks. */
async function fakeKernel(): Promise<KernelTrees & AsyncDisposable> {
  const root = await Deno.makeTempDir();
  const files = (at: string, texts: Record<string, string>) => {
    for (const [path, text] of Object.entries(texts)) {
      const full = `${root}/${at}/${path}`;
      Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(full, text);
    }
  };
  const vda = "sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda";
  files(vda, {
    dev: "254:0\n",
    size: "20971520\n",
    removable: "0\n",
    ro: "0\n",
    serial: "one\n",
    "queue/logical_block_size": "512\n",
    "vda1/partition": "1\n",
    "vda1/dev": "254:1\n",
    "vda1/start": "2048\n",
    "vda1/size": "4096\n",
    "vda2/partition": "2\n",
    "vda2/dev": "254:2\n",
    "vda2/start": "6144\n",
    "vda2/size": "4096\n",
    "vda2/holders/dm-0": "",
  });
  for (const other of ["loop0", "zram0", "sr0", "dm-0", "md0", "mmcblk0boot0"]) {
    files(`sys/devices/virtual/block/${other}`, { dev: "7:0\n", size: "100\n" });
  }
  files("sys/devices/virtual/block/sdz", { dev: "8:0\n", size: "0\n" });
  files("proc", {
    "self/mountinfo": "22 1 254:1 / /srv rw - ext4 /dev/vda1 rw\n",
    swaps: "Filename Type Size Used Priority\n/dev/vda partition 1 0 -2\n",
  });
  Deno.mkdirSync(`${root}/sys/block`);
  Deno.symlinkSync(`../devices/${vda.slice("sys/devices/".length)}`, `${root}/sys/block/vda`);
  for (const other of ["loop0", "zram0", "sr0", "dm-0", "md0", "mmcblk0boot0", "sdz"]) {
    Deno.symlinkSync(`../devices/virtual/block/${other}`, `${root}/sys/block/${other}`);
  }
  Deno.mkdirSync(`${root}/dev/disk/by-id`, { recursive: true });
  Deno.symlinkSync("../../vda", `${root}/dev/disk/by-id/from-udev`);
  return {
    sys: `${root}/sys`,
    proc: `${root}/proc`,
    dev: `${root}/dev`,
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

Deno.test("only whole disks with a size are listed, with everything that uses them", async () => {
  await using kernel = await fakeKernel();
  const disks = await readDisks(kernel);
  assert.deepEqual(disks, [{
    name: "vda",
    number: "254:0",
    kind: "disk",
    sizeBytes: 20971520 * 512,
    sectorBytes: 512,
    serial: "one",
    transport: "virtio",
    byPath: "/dev/disk/by-path/pci-0000:00:04.0",
    names: [
      "/dev/disk/by-path/pci-0000:00:04.0",
      "/dev/disk/by-id/virtio-one",
      "/dev/disk/by-id/from-udev",
    ],
    removable: false,
    readOnly: false,
    uses: ["vda is swap in use", "vda1 is mounted on /srv", "vda2 is held by dm-0"],
    partitions: [
      { name: "vda1", number: 1, start512: 2048, size512: 4096 },
      { name: "vda2", number: 2, start512: 6144, size512: 4096 },
    ],
  }]);
  assert.equal(await readDisk("vdb", kernel), undefined);
});

/** The kernel's view of disks, each with a folder below /sys/devices and a link in /sys/block. */
async function kernelWith(
  disks: Readonly<Record<string, { at: string; files: Readonly<Record<string, string>> }>>,
): Promise<KernelTrees & AsyncDisposable> {
  const root = await Deno.makeTempDir();
  for (const path of ["sys/block", "proc/self", "dev"]) {
    Deno.mkdirSync(`${root}/${path}`, { recursive: true });
  }
  Deno.writeTextFileSync(`${root}/proc/self/mountinfo`, "");
  Deno.writeTextFileSync(`${root}/proc/swaps`, "");
  for (const [name, { at, files }] of Object.entries(disks)) {
    const parent = `${root}/sys/devices/${at}`, own = `${parent}/block/${name}`;
    Deno.mkdirSync(own, { recursive: true });
    Deno.symlinkSync(`../devices/${at}/block/${name}`, `${root}/sys/block/${name}`);
    Deno.symlinkSync("../..", `${own}/device`);
    for (const [file, text] of Object.entries({ dev: "8:0", size: "2097152", ...files })) {
      const path = file.replace(/^device\//, "../../");
      Deno.writeTextFileSync(`${own}/${path}`, `${text}\n`);
    }
  }
  return {
    sys: `${root}/sys`,
    proc: `${root}/proc`,
    dev: `${root}/dev`,
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

const fc = (port: number) =>
  `pci0000:00/0000:05:00.${port}/host${port}/rport-${port}:0-0/target${port}:0:0/${port}:0:0:0`;
const LUN = "naa.60014051a2b3c4d5e6f708192a3b4c5d";

Deno.test("a disk with several paths is one disk, with what is true of it by any of them", async () => {
  await using kernel = await kernelWith({
    sda: { at: fc(0), files: { "device/wwid": LUN } },
    sdb: { at: fc(1), files: { "device/wwid": LUN, dev: "8:16" } },
    sdaa: { at: fc(2), files: { "device/wwid": LUN, ro: "1", dev: "65:160" } },
    sdc: { at: fc(3), files: { "device/wwid": "naa.60014050000000000000000000000001" } },
  });
  Deno.mkdirSync(`${kernel.dev}/disk/by-path`, { recursive: true });
  Deno.symlinkSync("../../sdb", `${kernel.dev}/disk/by-path/fc-b`);
  Deno.writeTextFileSync(`${kernel.proc}/self/mountinfo`, "27 1 8:16 / /srv rw - ext4 /dev/sdb rw\n");
  const disks = await readDisks(kernel);
  assert.deepEqual(
    disks.map(({ name, paths, transport, readOnly, uses }) => [
      ...[name, paths, transport, readOnly, uses] as const,
    ]),
    [
      ["sda", ["sda", "sdb", "sdaa"], "fc", true, ["sdb is mounted on /srv"]],
      ["sdc", undefined, "fc", false, []],
    ],
  );
  assert.ok(disks[0]?.names.includes("/dev/disk/by-path/fc-b"));
  // whichever path is asked for
  const { name, paths, uses } = await readDisk("sdb", kernel) ?? {};
  assert.deepEqual([name, paths, uses], ["sdb", ["sdb", "sda", "sdaa"], ["sdb is mounted on /srv"]]);
});

Deno.test("disks that have one number but are not alike are not written to", async () => {
  for (const difference of [{ size: "4194304" }, { "device/model": "another" }, { serial: "2" }]) {
    await using kernel = await kernelWith({
      sda: { at: fc(0), files: { "device/wwid": LUN } },
      sdb: { at: fc(1), files: { "device/wwid": LUN, ...difference } },
    });
    assert.match(
      (await readDisks(kernel))[0]?.uses.join() ?? "",
      /^sda and sdb have one WWID as if they were paths to one disk, but sdb differs: detach/,
    );
  }
});

Deno.test("disks whose firmware reports no number are not taken for paths to one disk", async () => {
  for (const wwid of ["naa.0000000000000000", "t10.", ""]) {
    await using kernel = await kernelWith({
      sda: { at: fc(0), files: { "device/wwid": wwid } },
      sdb: { at: fc(1), files: { "device/wwid": wwid } },
    });
    assert.deepEqual((await readDisks(kernel)).map(({ name, uses }) => [name, uses]), [["sda", []], [
      "sdb",
      [],
    ]]);
  }
});

Deno.test("empty slots, hidden paths, boot areas and virtual media are no disks to install to", async () => {
  const usb = (port: number) =>
    `pci0000:00/0000:00:14.0/usb1/1-${port}/1-${port}:1.0/host9/target9:0:${port}/9:0:${port}:0`;
  const mmc = "pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:0001";
  await using kernel = await kernelWith({
    sda: { at: usb(1), files: { size: "0", removable: "1", "device/model": "Virtual HDisk" } },
    sdb: { at: usb(2), files: { removable: "1", "device/model": "Virtual Floppy" } },
    sr0: { at: usb(3), files: { removable: "1", "device/model": "Virtual CDROM" } },
    fd0: { at: "platform/floppy.0", files: {} },
    nvme0c0n1: { at: "pci0000:00/0000:3d:00.0/nvme/nvme0", files: { hidden: "1" } },
    mmcblk0: { at: mmc, files: { "device/type": "MMC", "device/name": "BJTD4R" } },
    mmcblk0boot0: { at: `${mmc}/block/mmcblk0`, files: {} },
    mmcblk1: { at: "pci0000:00/0000:00:1b.0/mmc_host/mmc1/mmc1:aaaa", files: { "device/type": "SD" } },
  });
  const disks = await readDisks(kernel);
  assert.deepEqual(disks.map((d) => [d.name, d.transport, d.removable]), [
    ["mmcblk0", "mmc", false],
    ["mmcblk1", "mmc", true],
    ["sdb", "usb", true],
  ]);
});
