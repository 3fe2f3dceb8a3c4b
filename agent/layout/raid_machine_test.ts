/**
 * The layout of a machine with two disks in mirrors and LVM on them, from its recorded answers: Debian 12 as the lab
 * installs it, running.
 */
import assert from "node:assert/strict";
import { dirname } from "node:path/posix";
import { DiskLayout } from "#contract/format/layout.ts";
import type { Run } from "../sys/command.ts";
import { parseMountTable } from "../sys/mount_table.ts";
import { parseLsblk, withoutSnapshots } from "./block_devices.ts";
import { XFS_SUPERBLOCK_BYTES } from "./properties/xfs.ts";
import { readLayout } from "./read_layout.ts";

const fixture = (name: string) =>
  Deno.readTextFileSync(new URL(`./fixtures/raid_machine/${name}`, import.meta.url));
const dumpe2fs = Deno.readTextFileSync(new URL("../capture/fixtures/loop_dumpe2fs.txt", import.meta.url));

/** The files of sysfs that the kernel has for such arrays. */
const COMMON = { level: "raid1", metadata_version: "1.2", raid_disks: "2", chunk_size: "0", layout: "0" };
const SYSFS: Readonly<Record<string, Record<string, string>>> = {
  md126: { ...COMMON, component_size: "2877440", "bitmap/location": "+8", consistency_policy: "bitmap" },
  md127: { ...COMMON, component_size: "261120", "bitmap/location": "none", consistency_policy: "resync" },
};

async function kernelTrees(root: string) {
  const write = async (path: string, text: string) => {
    await Deno.mkdir(dirname(`${root}/sys/class/block/${path}`), { recursive: true });
    await Deno.writeTextFile(`${root}/sys/class/block/${path}`, `${text}\n`);
  };
  for (const [array, files] of Object.entries(SYSFS)) {
    for (const [file, text] of Object.entries(files)) await write(`${array}/md/${file}`, text);
    for (const [slot, disk] of ["vda", "vdb"].entries()) {
      const member = `${array}/md/dev-${disk}${array === "md126" ? 3 : 2}`;
      await write(`${member}/slot`, `${slot}`);
      await write(`${member}/state`, "in_sync");
      await write(`${member}/size`, `${files.component_size}`);
    }
  }
  for (const [i, name] of ["3jAa", "q8Qh", "EJVh"].entries()) {
    await write(`dm-${i}/dm/uuid`, `LVM-wSG4Ra${name}`);
  }
  await Deno.mkdir(`${root}/proc`);
  await Deno.writeTextFile(`${root}/proc/swaps`, fixture("swaps.txt"));
  return { sys: `${root}/sys`, proc: `${root}/proc`, dev: `${root}/dev` };
}

const run: Run = (argv) => {
  const answer = (stdout: string) => Promise.resolve({ code: 0, stdout, stderr: "" });
  const last = argv.at(-1) ?? "";
  const block = (text: string, head: string) => text.split("\n\n").find((one) => one.includes(head)) ?? "";
  switch (argv[0]) {
    case "lsblk":
      return answer(fixture("lsblk.json"));
    case "sfdisk":
      return answer(JSON.stringify(
        (JSON.parse(fixture("sfdisk.json")) as { partitiontable: { device: string } }[])
          .find(({ partitiontable }) => partitiontable.device === last),
      ));
    case "blkid":
      return answer(block(fixture("blkid.txt"), `DEVNAME=${last}\n`));
    case "mdadm":
      return answer(block(fixture("mdadm_detail_export.txt"), last === "/dev/md126" ? "=system" : "=boot"));
    case "lvm":
      return answer(fixture("lvm_fullreport.json"));
    case "dumpe2fs":
      return answer(dumpe2fs);
    default:
      return answer("");
  }
};

function readStart(path: string, bytes: number): Promise<Uint8Array> {
  const start = new Uint8Array(bytes), view = new DataView(start.buffer);
  if (path === "/dev/mapper/system-root" && bytes === XFS_SUPERBLOCK_BYTES) {
    view.setUint32(0, 0x58465342);
    view.setUint32(4, 4096);
    view.setBigUint64(48, 65_542n);
    view.setUint16(100, 0xb4a5);
  }
  return Promise.resolve(start);
}

async function recorded() {
  const root = await Deno.makeTempDir();
  try {
    const trees = await kernelTrees(root);
    const mounts = parseMountTable(Buffer.from(fixture("mountinfo.txt")));
    const machine = await readLayout({ run, readStart, trees, mounts });
    DiskLayout.parse(JSON.parse(JSON.stringify(machine.layout)));
    return machine;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const part = (disk: number, number: number) => ({ kind: "partition", disk, number });

Deno.test("both disks of a mirror are the machine's, and every volume refers to what it lies on", async () => {
  const { layout, unseen } = await recorded();
  assert.deepEqual(unseen, []);
  assert.deepEqual(layout.disks.map(({ name, partitions }) => [name, partitions.map((p) => p.number)]), [
    ...[["vda", [1, 2, 3]], ["vdb", [1, 2, 3]]],
  ]);
  assert.deepEqual(
    layout.arrays?.toSorted((a, b) => a.name < b.name ? 1 : -1),
    [
      {
        name: "system",
        uuid: "7e1d1c1a:90cf34a4:4aa17cb4:19b0aa02",
        superblockName: "template:system",
        metadata: "1.2",
        level: "raid1",
        slots: 2,
        members: [part(0, 3), part(1, 3)],
        spares: [],
        memberBytes: 2_877_440 * 1024,
        chunkBytes: 0,
        bitmap: "internal",
        sizeBytes: 2_946_498_560,
      },
      {
        name: "boot",
        uuid: "7e1d1c1a:90cf34a4:4aa17cb4:19b0aa01",
        superblockName: "template:boot",
        metadata: "1.2",
        level: "raid1",
        slots: 2,
        members: [part(0, 2), part(1, 2)],
        spares: [],
        memberBytes: 261_120 * 1024,
        chunkBytes: 0,
        bitmap: "none",
        sizeBytes: 267_386_880,
      },
    ],
  );
  const [group] = layout.groups ?? [];
  assert.deepEqual(group?.physical, [{
    volume: { kind: "md", name: "system" },
    uuid: "TqgaDg-160H-xb3e-1bdH-2E8h-QGFn-Hr0PuK",
    sizeBytes: 2_944_401_408,
    dataAtBytes: 1 << 20,
  }]);
  assert.deepEqual(group?.logical.map(({ name, type, sizeBytes }) => [name, type, sizeBytes]), [
    ["root", "linear", 1_572_864_000],
    ["swap", "linear", 134_217_728],
    ["var", "linear", 943_718_400],
  ]);
  assert.deepEqual(layout.fileSystems.map(({ mountPoint, type, volume }) => [mountPoint, type, volume]), [
    ["/", "xfs", { kind: "lv", group: "system", name: "root" }],
    ["/boot", "ext4", { kind: "md", name: "boot" }],
    ["/var", "ext4", { kind: "lv", group: "system", name: "var" }],
  ]);
  assert.deepEqual(layout.swap, [
    { volume: { kind: "lv", group: "system", name: "swap" }, uuid: "efb12da8-1b7a-4641-942f-444387a78e84" },
  ]);
});

Deno.test("snapshots in memory that stand in for members do not show in the tree", () => {
  const disk = (name: string, children: unknown[]) => ({ ...row(name, "part"), children });
  const row = (name: string, type: string, kname = name) => {
    return { name, kname, type, "maj:min": "1:1", size: 1, "log-sec": 512, rm: false };
  };
  const array = row("md127", "raid1");
  const snapshot = { ...row("rackseed-snapshot-1", "dm", "dm-0"), children: [array] };
  const lsblk = {
    blockdevices: [
      { ...row("loop0", "loop"), children: [snapshot] },
      { ...row("vda", "disk"), children: [disk("vda1", [snapshot])] },
    ],
  };
  const devices = withoutSnapshots(parseLsblk(JSON.stringify(lsblk)), new Map([["/dev/dm-0", "/dev/vda1"]]));
  assert.deepEqual(devices.map(({ name, below }) => [name, below]), [
    ["md127", ["vda1", "vda"]],
    ["vda", []],
    ["vda1", ["vda"]],
  ]);
});
