/** Clones that looked for their template's disk, and swap files that were copied as ordinary files. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { excludesOf } from "../../agent/tree/excludes.ts";
import {
  BOOT_PART,
  BY_ID,
  GPT_LAYOUT,
  NVME,
  onDisk,
  rewritten,
  ROOT,
  SWAP,
} from "../../agent/disk_references/testing/layouts.ts";
import { makeSwapFiles } from "../../agent/install/fit/swap_files.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { statAt } from "../../agent/sys/file_status.ts";
import { AT_FDCWD } from "../../agent/sys/libc.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { testReports } from "./report.ts";

const OWN = "/dev/disk/by-id/nvme-eui.0025385b71b0a1c2";
const answer = (question: string, value: string) => `Name: ${question}\nValue: ${value}\n`;
const block = (lines: string) => `# GRUB Environment Block\n${lines}`.padEnd(1024, "#");
const CONFIG = "/var/cache/debconf/config.dat";

/** A file's text on a clone whose disk is an NVMe; the template's was /dev/sda. */
testReports(
  ({ path, text, firmware = "bios" }: { path: string; text: string; firmware?: "bios" | "uefi" }) =>
    rewritten(path, text, { clone: onDisk(NVME, firmware) }).text,
  [
    {
      report: "david-cortes/snapper-in-debian-guide#10",
      fault: "fstab named the partition by the kernel's name, the name changed, and nothing booted",
      input: { path: "/etc/fstab", text: "/dev/sda2 / ext4 defaults 0 1\n" },
      right: `UUID=${ROOT} / ext4 defaults 0 1\n`,
    },
    {
      report: "rear/rear#22",
      fault: "SLES mounts by disk id, and the first start after a recovery to a new disk failed",
      input: { path: "/etc/fstab", text: `${BY_ID}-part2 / ext3 acl,user_xattr 1 1\n` },
      right: `UUID=${ROOT} / ext3 acl,user_xattr 1 1\n`,
    },
    {
      report: "rear/rear#1843",
      fault: "names of disks were replaced in comments, too",
      input: { path: "/etc/fstab", text: "# / was on /dev/sda2 during installation\n" },
      right: "# / was on /dev/sda2 during installation\n",
    },
    {
      report: "rear/rear#1450",
      fault: "SUSE's /etc/default/grub_installdevice kept the old disk's id, and yast bootloader failed",
      input: { path: "/etc/default/grub_installdevice", text: `${BY_ID}\nactivate\n` },
      right: `${OWN}\nactivate\n`,
    },
    {
      report: "rear/rear#2003",
      fault:
        "GRUB was recovered to the disk, its updates went on to the partition, and the next one did not start",
      input: { path: "/etc/default/grub_installdevice", text: "/dev/sda2\n" },
      right: `${OWN}\n`,
    },
    {
      report: "rear/rear#1852",
      fault: "smartd.conf is among the files that name disks",
      input: { path: "/etc/smartd.conf", text: "/dev/sda -a -m root\n" },
      right: `${OWN} -a -m root\n`,
    },
    {
      report: "lavabit/robox#166",
      fault: "an image made on SCSI was used on VirtIO, and the next update of grub-pc failed",
      input: { path: CONFIG, text: answer("grub-pc/install_devices", BY_ID) },
      right: answer("grub-pc/install_devices", OWN),
    },
    {
      report: "openmediavault/openmediavault#2208",
      fault: "debconf named a disk that no longer existed, and grub-install failed",
      input: {
        path: CONFIG,
        text: answer("grub-pc/install_devices", "/dev/disk/by-id/ata-VBOX_HARDDISK_VB22a108b5-8f893e13"),
      },
      right: answer("grub-pc/install_devices", OWN),
    },
    {
      report: "canonical/cloud-init#3679",
      fault: "on UEFI, debconf's answer is a list of EFI system partitions by id",
      input: {
        path: CONFIG,
        text: answer(
          "grub-efi/install_devices",
          "/dev/disk/by-id/nvme-eui.00000000000000006479a71d90513837-part1",
        ),
        firmware: "uefi",
      },
      right: answer("grub-efi/install_devices", `${OWN}-part1`),
    },
    {
      report: "geerlingguy/rpi-clone#31",
      fault: "the clone's fstab was changed, its kernel command line was not, and it did not boot",
      input: { path: "/etc/kernel/cmdline", text: "root=/dev/sda2 rootwait\n" },
      right: `root=UUID=${ROOT} rootwait\n`,
    },
    {
      report: "OSInside/kiwi#1455",
      fault: "kernelopts in GRUB's environment kept the root device of the build machine",
      input: { path: "/boot/grub2/grubenv", text: block("kernelopts=root=/dev/sda2 ro\n") },
      right: block(`kernelopts=root=UUID=${ROOT} ro\n`),
    },
    {
      report: "void-linux/void-runit#42",
      fault: "swap with a disposable key has no UUID that lasts: crypttab must name the partition",
      input: { path: "/etc/crypttab", text: "swap /dev/sda3 /dev/urandom swap\n" },
      right: `swap PARTUUID=${BOOT_PART.replace(/4$/, "3")} /dev/urandom swap\n`,
    },
    {
      report: "Sithuk/ubuntu-server-zfsbootmenu#87",
      fault: "mdadm.conf named an array's parts by the kernel's names, which changed from start to start",
      input: { path: "/etc/mdadm/mdadm.conf", text: "ARRAY /dev/md0 devices=/dev/sda4\n" },
      right: `ARRAY /dev/md0 devices=/dev/disk/by-partuuid/${BOOT_PART}\n`,
    },
    {
      report: "ltsp/ltsp#346",
      fault: "the resume device was in zz-resume-auto rather than resume, and every boot waited for it",
      input: { path: "/etc/initramfs-tools/conf.d/zz-resume-auto", text: "RESUME=/dev/sda3\n" },
      right: `RESUME=UUID=${SWAP}\n`,
    },
  ],
);

const SWAP_FILE = { ...GPT_LAYOUT, swapFiles: [{ path: "/swap/swapfile", sizeBytes: 1 << 30 }] };

/** Whether the capture reports it. */
testReports(
  ({ path, text }: { path: string; text: string }) =>
    rewritten(path, text, { layout: SWAP_FILE }).notes.length > 0,
  [
    {
      report: "omacom/omarchy#11437",
      fault: "a swap file was recreated at another position, and resume_offset was not changed",
      input: {
        path: "/etc/default/grub",
        text: `GRUB_CMDLINE_LINUX="resume=UUID=${ROOT} resume_offset=32515328"`,
      },
      right: true,
    },
    {
      report: "systemd/systemd#35180",
      fault: "resume= named a swap area that did not exist, and the boot waited forever",
      input: {
        path: "/boot/loader/entries/a.conf",
        text: "options root=LABEL=x resume=UUID=70431c91-96ec-4864-b9b3-45069d54459c\n",
      },
      right: true,
    },
    {
      report: "systemd/systemd#5836",
      fault: "fstab named a disk that no longer existed, and the machine booted into emergency mode",
      input: { path: "/etc/fstab", text: "/dev/sdb1 /data ext4 defaults 0 2\n" },
      right: true,
    },
  ],
);

/** Whether a capture leaves the file out. */
testReports(
  (path: string) =>
    excludesOf({ ...GPT_LAYOUT, swapFiles: [{ path: "/var/swap", sizeBytes: 1 << 20 }] }, [])
      .matches(bytePathOfText(path), { isDirectory: false }),
  [
    {
      report: "framps/raspiBackup#892",
      fault: "/var/swap was backed up as a file, and was corrupt when it was restored",
      input: "var/swap",
      right: true,
    },
  ],
);

/** The bytes of holes in a swap file that a clone makes. */
testReports(
  async (sizeBytes: number) => {
    const root = await Deno.makeTempDir();
    try {
      await makeSwapFiles(new CloneTree(root), { files: [{ path: "/swapfile", sizeBytes }], run });
      const made = statAt(AT_FDCWD, bytePathOfText(`${root}/swapfile`));
      return { mode: made.mode, holes: Math.max(0, sizeBytes - made.allocatedBytes) };
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
  [
    {
      report: "Azure/azure-devtestlab#118",
      fault: "a swap file made by fallocate was refused: swapon failed: Invalid argument",
      input: 1 << 20,
      right: { mode: 0o600, holes: 0 },
    },
    {
      report: "canonical/cloud-init#612",
      fault: "ext4 of Linux 5.7 refused swap files that were only allocated",
      input: 9 << 20,
      right: { mode: 0o600, holes: 0 },
    },
  ],
);
