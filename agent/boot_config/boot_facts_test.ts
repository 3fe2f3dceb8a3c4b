import assert from "node:assert/strict";
import type { BootFacts } from "#contract/format/boot.ts";
import { GPT_LAYOUT } from "../disk_references/testing/layouts.ts";
import { TreeReader } from "../tree/tree_files.ts";
import { readBootFacts } from "./boot_facts.ts";

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly firmware?: "bios" | "uefi";
  readonly distribution?: string;
  readonly loaderInfo?: string;
  readonly facts: Omit<BootFacts, "drivers"> | undefined;
}

const GRUB = { "/boot/grub/grub.cfg": "" }, GRUB2 = { "/boot/grub2/grub.cfg": "" };
const TOOLS = { "/usr/sbin/mkinitramfs": "" }, DRACUT = { "/usr/bin/dracut": "" };

const CASES: Case[] = [
  {
    name: "Debian on BIOS",
    files: { ...GRUB, ...TOOLS, "/etc/initramfs-tools/initramfs.conf": "MODULES=most\n" },
    facts: {
      loader: "grub",
      grubFolder: "/boot/grub",
      entries: [],
      initramfs: "initramfs-tools",
      hostOnly: false,
    },
  },
  {
    name: "Debian whose initramfs serves its own machine: the last setting wins",
    files: {
      ...GRUB,
      ...TOOLS,
      "/etc/initramfs-tools/initramfs.conf": "MODULES=most\n",
      "/etc/initramfs-tools/conf.d/driver-policy": "# Driver inclusion policy\nMODULES=dep\n",
    },
    facts: {
      loader: "grub",
      grubFolder: "/boot/grub",
      entries: [],
      initramfs: "initramfs-tools",
      hostOnly: true,
    },
  },
  ...["", "#!/bin/sh\nexec dracut --force\n"].map((update): Case => ({
    name: `Debian with dracut in place of initramfs-tools, ${
      update ? "with" : "without"
    } its update-initramfs`,
    files: { ...GRUB, ...TOOLS, ...DRACUT, ...update && { "/usr/sbin/update-initramfs": update } },
    facts: {
      loader: "grub",
      grubFolder: "/boot/grub",
      entries: [],
      initramfs: "dracut",
      hostOnly: true,
    },
  })),
  {
    name: "Debian with dracut's core beside initramfs-tools",
    files: { ...GRUB, ...TOOLS, ...DRACUT, "/usr/sbin/update-initramfs": "#!/bin/sh\nmkinitramfs -o x\n" },
    facts: {
      loader: "grub",
      grubFolder: "/boot/grub",
      entries: [],
      initramfs: "initramfs-tools",
      hostOnly: false,
    },
  },
  {
    name: "Debian on UEFI, with an ESP of another system beside",
    firmware: "uefi",
    files: {
      ...GRUB,
      ...TOOLS,
      "/boot/efi/EFI/BOOT/BOOTX64.EFI": "",
      "/boot/efi/EFI/Microsoft/Boot/bootmgfw.efi": "",
      "/boot/efi/EFI/debian/grubx64.efi": "",
      "/boot/efi/EFI/debian/shimx64.efi": "",
    },
    facts: {
      loader: "grub",
      grubFolder: "/boot/grub",
      program: "EFI/debian/shimx64.efi",
      entries: [],
      initramfs: "initramfs-tools",
      hostOnly: false,
    },
  },
  {
    name: "RHEL: signed programs of packages, entries, dracut for its own machine",
    firmware: "uefi",
    distribution: "rhel",
    files: {
      ...GRUB2,
      ...DRACUT,
      "/usr/lib/dracut/dracut.conf.d/01-dist.conf": 'hostonly="yes"\n',
      "/boot/efi/EFI/redhat/shimx64.efi": "",
      "/boot/efi/EFI/redhat/grubx64.efi": "",
      "/boot/loader/entries/ffff-5.14.0.conf": "",
    },
    facts: {
      loader: "grub",
      grubFolder: "/boot/grub2",
      program: "EFI/redhat/shimx64.efi",
      packaged: true,
      entries: ["/boot/loader/entries"],
      initramfs: "dracut",
      hostOnly: true,
    },
  },
  {
    name: "dracut for any machine: a file in /etc replaces its namesake",
    files: {
      ...GRUB2,
      ...DRACUT,
      "/usr/lib/dracut/dracut.conf.d/02-generic.conf": 'hostonly="yes"\n',
      "/etc/dracut.conf.d/02-generic.conf": 'hostonly="no"\n',
      "/usr/lib/dracut/dracut.conf.d/01-dist.conf": 'hostonly="yes"\n',
    },
    facts: { loader: "grub", grubFolder: "/boot/grub2", entries: [], initramfs: "dracut", hostOnly: false },
  },
  {
    name: "Arch with systemd-boot",
    firmware: "uefi",
    distribution: "arch",
    files: {
      "/usr/bin/mkinitcpio": "",
      "/etc/mkinitcpio.conf": "HOOKS=(base udev autodetect modconf block filesystems)\n",
      "/boot/efi/EFI/systemd/systemd-bootx64.efi": "",
      "/boot/efi/loader/entries/arch.conf": "",
    },
    facts: {
      loader: "systemd-boot",
      program: "EFI/systemd/systemd-bootx64.efi",
      entries: ["/boot/efi/loader/entries"],
      initramfs: "mkinitcpio",
      hostOnly: true,
    },
  },
  {
    name: "GRUB and systemd-boot are installed: the firmware's variable decides",
    firmware: "uefi",
    loaderInfo: "systemd-boot 252.39-1",
    files: { ...GRUB, ...TOOLS, "/boot/efi/EFI/systemd/systemd-bootx64.efi": "" },
    facts: {
      loader: "systemd-boot",
      grubFolder: "/boot/grub",
      program: "EFI/systemd/systemd-bootx64.efi",
      entries: [],
      initramfs: "initramfs-tools",
      hostOnly: false,
    },
  },
  {
    name: "a unified kernel image alone",
    firmware: "uefi",
    files: { ...DRACUT, "/boot/efi/EFI/Linux/fedora-6.5.efi": "" },
    facts: { loader: "uki", entries: [], initramfs: "dracut", hostOnly: true },
  },
  { name: "nothing", files: TOOLS, facts: undefined },
  {
    name: "systemd-boot's files on a BIOS",
    files: { "/boot/efi/EFI/systemd/systemd-bootx64.efi": "" },
    facts: undefined,
  },
];

for (const { name, files, firmware = "bios", distribution = "debian", loaderInfo, facts } of CASES) {
  Deno.test(`how a system boots: ${name}`, async () => {
    const root = await Deno.makeTempDir();
    try {
      for (const [path, text] of Object.entries(files)) {
        await Deno.mkdir(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
        await Deno.writeTextFile(`${root}${path}`, text);
      }
      const found = await readBootFacts(new TreeReader(root), {
        layout: GPT_LAYOUT,
        firmware,
        distribution,
        copies: [],
        drivers: ["ahci"],
        loaderInfo,
      });
      // the files are empty, so none of them is a program that the firmware could start
      const programs = firmware === "uefi" ? { programs: [] } : {};
      assert.deepEqual(found, facts && { ...facts, drivers: ["ahci"], ...programs });
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}
