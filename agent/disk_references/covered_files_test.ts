import assert from "node:assert/strict";
import {
  BOOT_PART,
  BY_ID,
  BY_PATH,
  GPT_LAYOUT,
  MBR_LAYOUT,
  onDisk,
  rewritten,
  ROOT,
  SWAP,
} from "./testing/layouts.ts";
import type { CloneDisks } from "./template_disks.ts";

const PART = (n: number) => BOOT_PART.replace(/4$/, String(n));
const OWN = "/dev/disk/by-id/nvme-eui.0025385b71b0a1c2";
const BLOCK = (lines: string) => `# GRUB Environment Block\n${lines}`.padEnd(1024, "#");

interface Case {
  readonly name: string;
  readonly path: string;
  readonly before: string;
  readonly after: string;
  readonly notes?: RegExp[];
  readonly layout?: typeof GPT_LAYOUT;
  readonly clone?: CloneDisks;
}

const CASES: Case[] = [
  {
    name: "Debian's fstab with the kernel's names",
    path: "/etc/fstab",
    before: `# /etc/fstab: static file system information.
# / was on /dev/sda2 during installation
/dev/sda2  /               ext4    errors=remount-ro 0       1
/dev/sda1\t/boot/efi       vfat    umask=0077      0       1
/dev/sda3 none swap sw 0 0
/dev/sda4 /scratch xfs defaults,nofail 0 0
/dev/mapper/data-srv /srv ext4 defaults,nofail 0 2
/swapfile none swap sw,pri=5 0 0
/srv/www /var/www none bind 0 0
/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0
nas:/home /home nfs defaults 0 0
`,
    after: `# /etc/fstab: static file system information.
# / was on /dev/sda2 during installation
UUID=${ROOT}  /               ext4    errors=remount-ro 0       1
UUID=12AB-34CD\t/boot/efi       vfat    umask=0077      0       1
UUID=${SWAP} none swap sw 0 0
PARTUUID=${PART(4)} /scratch xfs defaults,nofail 0 0
/dev/mapper/data-srv /srv ext4 defaults,nofail 0 2
/swapfile none swap sw,pri=5 0 0
/srv/www /var/www none bind 0 0
/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0
nas:/home /home nfs defaults 0 0
`,
  },
  {
    name: "SUSE's fstab by id and by path, cloud images' by label",
    path: "/etc/fstab",
    before: `${BY_ID}-part2 / ext4 acl,user_xattr 1 1
${BY_PATH}-part3 swap swap defaults 0 0
LABEL="gr\xc3\xb6\xc3\x9fe" /again ext4 defaults 0 0
/dev/disk/by-label/EFI\\x20SYSTEM /efi vfat defaults 0 0
PARTUUID=${PART(4).toUpperCase()} /d xfs noauto 0 0
`,
    after: `UUID=${ROOT} / ext4 acl,user_xattr 1 1
UUID=${SWAP} swap swap defaults 0 0
LABEL="gr\xc3\xb6\xc3\x9fe" /again ext4 defaults 0 0
/dev/disk/by-label/EFI\\x20SYSTEM /efi vfat defaults 0 0
PARTUUID=${PART(4).toUpperCase()} /d xfs noauto 0 0
`,
  },
  {
    name: "names of other disks stay, and are noted",
    path: "/etc/fstab",
    before: `/dev/sdb1 /data ext4 defaults 0 2
UUID=dead-beef /usb vfat nofail 0 0
/dev/disk/by-id/usb-Stick_1-part1 /stick ext4 noauto 0 0
/dev/sda2 /a xfs logdev=/dev/sdc1,noatime 0 0
`,
    after: `/dev/sdb1 /data ext4 defaults 0 2
UUID=dead-beef /usb vfat nofail 0 0
/dev/disk/by-id/usb-Stick_1-part1 /stick ext4 noauto 0 0
UUID=${ROOT} /a xfs logdev=/dev/sdc1,noatime 0 0
`,
    notes: [
      /^\/etc\/fstab line 1 names \/dev\/sdb1, which is not on the captured disks: .*add nofail$/,
      /line 2 names UUID=dead-beef.*clones boot without it/,
      /line 3 names .*usb-Stick_1-part1/,
      /line 4 names \/dev\/sdc1/,
    ],
  },
  {
    name: "an earlier kernel's name for the root is resolved by its mount point",
    path: "/etc/fstab",
    before: "/dev/hda1 / ext4 defaults 0 1\n/dev/hda5 none swap sw 0 0\n",
    after: `UUID=${ROOT} / ext4 defaults 0 1\n/dev/hda5 none swap sw 0 0\n`,
    layout: MBR_LAYOUT,
    notes: [/line 2 names \/dev\/hda5/],
  },
  {
    name: "names of a RAID controller",
    path: "/etc/fstab",
    before: "/dev/cciss/c0d0p1 / ext3 acl 1 1\n/dev/cciss/c0d1p1 /b ext3 acl 1 1\n",
    after: `UUID=${ROOT} / ext3 acl 1 1\n/dev/cciss/c0d1p1 /b ext3 acl 1 1\n`,
    layout: { ...MBR_LAYOUT, disks: MBR_LAYOUT.disks.map((disk) => ({ ...disk, name: "cciss!c0d0" })) },
    notes: [/line 2 names \/dev\/cciss\/c0d1p1/],
  },
  {
    name: "swap with a new key at each boot is named by its partition",
    path: "/etc/crypttab",
    before: "# <target name> <source device>\nswap /dev/sda3 /dev/urandom swap,cipher=aes-xts-plain64\n" +
      "data UUID=0d1e none luks\nold /dev/sdb2 /dev/sdc1:/key luks\n",
    after: `# <target name> <source device>\nswap PARTUUID=${
      PART(3)
    } /dev/urandom swap,cipher=aes-xts-plain64\ndata UUID=0d1e none luks\nold /dev/sdb2 /dev/sdc1:/key luks\n`,
    notes: [/line 4 names \/dev\/sdc1.*passphrase/, /line 4 names \/dev\/sdb2.*overwritten/],
  },
  {
    name: "initramfs-tools' resume device",
    path: "/etc/initramfs-tools/conf.d/resume",
    before: "RESUME=/dev/vda5\n",
    after: `RESUME=UUID=${SWAP}\n`,
    layout: MBR_LAYOUT,
  },
  {
    name: "Debian's /etc/default/grub",
    path: "/etc/default/grub",
    before: `GRUB_CMDLINE_LINUX_DEFAULT="quiet resume=/dev/sda3 resume_offset=34816"
GRUB_CMDLINE_LINUX='root=/dev/sda2 cryptdevice=/dev/sda4:root console=ttyS0'
#GRUB_DISABLE_LINUX_UUID=true
# root=/dev/sda2 is an example
`,
    after: `GRUB_CMDLINE_LINUX_DEFAULT="quiet resume=UUID=${SWAP} resume_offset=34816"
GRUB_CMDLINE_LINUX='root=UUID=${ROOT} cryptdevice=/dev/disk/by-partuuid/${PART(4)}:root console=ttyS0'
#GRUB_DISABLE_LINUX_UUID=true
# root=/dev/sda2 is an example
`,
  },
  {
    name: "a cloud image's forced PARTUUID stays, a missing resume device is noted",
    path: "/etc/default/grub.d/40-force-partuuid.cfg",
    before: `GRUB_FORCE_PARTUUID=${PART(2)}\nGRUB_DISABLE_LINUX_UUID=true\nA="resume=UUID=70431c91"\n`,
    after: `GRUB_FORCE_PARTUUID=${PART(2)}\nGRUB_DISABLE_LINUX_UUID=true\nA="resume=UUID=70431c91"\n`,
    notes: [/line 3 has resume=UUID=70431c91.*remove it/, /line 2 has GRUB_DISABLE_LINUX_UUID/].reverse(),
  },
  {
    name: "update-grub's grub.cfg with kernel names, and an entry without an initramfs",
    path: "/boot/grub/grub.cfg",
    before: `menuentry 'Debian GNU/Linux' --class debian {
	insmod part_gpt
	set root='hd0,gpt2'
	search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 ${ROOT}
	linux	/boot/vmlinuz-6.1.0-13-amd64 root=/dev/sda2 ro  quiet
	initrd	/boot/initrd.img-6.1.0-13-amd64
}
menuentry 'own kernel' {
	set root='hd1,msdos1'
	linux	/boot/vmlinuz root=/dev/sda2 ro
}
`,
    after: `menuentry 'Debian GNU/Linux' --class debian {
	insmod part_gpt
	set root='hd0,gpt2'
	search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 ${ROOT}
	linux	/boot/vmlinuz-6.1.0-13-amd64 root=UUID=${ROOT} ro  quiet
	initrd	/boot/initrd.img-6.1.0-13-amd64
}
menuentry 'own kernel' {
	set root='hd1,msdos1'
	linux	/boot/vmlinuz root=PARTUUID=${PART(2)} ro
}
`,
    notes: [/line 9 has set root=hd1,msdos1: .*search --fs-uuid/],
  },
  {
    name: "an entry whose only initrd is microcode",
    path: "/boot/loader/entries/arch.conf",
    before: "linux /vmlinuz\ninitrd /intel-ucode.img\noptions root=/dev/sda2 rw\n",
    after: `linux /vmlinuz\ninitrd /intel-ucode.img\noptions root=PARTUUID=${PART(2)} rw\n`,
  },
  {
    name: "microcode before the initramfs",
    path: "/boot/loader/entries/arch.conf",
    before: "linux /vmlinuz\ninitrd /amd-ucode.img /initramfs.img\noptions root=/dev/sda2 rw\n",
    after: `linux /vmlinuz\ninitrd /amd-ucode.img /initramfs.img\noptions root=UUID=${ROOT} rw\n`,
  },
  {
    name: "extlinux",
    path: "/boot/extlinux/extlinux.conf",
    before: "LABEL a\n  LINUX /vmlinuz\n  APPEND initrd=/initrd.img root=/dev/sda2 ro\n",
    after: `LABEL a\n  LINUX /vmlinuz\n  APPEND initrd=/initrd.img root=UUID=${ROOT} ro\n`,
  },
  {
    name: "RHEL's loader entry",
    path: "/boot/loader/entries/ffff-5.14.0.conf",
    before:
      `title Red Hat\nlinux /vmlinuz-5.14.0\noptions root=/dev/vda1 ro crashkernel=1G-4G:192M,4G-64G:256M resume=/dev/vda5\ninitrd /initramfs-5.14.0.img $tuned_initrd\n`,
    after:
      `title Red Hat\nlinux /vmlinuz-5.14.0\noptions root=UUID=${ROOT} ro crashkernel=1G-4G:192M,4G-64G:256M resume=UUID=${SWAP}\ninitrd /initramfs-5.14.0.img $tuned_initrd\n`,
    layout: MBR_LAYOUT,
  },
  {
    name: "GRUB's environment block stays 1024 bytes",
    path: "/boot/grub2/grubenv",
    before: BLOCK("saved_entry=0\nkernelopts=root=/dev/sda2 ro quiet\n"),
    after: BLOCK(`saved_entry=0\nkernelopts=root=UUID=${ROOT} ro quiet\n`),
  },
  {
    name: "an environment block that is full",
    path: "/boot/grub2/grubenv",
    before: BLOCK(`kernelopts=root=/dev/sda2 ${"x".repeat(960)}\n`),
    after: BLOCK(`kernelopts=root=/dev/sda2 ${"x".repeat(960)}\n`),
    notes: [/cannot be changed: its block is full/],
  },
  {
    name: "the kernel command line of kernel-install",
    path: "/etc/kernel/cmdline",
    before: "root=/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part2 ro\n",
    after: `root=UUID=${ROOT} ro\n`,
  },
  {
    name: "SUSE's install device becomes the place of GRUB on the clone",
    path: "/etc/default/grub_installdevice",
    before: `${BY_ID}-part2\nactivate\ngeneric_mbr\n`,
    after: `${OWN}\nactivate\ngeneric_mbr\n`,
  },
  {
    name: "grub's device.map",
    path: "/boot/grub/device.map",
    before: `(hd0)\t${BY_ID}\n`,
    after: `(hd0)\t${OWN}\n`,
  },
  {
    name: "a clone's disk without any link",
    path: "/boot/grub/device.map",
    before: `(hd0)\t/dev/sda\n(hd1) /dev/sdb\n`,
    after: `(hd0)\t/dev/vda\n(hd1) /dev/sdb\n`,
    clone: onDisk({ name: "vda", names: [] }),
    notes: [/line 2 names \/dev\/sdb/],
  },
  {
    name: "smartd's disks, with examples in comments",
    path: "/etc/smartd.conf",
    before: "#DEVICESCAN\n# /dev/sda -a -o on\n/dev/sda -a -o on -S on -m root\n/dev/sdb -d removable\n",
    after: `#DEVICESCAN\n# /dev/sda -a -o on\n${OWN} -a -o on -S on -m root\n/dev/sdb -d removable\n`,
    notes: [/line 4 names \/dev\/sdb/],
  },
  {
    name: "hdparm's sections",
    path: "/etc/hdparm.conf",
    before: "/dev/sda {\n\tspindown_time = 241\n}\n",
    after: `${OWN} {\n\tspindown_time = 241\n}\n`,
  },
  {
    name: "a link that the clone's disk has too stays",
    path: "/etc/hdparm.conf",
    before: `${BY_PATH} {\n}\n`,
    after: `${BY_PATH} {\n}\n`,
    clone: onDisk({ name: "sda", names: [BY_PATH, "/dev/disk/by-id/wwn-0x5002538d40b1b5c9"] }),
  },
  {
    name: "a mount unit",
    path: "/etc/systemd/system/srv.mount",
    before: "[Mount]\n#What=/dev/sda3\nWhat=/dev/sda2\nWhere=/srv\n",
    after: `[Mount]\n#What=/dev/sda3\nWhat=/dev/disk/by-uuid/${ROOT}\nWhere=/srv\n`,
  },
  {
    name: "a swap unit, which is named after its device",
    path: "/etc/systemd/system/dev-sda3.swap",
    before: "[Swap]\nWhat=/dev/sda3\n",
    after: "[Swap]\nWhat=/dev/sda3\n",
    notes: [/line 2 names \/dev\/sda3: .*fstab by UUID/],
  },
  {
    name: "dracut's devices and policy",
    path: "/etc/dracut.conf.d/10-site.conf",
    before: 'add_device+=" /dev/sda2 "\npersistent_policy="by-path"\n',
    after: `add_device+=" /dev/disk/by-uuid/${ROOT} "\npersistent_policy="by-path"\n`,
    notes: [/line 2 has persistent_policy=by-path/],
  },
  {
    name: "mdadm's devices",
    path: "/etc/mdadm/mdadm.conf",
    before: "DEVICE /dev/sda4 /dev/sdb*\nARRAY /dev/md0 devices=/dev/sda4\n",
    after: `DEVICE /dev/disk/by-partuuid/${PART(4)} /dev/sdb*\nARRAY /dev/md0 devices=/dev/disk/by-partuuid/${
      PART(4)
    }\n`,
    notes: [/line 1 names \/dev\/sdb/],
  },
];

for (const { name, path, before, after, notes = [], layout, clone } of CASES) {
  Deno.test(`disk names: ${name}`, () => {
    const options = { ...(layout && { layout }), ...(clone && { clone }) };
    const made = rewritten(path, before, options);
    assert.equal(made.text, after);
    assert.equal(made.notes.length, notes.length, made.notes.join("\n"));
    for (const [i, note] of notes.entries()) assert.match(made.notes[i] ?? "", note);
    // rewriting again, as in a restore or a clone of a clone, changes nothing
    assert.equal(rewritten(path, after, options).text, after);
  });
}

Deno.test("a resume offset is noted only if the swap is a file", () => {
  const text = "resume=UUID=0c2f1d7e-11f0-4b2a-9c55-6a1c0e5a9a01 resume_offset=34816\n";
  const layout = { ...GPT_LAYOUT, swapFiles: [{ path: "/swapfile", sizeBytes: 1 << 30 }] };
  assert.deepEqual(rewritten("/etc/kernel/cmdline", text).notes, []);
  assert.match(rewritten("/etc/kernel/cmdline", text, { layout }).notes.join(), /resume_offset=.*filefrag/);
});
