/** Disks of machines with firmware RAID, ZFS, old arrays, groups and LUKS on whole disks become a clone's. */
import assert from "node:assert/strict";
import { runCommand as run } from "../../agent/sys/command.ts";
import { Template } from "#plan/testing/template.ts";
import { assertReleased, DISKS_4KN, inSmallVm } from "./in_small_vm.ts";
import { filledAndFound, MIB, planFor } from "./planned.ts";
import { prepare, shell, wipe, written } from "./stacks.ts";

const PAIR = ["vdb", "vdc"] as const;
type Pair = readonly [string, string];

/** What lay on both disks, and what blkid(8) and the like then called the first one. */
interface Earlier {
  readonly name: string;
  readonly type: RegExp;
  readonly on?: Pair;
  make(pair: Pair): Promise<unknown>;
}

/** Containers of firmware RAID: mdadm(8), without that firmware. */
const container = (format: string) => ([a, b]: Pair) =>
  shell(`export IMSM_NO_PLATFORM=1 IMSM_DEVNAME_AS_SERIAL=1
    modprobe -a md-mod raid1
    mdadm --create /dev/md/container -q --run -e ${format} -n 2 /dev/${a} /dev/${b}
    mdadm --create /dev/md/volume -q --run -l 1 -n 2 -z 200M /dev/md/container
    printf 'label: gpt\\nsize=50M\\n' | sfdisk -q --no-reread /dev/md/volume
    mdadm -q --stop /dev/md/volume; mdadm -q --stop /dev/md/container`);

/** vdev_label.c of OpenZFS: four labels of 256 KiB, each with 128 KiB of uberblocks at its end. */
async function zfsLabels(device: string): Promise<void> {
  using disk = await Deno.open(device, { read: true, write: true });
  const label = 256 << 10, size = await disk.seek(0, Deno.SeekMode.End);
  const end = Math.floor(size / label) * label;
  const uberblocks = new Uint8Array(label / 2);
  for (let at = 0; at < uberblocks.length; at += 1024) {
    uberblocks.set([0x0c, 0xb1, 0xba, 0, 0, 0, 0, 0, 0x88, 0x13], at);
  }
  for (const at of [0, label, end - 2 * label, end - label]) {
    await disk.seek(at + label / 2, Deno.SeekMode.Start);
    await disk.write(uberblocks);
  }
  await disk.sync();
}

const EARLIER: readonly Earlier[] = [
  { name: "firmware RAID of Intel", type: /isw_raid_member/, make: container("imsm") },
  { name: "firmware RAID of the kind DDF", type: /ddf_raid_member/, make: container("ddf") },
  {
    name: "firmware RAID of Intel with sectors of 4096 bytes",
    type: /isw_raid_member/,
    on: ["vde", "vdf"],
    make: container("imsm"),
  },
  {
    name: "ZFS on whole disks",
    type: /zfs_member/,
    async make(pair) {
      for (const disk of pair) await zfsLabels(`/dev/${disk}`);
    },
  },
  {
    name: "ZFS in a partition up to the last sector",
    type: /zfs_member/,
    async make(pair) {
      for (const disk of pair) {
        await shell(`printf 'label: gpt\\nstart=2048,size=1000M\\nsize=8M\\n' | sfdisk -q /dev/${disk}`);
        await zfsLabels(`/dev/${disk}1`);
      }
    },
  },
  {
    name: "a group on an array of version 0.90 on whole disks",
    type: /linux_raid_member/,
    make: ([a, b]) =>
      shell(`mdadm --create /dev/md9 -q --run --assume-clean -l 1 -n 2 -e 0.90 /dev/${a} /dev/${b}
      vgcreate -q vg0 /dev/md9; lvcreate -q -y -L 100M -n root vg0; vgchange -q -an vg0; mdadm -q --stop /dev/md9`),
  },
  {
    name: "LUKS on a whole disk, and a group of the clone's name on another",
    type: /crypto_LUKS/,
    make: ([a, b]) =>
      shell(`printf x | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/${a} -
      vgcreate -q vg0 /dev/${b}; lvcreate -q -y -L 100M -n root vg0; vgchange -q -an vg0`),
  },
];

/** A root in a group that begins where an old partition did. */
function clone(): Template {
  const t = new Template("bios");
  const disk = t.disk({ gib: 1 });
  t.partition(disk, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(disk, { mib: 64 }), "/boot", { usedBytes: MIB });
  t.group("vg0", [t.partition(disk, { kind: "lvm" })]);
  t.fileSystem(t.lv("vg0", "root", { gib: 0.25 }), "/", { usedBytes: MIB });
  return t;
}

/** The types that are found on a device, however they are hidden. */
async function found(device: string): Promise<string[]> {
  const { stdout } = await run(["wipefs", "--noheadings", "-O", "TYPE", device]);
  const examined = await run(["mdadm", "--examine", device], { accept: [0, 1] });
  return [
    ...stdout.match(/\S+/g) ?? [],
    ...examined.stdout.match(/ARRAY|Intel Raid ISM|DDF|(?<!MBR )Magic : \w+/g) ?? [],
  ];
}

for (const { name, type, on = PAIR, make } of EARLIER) {
  inSmallVm(`of ${name} nothing is left on the chosen disk, and the other one is not written`, async () => {
    await wipe();
    await shell(
      DISKS_4KN.map((disk) => `blkdiscard -f /dev/${disk}; blockdev --rereadpt /dev/${disk}`).join("\n"),
    );
    await prepare();
    await make(on);
    // programs that open the node of a stopped array make an empty one
    await shell(`rm -rf /dev/md
      for attempt in $(seq 50); do
        ls -d /sys/block/md* > /dev/null 2>&1 || break
        for array in /sys/block/md*; do mdadm -q --stop /dev/\${array##*/} || sleep 0.2; done
      done`);
    assertReleased();
    const [chosen, other] = on;
    const devices = (await shell(`ls /dev/${chosen}*`)).split("\n");
    assert.match((await Promise.all(devices.map(found))).join(), type);
    const before = await written([other]), left = await found(`/dev/${other}`);
    await filledAndFound(await planFor(clone().header, { on: [chosen] }));
    assert.equal(await written([other]), before);
    assert.deepEqual(await found(`/dev/${other}`), left);
    assert.deepEqual(await found(`/dev/${chosen}`), ["gpt", "gpt", "PMBR"]);
    assert.deepEqual(await found(`/dev/${chosen}1`), []);
    assert.deepEqual(await found(`/dev/${chosen}2`), ["ext4"]);
    assert.deepEqual(await found(`/dev/${chosen}3`), ["LVM2_member"]);
  });
}
