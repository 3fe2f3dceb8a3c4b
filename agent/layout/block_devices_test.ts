import assert from "node:assert/strict";
import { parseLsblk, partitionNumber, withOnePath } from "./block_devices.ts";

const node = (name: string, kname: string, type: string, children: unknown[] = []) => ({
  name,
  kname,
  "maj:min": "8:0",
  type,
  size: 1e9,
  "log-sec": 512,
  rm: false,
  children,
});
const part1 = node("mpatha-part1", "dm-1", "part", [node("vg-root", "dm-2", "lvm")]);
const joined = node("mpatha", "dm-0", "mpath", [part1]);

Deno.test("the paths of a disk are one disk, on which its partitions lie", () => {
  const blockdevices = [
    node("sda", "sda", "disk", [joined, node("sda1", "sda1", "part")]),
    node("sdb", "sdb", "disk", [joined, node("sdb1", "sdb1", "part")]),
    node("sdc", "sdc", "disk", [node("sdc1", "sdc1", "part")]),
  ];
  const devices = withOnePath(parseLsblk(JSON.stringify({ blockdevices })));
  assert.deepEqual(devices.map(({ name, path, type, below }) => [name, path, type, below]), [
    ["sda", "/dev/mapper/mpatha", "disk", []],
    ["mpatha-part1", "/dev/mapper/mpatha-part1", "part", ["sda"]],
    ["vg-root", "/dev/mapper/vg-root", "lvm", ["mpatha-part1", "sda"]],
    ["sdc", "/dev/sdc", "disk", []],
    ["sdc1", "/dev/sdc1", "part", ["sdc"]],
  ]);
});

Deno.test("partitions are numbered as the kernel, udev and kpartx name them", () => {
  const numbers: [path: string, disk: string, number: number | undefined][] = [
    ["/dev/sda2", "/dev/sda", 2],
    ["/dev/nvme0n1p12", "/dev/nvme0n1", 12],
    ["/dev/mapper/mpatha-part3", "/dev/mapper/mpatha", 3],
    ["/dev/mapper/mpatha3", "/dev/mapper/mpatha", 3],
    ["/dev/sdab2", "/dev/sda", undefined],
    ["/dev/sdb2", "/dev/sda", undefined],
  ];
  for (const [path, disk, number] of numbers) assert.equal(partitionNumber(path, disk), number, path);
});
