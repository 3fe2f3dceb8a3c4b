import assert from "node:assert/strict";
import { parseMountTable } from "../../sys/mount_table.ts";
import type { Device } from "../block_devices.ts";
import { chooseMounts } from "./own_mounts.ts";

function device(name: string, number: string, more: Partial<Device> = {}): Device {
  const below = /\d$/.test(name) ? [name.replace(/\d$/, "")] : [];
  return {
    name,
    kernelName: name,
    path: `/dev/${name}`,
    number,
    type: below.length === 0 ? "disk" : "part",
    sizeBytes: 1e9,
    sectorBytes: 512,
    foreign: false,
    below,
    ...more,
  };
}

const DEVICES = [
  ...[device("sda", "8:0"), device("sda1", "8:1"), device("sda2", "8:2"), device("sda3", "8:3")],
  ...[device("sdb", "8:16", { foreign: true }), device("sdb1", "8:17", { foreign: true })],
  device("loop0", "7:0", { type: "loop", below: [] }),
];
const ROOT = "20 1 8:1 / / rw - ext4 /dev/sda1 rw";

const cases: [name: string, right: string[], ...mounts: string[]][] = [
  ["each file system once, at its first mount point", ["/", "/data"], "21 20 8:2 / /data", "22 20 8:2 / /b"],
  ["the root at /, though a bind of it comes first", ["/"], "19 20 8:1 / /mnt", "30 20 8:1 / /srv"],
  ["no bind mounts of its directories", ["/"], "21 20 8:1 /var/log /srv/log"],
  ["the whole before a part that was mounted first", ["/", "/data"], "21 20 8:2 /a /a", "22 20 8:2 / /data"],
  ["a part where nothing else is mounted", ["/", "/a"], "21 20 8:2 /a /a", "22 20 8:2 /b /b"],
  ["a root of which a part is mounted on /", ["/"], "19 1 8:1 /ostree/deploy/x / ", "20 19 8:1 / /sysroot"],
  ["of two on one mount point, the upper one", ["/", "/data 8:3"], "21 20 8:2 / /data", "22 21 8:3 / /data"],
  [
    "of two on one mount point, the lower one elsewhere",
    ["/", "/data 8:3", "/old 8:2"],
    ...["21 20 8:2 / /data", "22 21 8:3 / /data", "23 20 8:2 / /old"],
  ],
  ["none served by a program", ["/"], "21 20 8:2 / /win fuseblk"],
  ["none on removable disks", ["/"], "21 20 8:17 / /media/stick"],
  ["none in image files", ["/"], "21 20 7:0 / /snap/core squashfs"],
  ["none on the network or in memory", ["/"], "21 20 0:40 / /net nfs4", "22 20 0:41 / /tmp tmpfs"],
];
for (const [name, right, ...lines] of cases) {
  Deno.test(`the machine's own file systems: ${name}`, () => {
    const rows = lines.map((line) => {
      const [id, parent, number, part, target, type = "ext4"] = line.trim().split(" ");
      return `${id} ${parent} ${number} ${part} ${target} rw - ${type} none rw`;
    });
    const replacesRoot = lines.some((line) => / \/ ?$/.test(line));
    const table = parseMountTable(Buffer.from([...replacesRoot ? [] : [ROOT], ...rows].join("\n")));
    const chosen = chooseMounts(table, { devices: DEVICES, diskTypes: ["disk"] });
    const found = chosen.map(({ mount: { target, number } }) =>
      right.some((place) => place.startsWith(`${target} `)) ? `${target} ${number}` : target
    );
    assert.deepEqual(found.sort(), right);
  });
}

Deno.test("every btrfs subvolume counts as a file system of the machine, a directory in one does not", () => {
  const lines = [
    "20 1 0:23 /@ / rw - btrfs /dev/sda1 rw,subvolid=256,subvol=/@",
    "21 20 0:23 /@home /home rw - btrfs /dev/sda1 rw,subvolid=257,subvol=/@home",
    "22 20 0:23 /@home /srv/home rw - btrfs /dev/sda1 rw,subvolid=257,subvol=/@home",
    "23 20 0:23 /@/var/log /srv/log rw - btrfs /dev/sda1 rw,subvolid=256,subvol=/@",
  ];
  const chosen = chooseMounts(parseMountTable(Buffer.from(lines.join("\n"))), {
    devices: DEVICES,
    diskTypes: ["disk"],
  });
  assert.deepEqual(chosen.map(({ mount }) => mount.target), ["/", "/home"]);
});
