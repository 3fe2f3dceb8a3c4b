import assert from "node:assert/strict";
import { dirname } from "node:path";
import type { BootFacts } from "#contract/format/boot.ts";
import { TreeReader } from "../tree/tree_files.ts";
import { defaultEntry } from "./default_entry.ts";
import { bytesOfUnified } from "./testing/kernel_files.ts";

const KERNELS = { "/boot/vmlinuz-6.1": "", "/boot/initrd.img-6.1": "", "/boot/vmlinuz-5.10": "" };

/** As grub-mkconfig of Debian and Ubuntu writes it, shortened. */
const DEBIAN = (choice: string) =>
  `if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${choice}"
fi
function gfxmode {
	set gfxpayload="\${1}"
	if [ "\${1}" = "keep" ]; then
		set vt_handoff=vt.handoff=7
	else
		set vt_handoff=
	fi
}
menuentry 'Debian GNU/Linux' --class debian --class os $menuentry_id_option 'gnulinux-simple-1' {
	load_video
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	search --no-floppy --fs-uuid --set=root 1
	echo	'Loading Linux 6.1 ...'
	linux	/boot/vmlinuz-6.1 root=UUID=1 ro  quiet "dyndbg=file a.c +p" $vt_handoff
	initrd	/boot/initrd.img-6.1
}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced-1' {
	menuentry 'Debian GNU/Linux, with Linux 6.1' $menuentry_id_option 'gnulinux-6.1-advanced-1' {
		linux	/boot/vmlinuz-6.1 root=UUID=1 ro
		initrd	/boot/initrd.img-6.1
	}
	menuentry "Debian GNU/Linux, with Linux 5.10 (the admin's)" $menuentry_id_option 'gnulinux-5.10-advanced-1' {
		linux	/boot/vmlinuz-5.10 root=UUID=1 ro single
	}
}
menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
	fwsetup
}
menuentry 'Debian with Xen' --id xen {
	multiboot2	/boot/xen.gz placeholder
	module2	/boot/vmlinuz-6.1 placeholder
}
`;
const environment = (lines: string) => `# GRUB Environment Block\n${lines}`.padEnd(1024, "#");
const debian = (choice: string, lines = "") => ({
  ...KERNELS,
  "/boot/grub/grub.cfg": DEBIAN(choice),
  "/boot/grub/grubenv": environment(lines),
});

const RHEL = `set pager=1
if [ -f \${config_directory}/grubenv ]; then
  load_env -f \${config_directory}/grubenv
fi
set default="\${saved_entry}"
if [ -z "\${kernelopts}" ]; then
  set kernelopts="root=/dev/mapper/rl-root ro fallback"
fi
insmod blscfg
blscfg
menuentry 'UEFI Firmware Settings' --id 'uefi-firmware' {
	fwsetup
}
`;
const bls = (version: string, more = "") =>
  `title Rocky Linux (${version})
version ${version}
linux /vmlinuz-${version}
initrd /initramfs-${version}.img $tuned_initrd
options $kernelopts $tuned_params crashkernel=1G${more}
id rocky-${version}
grub_users $grub_users
`;
const rhel = (lines: string) => ({
  "/boot/grub2/grub.cfg": RHEL,
  "/boot/grub2/grubenv": environment(lines),
  "/boot/loader/entries/abc-5.14.0-70.conf": bls("5.14.0-70"),
  "/boot/loader/entries/abc-5.14.0-503.conf": bls("5.14.0-503"),
  "/boot/loader/entries/abc-0-rescue.conf": bls("0-rescue"),
  ...Object.fromEntries(
    ["5.14.0-70", "5.14.0-503", "0-rescue"].flatMap((v) => [
      [`/boot/vmlinuz-${v}`, ""],
      [`/boot/initramfs-${v}.img`, ""],
    ]),
  ),
});
const ARCH = {
  "/efi/loader/loader.conf": "timeout 3\ndefault arch*.conf\n",
  "/efi/loader/entries/arch.conf":
    "title Arch\nlinux /vmlinuz-linux\ninitrd /amd-ucode.img\ninitrd /initramfs-linux.img\noptions root=UUID=1 rw\n",
  "/efi/loader/entries/zz.conf": "title Other\nlinux /vmlinuz-linux\n",
  "/efi/vmlinuz-linux": "",
  "/efi/amd-ucode.img": "",
  "/efi/initramfs-linux.img": "",
};

interface Case {
  readonly name: string;
  readonly loader?: BootFacts["loader"];
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** "kernel | initrds | command line", or why that cannot be told. */
  readonly starts: string | RegExp;
}

const FIRST =
  '/boot/vmlinuz-6.1 | /boot/initrd.img-6.1 | BOOT_IMAGE=/boot/vmlinuz-6.1 root=UUID=1 ro quiet "dyndbg=file a.c +p"';
const ADVANCED = "/boot/vmlinuz-5.10 |  | BOOT_IMAGE=/boot/vmlinuz-5.10 root=UUID=1 ro single";
const NEWEST = (options: string) =>
  "/boot/vmlinuz-5.14.0-503 | /boot/initramfs-5.14.0-503.img | " +
  `BOOT_IMAGE=/vmlinuz-5.14.0-503 ${options} crashkernel=1G`;

const CASES: readonly Case[] = [
  { name: "Debian's first entry", files: debian("0"), starts: FIRST },
  { name: "an entry of a submenu by numbers", files: debian("1>1"), starts: ADVANCED },
  {
    name: "an entry of a submenu by ids",
    files: debian("gnulinux-advanced-1>gnulinux-5.10-advanced-1"),
    starts: ADVANCED,
  },
  {
    name: "an entry by its title, with a quote in it",
    files: debian("1>Debian GNU/Linux, with Linux 5.10 (the admin's)"),
    starts: ADVANCED,
  },
  {
    name: "the saved entry",
    files: debian("${saved_entry}", "saved_entry=1>1\n"),
    starts: ADVANCED,
  },
  { name: "nothing saved: the first", files: debian("${saved_entry}"), starts: FIRST },
  { name: "a default that is gone: the first", files: debian("gnulinux-gone"), starts: FIRST },
  {
    name: "another entry for the next start only",
    files: debian("0", "next_entry=1>1\n"),
    starts: /next_entry/,
  },
  { name: "the firmware's settings", files: debian("2"), starts: /does not simply start a Linux kernel/ },
  { name: "Xen", files: debian("xen"), starts: /does not simply start a Linux kernel/ },
  {
    name: "a kernel that is gone",
    files: { "/boot/grub/grub.cfg": DEBIAN("0"), "/boot/initrd.img-6.1": "" },
    starts: /\/boot\/vmlinuz-6\.1 of the entry "Debian GNU\/Linux" is no file/,
  },
  {
    name: "a variable with two values",
    files: {
      ...KERNELS,
      "/boot/grub/grub.cfg":
        "if true; then\nset x=1\nelse\nset x=2\nfi\nmenuentry a {\nlinux /boot/vmlinuz-6.1 a=$x\n}\n",
    },
    starts: /GRUB's variable x depends on conditions/,
  },
  { name: "no menu", files: {}, starts: /no menu of GRUB/ },
  {
    name: "RHEL's saved entry, its options from the environment",
    files: rhel(
      "saved_entry=abc-5.14.0-70\nkernelopts=root=/dev/mapper/rl-root ro\ntuned_params=isolcpus=1\n",
    ),
    starts: "/boot/vmlinuz-5.14.0-70 | /boot/initramfs-5.14.0-70.img | " +
      "BOOT_IMAGE=/vmlinuz-5.14.0-70 root=/dev/mapper/rl-root ro isolcpus=1 crashkernel=1G",
  },
  {
    name: "RHEL without a saved entry: the newest, its options from the menu",
    files: rhel(""),
    starts: NEWEST("root=/dev/mapper/rl-root ro fallback"),
  },
  {
    name: "RHEL, a number",
    files: rhel("saved_entry=1\nkernelopts=ro\n"),
    starts: "/boot/vmlinuz-5.14.0-70 | /boot/initramfs-5.14.0-70.img | " +
      "BOOT_IMAGE=/vmlinuz-5.14.0-70 ro crashkernel=1G",
  },
  {
    name: "systemd-boot's default by a pattern",
    loader: "systemd-boot",
    files: ARCH,
    starts: "/efi/vmlinuz-linux | /efi/amd-ucode.img /efi/initramfs-linux.img | root=UUID=1 rw",
  },
  {
    name: "systemd-boot's default that the firmware keeps",
    loader: "systemd-boot",
    files: { ...ARCH, "/efi/loader/loader.conf": "default @saved\n" },
    starts: /systemd-boot's default is @saved/,
  },
  {
    name: "systemd-boot without a default: by sort-key, then the newest version",
    loader: "systemd-boot",
    files: {
      "/boot/loader/entries/a.conf": "title Plain\nlinux /boot/vmlinuz-6.1\n",
      "/boot/loader/entries/id-6.1.conf":
        "sort-key debian\nversion 6.1\nlinux /boot/vmlinuz-6.1\noptions new\n",
      "/boot/loader/entries/id-5.10.conf":
        "sort-key debian\nversion 5.10\nlinux /boot/vmlinuz-5.10\noptions old\n",
      ...KERNELS,
    },
    starts: "/boot/vmlinuz-6.1 |  | new",
  },
  {
    name: "the only unified kernel image",
    loader: "uki",
    files: {
      "/efi/EFI/Linux/arch-linux.efi": bytesOfUnified({
        ".cmdline": new TextEncoder().encode("root=UUID=1 rw\0"),
      }),
    },
    starts: "/efi/EFI/Linux/arch-linux.efi | root=UUID=1 rw",
  },
  {
    name: "several unified kernel images",
    loader: "uki",
    files: { "/efi/EFI/Linux/a.efi": "", "/efi/EFI/Linux/b.efi": "" },
    starts: /several unified kernel images/,
  },
];

for (const { name, loader = "grub", files, starts } of CASES) {
  Deno.test(`what the loader would start: ${name}`, async () => {
    const root = await Deno.makeTempDir();
    try {
      for (const [path, content] of Object.entries(files)) {
        await Deno.mkdir(dirname(root + path), { recursive: true });
        const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
        await Deno.writeFile(root + path, bytes);
      }
      const found = defaultEntry(new TreeReader(root), { loader });
      if (typeof starts !== "string") return await assert.rejects(found, starts);
      const entry = await found;
      const shown = entry.kind === "files"
        ? [entry.kernel, entry.initrds.join(" "), entry.commandLine]
        : [entry.image, entry.commandLine];
      assert.equal(shown.join(" | "), starts);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}

Deno.test("GRUB's files may be links to the EFI system partition", async () => {
  const root = await Deno.makeTempDir();
  try {
    const folder = `${root}/boot/efi/EFI/redhat`;
    for (const at of [folder, `${root}/boot/grub2`]) await Deno.mkdir(at, { recursive: true });
    await Deno.writeTextFile(`${folder}/grub.cfg`, "menuentry a {\n  linuxefi /vmlinuz-6.1 ro\n}\n");
    await Deno.symlink("../efi/EFI/redhat/grub.cfg", `${root}/boot/grub2/grub.cfg`);
    await Deno.writeTextFile(`${root}/boot/vmlinuz-6.1`, "");
    const entry = await defaultEntry(new TreeReader(root), { loader: "grub" });
    assert.equal(entry.commandLine, "BOOT_IMAGE=/vmlinuz-6.1 ro");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
