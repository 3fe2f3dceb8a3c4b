/** Names of arrays, LUKS and LVM volumes, and of several disks, in the files that use them. */
import assert from "node:assert/strict";
import { LUKS_UUID as LUKS, luksVolume } from "#contract/format/testing/samples.ts";
import type { DiskLayout, DiskTable } from "#contract/format/layout.ts";
import { GPT_LAYOUT, NVME, onDisk, rewritten, SWAP } from "./testing/layouts.ts";
import { type CloneDisks, TemplateDisks } from "./template_disks.ts";

const ARRAY = "3aaa0122:29827cfa:5331ad66:ca767371";
const VG = "Wd8q1X-aaaa-bbbb-cccc-dddd-eeee-ffffff", LV = "kTz3Yy-1111-2222-3333-4444-5555-666666";
const PV = "oQ2w9E-aaaa-bbbb-cccc-dddd-eeee-999999", DATA_PV = "dDdDdD-aaaa-bbbb-cccc-dddd-eeee-999999";
const BOOT = "aaaaaaaa-0000-4000-8000-000000000001", DATA = "dddddddd-0000-4000-8000-000000000001";
const partition = (disk: number, number: number) => ({ kind: "partition" as const, disk, number });
const [sda] = GPT_LAYOUT.disks as [DiskTable];
const [rootFs, esp] = GPT_LAYOUT.fileSystems as [DiskLayout["fileSystems"][0], DiskLayout["fileSystems"][0]];
const disk = (name: string, digit: string): DiskTable => ({
  ...sda,
  name,
  names: [`/dev/disk/by-id/ata-DISK_${digit.repeat(8)}`],
  partitions: sda.partitions.map((p) => ({ ...p, uuid: p.uuid?.replace(/^7B/, `${digit}B`) })),
});

/** sda, sdb: md "boot" on partitions 1, LUKS on sda2, LVM on it; sdc: a data disk with LVM. */
const LAYOUT: DiskLayout = {
  disks: [sda, disk("sdb", "1"), disk("sdc", "2")],
  arrays: [{
    name: "boot",
    uuid: ARRAY,
    superblockName: "template:boot",
    metadata: "1.2",
    level: "raid1",
    slots: 2,
    members: [partition(0, 1), partition(1, 1)],
    spares: [],
    memberBytes: 1e9,
    chunkBytes: 0,
    bitmap: "internal",
    sizeBytes: 1e9,
  }],
  encrypted: [luksVolume("luks-root", { on: partition(0, 2) })],
  groups: [
    {
      name: "my-vg",
      uuid: VG,
      extentBytes: 4 << 20,
      physical: [{ volume: { kind: "luks", name: "luks-root" }, uuid: PV, sizeBytes: 1e9 }],
      logical: [{ name: "root", uuid: LV, type: "linear", sizeBytes: 1e9 }],
    },
    {
      name: "data",
      uuid: VG.replace("W", "D"),
      extentBytes: 4 << 20,
      physical: [{ volume: partition(2, 1), uuid: DATA_PV, sizeBytes: 1e9 }],
      logical: [{ name: "srv", uuid: LV.replace("k", "d"), type: "linear", sizeBytes: 1e9 }],
    },
  ],
  fileSystems: [
    { ...rootFs, volume: { kind: "lv", group: "my-vg", name: "root" } },
    { ...esp, type: "ext4", mountPoint: "/boot", volume: { kind: "md", name: "boot" }, uuid: BOOT },
    {
      ...esp,
      type: "xfs",
      mountPoint: "/srv",
      volume: { kind: "lv", group: "data", name: "srv" },
      uuid: DATA,
    },
  ],
  swap: [{ volume: partition(1, 3), uuid: SWAP }],
};
const SECOND = { name: "nvme1n1", names: ["/dev/disk/by-id/nvme-eui.0025385b71b0a1c3"] };
const CLONE: CloneDisks = {
  disks: [NVME, SECOND],
  loader: [{ kind: "disk", disk: 0 }, { kind: "disk", disk: 1 }],
};

Deno.test("names of volumes between disks and file systems", () => {
  const disks = new TemplateDisks(LAYOUT, CLONE);
  const plain = (uuid: string) => uuid.replaceAll("-", "");
  const root = { kind: "lv", group: "my-vg", name: "root" }, boot = { kind: "md", name: "boot" };
  const cases: [name: string, meaning: unknown][] = [
    ["/dev/sdb3", { is: "partition", disk: 1, number: 3 }],
    ["/dev/disk/by-id/ata-DISK_22222222-part1", { is: "partition", disk: 2, number: 1 }],
    ["/dev/mapper/my--vg-root", { is: "volume", volume: root, lasts: true }],
    ["/dev/my-vg/root", { is: "volume", volume: root, lasts: true }],
    [`/dev/disk/by-id/dm-uuid-LVM-${plain(VG)}${plain(LV)}`, { is: "volume", volume: root, lasts: true }],
    ["/dev/disk/by-id/dm-name-my--vg-root", { is: "volume", volume: root, lasts: true }],
    ["/dev/md/boot", { is: "volume", volume: boot, lasts: false }],
    ["/dev/md/template:boot", { is: "volume", volume: boot, lasts: false }],
    [`/dev/disk/by-id/md-uuid-${ARRAY}`, { is: "volume", volume: boot, lasts: true }],
    ["/dev/disk/by-id/md-name-template:boot", { is: "volume", volume: boot, lasts: true }],
    ["/dev/md/other", { is: "foreign" }],
    ["/dev/mapper/luks-root", { is: "volume", volume: { kind: "luks", name: "luks-root" }, lasts: true }],
    [`/dev/disk/by-id/dm-uuid-CRYPT-LUKS2-${plain(LUKS)}-luks-root`, {
      is: "volume",
      volume: { kind: "luks", name: "luks-root" },
      lasts: true,
    }],
    [`/dev/disk/by-id/lvm-pv-uuid-${DATA_PV}`, { is: "volume", volume: partition(2, 1), lasts: true }],
    [`UUID=${LUKS}`, { is: "lasting", of: partition(0, 2) }],
    ["UUID=3aaa0122-2982-7cfa-5331-ad66ca767371", { is: "lasting", of: partition(0, 1) }],
    ["/dev/mapper/swap", { is: "no disk" }],
    ["/dev/mapper/control", { is: "no disk" }],
  ];
  for (const [name, meaning] of cases) {
    const found = disks.meaning(name);
    // two members have the array's UUID
    if (name.startsWith("UUID=3aaa")) assert.equal(found.is, "lasting");
    else assert.deepEqual(found, meaning, name);
  }
});

interface Case {
  readonly name: string;
  readonly path: string;
  readonly before: string;
  readonly after: string;
  readonly notes?: RegExp[];
  readonly clone?: CloneDisks;
}

const CASES: Case[] = [
  {
    name:
      "fstab: arrays by UUID, since their names follow the host's; LVM's names last; a data disk's may be missing",
    path: "/etc/fstab",
    before: `/dev/mapper/my--vg-root / ext4 defaults 0 1
/dev/md/boot\t/boot ext4 defaults 0 2
/dev/sdb3 none swap sw 0 0
/dev/data/srv /srv xfs defaults,noatime 0 0
UUID=${DATA} /again xfs nofail 0 0
/dev/mapper/swap none swap sw 0 0
`,
    after: `/dev/mapper/my--vg-root / ext4 defaults 0 1
UUID=${BOOT}\t/boot ext4 defaults 0 2
UUID=${SWAP} none swap sw 0 0
/dev/data/srv /srv xfs defaults,noatime,nofail,x-systemd.device-timeout=10s 0 0
UUID=${DATA} /again xfs nofail 0 0
/dev/mapper/swap none swap sw 0 0
`,
  },
  {
    name: "grub.cfg with LVM stays, with an array gets a UUID",
    path: "/boot/grub2/grub.cfg",
    before: `menuentry 'a' {
	linux /vmlinuz root=/dev/mapper/my--vg-root rd.lvm.lv=my-vg/root rd.luks.uuid=luks-${LUKS} rd.md.uuid=${ARRAY} ro
	initrd /initramfs.img
}
menuentry 'b' {
	linux /vmlinuz root=/dev/md127 rd.lvm.lv=my-vg/gone rd.md.uuid=11111111:22222222:33333333:44444444
	initrd /initramfs.img
}
`,
    after: `menuentry 'a' {
	linux /vmlinuz root=/dev/mapper/my--vg-root rd.lvm.lv=my-vg/root rd.luks.uuid=luks-${LUKS} rd.md.uuid=${ARRAY} ro
	initrd /initramfs.img
}
menuentry 'b' {
	linux /vmlinuz root=/dev/md127 rd.lvm.lv=my-vg/gone rd.md.uuid=11111111:22222222:33333333:44444444
	initrd /initramfs.img
}
`,
    notes: [/rd\.lvm\.lv=my-vg\/gone, but no captured volume/, /rd\.md\.uuid=11111111/, /\/dev\/md127/],
  },
  {
    name: "crypttab keeps the clone's own way to open a volume",
    path: "/etc/crypttab",
    before:
      `luks-root /dev/sda2 /keys/root luks,discard,tpm2-device=/dev/tpmrm0,keyscript=/x\nother UUID=0d1e none luks\n`,
    after: `luks-root UUID=${LUKS} none luks,discard,tpm2-device=auto\nother UUID=0d1e none luks\n`,
    clone: { ...CLONE, unlock: new Map([["luks-root", { way: "tpm2" }]]) },
  },
  {
    name: "crypttab with a key file, and two fields only",
    path: "/etc/crypttab",
    before: `luks-root UUID=${LUKS}\n`,
    after: `luks-root UUID=${LUKS} /etc/cryptsetup-keys.d/luks-root.key luks\n`,
    clone: {
      ...CLONE,
      unlock: new Map([["luks-root", { way: "key-file", keyFile: "/etc/cryptsetup-keys.d/luks-root.key" }]]),
    },
  },
  {
    name: "crypttab gets a line for a volume that dracut opened without one",
    path: "/etc/crypttab",
    before: "",
    after: `luks-root UUID=${LUKS} none tpm2-device=auto\n`,
    clone: { ...CLONE, unlock: new Map([["luks-root", { way: "tpm2" }]]) },
  },
  {
    name: "mdadm.conf keeps its arrays",
    path: "/etc/mdadm/mdadm.conf",
    before:
      `HOMEHOST <system>\nARRAY /dev/md/boot metadata=1.2 UUID=${ARRAY} name=template:boot\nDEVICE /dev/sda1 /dev/sdb1\n`,
    after:
      `HOMEHOST <system>\nARRAY /dev/md/boot metadata=1.2 UUID=${ARRAY} name=template:boot\nDEVICE /dev/disk/by-partuuid/7b1f6a34-6c1e-4f5e-8a5e-0d6b1f2c3d01 /dev/disk/by-partuuid/1b1f6a34-6c1e-4f5e-8a5e-0d6b1f2c3d01\n`,
  },
  {
    name: "a filter of LVM that leaves the clone's volumes out gets them",
    path: "/etc/lvm/lvm.conf",
    before: `devices {\n\tfilter = [ "a|^/dev/sd[ab]|", "r|.*|" ]\n\t# filter = [ "r|.*|" ]\n}\n`,
    after:
      `devices {\n\tfilter = [ "a|^/dev/mapper/luks-root$|", "a|^/dev/sd[ab]|", "r|.*|" ]\n\t# filter = [ "r|.*|" ]\n}\n`,
  },
  {
    name: "a filter that accepts them stays",
    path: "/etc/lvm/lvm.conf",
    before: `\tglobal_filter = [ "r|/dev/cdrom|", "a|.*|" ]\n`,
    after: `\tglobal_filter = [ "r|/dev/cdrom|", "a|.*|" ]\n`,
  },
  {
    name: "LVM's devices file: by LUKS it stays, on a partition it is found by its PVID",
    path: "/etc/lvm/devices/system.devices",
    before: `# LVM uses devices listed in this file.\nVERSION=1.1.2\n` +
      `IDTYPE=crypt_uuid IDNAME=CRYPT-LUKS2-x DEVNAME=/dev/mapper/luks-root PVID=${
        PV.replaceAll("-", "")
      }\n` +
      `IDTYPE=sys_wwid IDNAME=naa.5000c500a1b2c3d4 DEVNAME=/dev/sdc1 PVID=${
        DATA_PV.replaceAll("-", "")
      } PART=1\n`,
    after: `# LVM uses devices listed in this file.\nVERSION=1.1.2\n` +
      `IDTYPE=crypt_uuid IDNAME=CRYPT-LUKS2-x DEVNAME=/dev/mapper/luks-root PVID=${
        PV.replaceAll("-", "")
      }\n` +
      `IDTYPE=devname IDNAME=/dev/nvme2n1p1 DEVNAME=/dev/nvme2n1p1 PVID=${
        DATA_PV.replaceAll("-", "")
      } PART=1\n`,
    clone: { ...CLONE, disks: [NVME, SECOND, { name: "nvme2n1", names: [] }] },
  },
  {
    name: "debconf's answer names each disk of the mirror",
    path: "/var/cache/debconf/config.dat",
    before: "Name: grub-pc/install_devices\nValue: /dev/sda, /dev/sdb\n",
    after:
      "Name: grub-pc/install_devices\nValue: /dev/disk/by-id/nvme-eui.0025385b71b0a1c2, /dev/disk/by-id/nvme-eui.0025385b71b0a1c3\n",
  },
  {
    name: "SUSE's list of GRUB's disks",
    path: "/etc/default/grub_installdevice",
    before: "/dev/sda\n/dev/sdb\nactivate\n",
    after: "/dev/disk/by-id/nvme-eui.0025385b71b0a1c2\n/dev/disk/by-id/nvme-eui.0025385b71b0a1c3\nactivate\n",
  },
];

for (const { name, path, before, after, notes = [], clone = CLONE } of CASES) {
  Deno.test(`volume names: ${name}`, () => {
    const made = rewritten(path, before, { layout: LAYOUT, clone });
    assert.equal(made.text, after);
    assert.equal(made.notes.length, notes.length, made.notes.join("\n"));
    for (const [i, note] of notes.entries()) assert.match(made.notes[i] ?? "", note);
    assert.equal(rewritten(path, after, { layout: LAYOUT, clone }).text, after);
  });
}

Deno.test("nothing is optional on a clone with all disks", () => {
  const clone = { ...CLONE, disks: [NVME, SECOND, { name: "sdc", names: [] }] };
  const text = `/dev/data/srv /srv xfs defaults 0 0\n`;
  assert.equal(rewritten("/etc/fstab", text, { layout: LAYOUT, clone }).text, text);
  assert.equal(
    rewritten("/etc/fstab", text, { layout: LAYOUT, clone: onDisk(NVME) }).text,
    text.replace("defaults", "defaults,nofail,x-systemd.device-timeout=10s"),
  );
});
