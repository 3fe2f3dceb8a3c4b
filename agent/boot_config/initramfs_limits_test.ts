import assert from "node:assert/strict";
import type { BootFacts } from "#contract/format/boot.ts";
import { TreeReader } from "../tree/tree_files.ts";
import { initramfsLimits } from "./initramfs_limits.ts";
import { initramfsImages, unifiedImages } from "./kernels.ts";
import { bytesOfKernel, bytesOfUnified } from "./testing/kernel_files.ts";

type Files = Readonly<Record<string, string | Uint8Array>>;

async function withTree<T>(files: Files, use: (tree: TreeReader) => Promise<T>): Promise<T> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      if (typeof content === "string") await Deno.writeTextFile(`${root}${path}`, content);
      else await Deno.writeFile(`${root}${path}`, content);
    }
    return await use(new TreeReader(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const NEW = "6.9.1-arch1-1", OLD = "6.6.30-1-lts";
const KERNELS = { [`/usr/lib/modules/${NEW}/modules.dep`]: "", [`/usr/lib/modules/${OLD}/modules.dep`]: "" };

const images: { name: string; files: Files; found: readonly (readonly [string, string])[] }[] = [
  {
    name: "by its kernel's release, as most distributions do; the rescue image is no kernel's",
    files: {
      ...KERNELS,
      [`/boot/initramfs-${NEW}.img`]: "",
      [`/boot/initrd-${OLD}`]: "",
      "/boot/initramfs-0-rescue-ffff.img": "",
    },
    found: [[`/boot/initramfs-${NEW}.img`, NEW], [`/boot/initrd-${OLD}`, OLD]],
  },
  {
    name: "by a kernel of the same entry, whose header has the release; microcode is left out",
    files: {
      ...KERNELS,
      "/boot/vmlinuz-linux": bytesOfKernel(NEW),
      "/boot/initramfs-linux.img": "",
      "/boot/amd-ucode.img": "",
      "/boot/loader/entries/arch.conf":
        "title Arch\nlinux /vmlinuz-linux\ninitrd /amd-ucode.img\ninitrd /initramfs-linux.img\noptions root=UUID=x\n",
    },
    found: [["/boot/initramfs-linux.img", NEW]],
  },
  {
    name: "by GRUB's menu, in a subvolume, with what RHEL adds; not the rescue entry",
    files: {
      ...KERNELS,
      [`/boot/vmlinuz-${OLD}`]: "",
      "/boot/initrd-lts": "",
      "/boot/initramfs-0-rescue-ffff.img": "",
      "/boot/vmlinuz-0-rescue-ffff": bytesOfKernel(OLD),
      "/boot/grub2/grub.cfg": `menuentry 'one' {\n\tlinux ($root)/@/boot/vmlinuz-${OLD} root=UUID=x\n` +
        "\tinitrd ($root)/@/boot/initrd-lts $tuned_initrd\n}\nmenuentry 'rescue' {\n" +
        "\tlinux /vmlinuz-0-rescue-ffff\n\tinitrd /initramfs-0-rescue-ffff.img\n}\n",
    },
    found: [["/boot/initrd-lts", OLD]],
  },
  {
    name: "by the only kernel that there is",
    files: {
      [`/usr/lib/modules/${NEW}/modules.dep`]: "",
      "/boot/kernel": "built by hand",
      "/boot/initrd": "",
      "/boot/grub/grub.cfg": "menuentry 'one' {\n\tlinux /boot/kernel\n\tinitrd /boot/initrd\n}\n",
    },
    found: [["/boot/initrd", NEW]],
  },
  {
    name: "not at all, with two kernels, two images, or paths that lead nowhere",
    files: {
      ...KERNELS,
      "/boot/kernel": "built by hand",
      "/boot/initrd": "",
      "/boot/more": "",
      "/boot/grub/grub.cfg": "menuentry 'one' {\n\tlinux /boot/kernel\n\tinitrd /boot/initrd\n}\n" +
        `menuentry 'two' {\n\tlinux /boot/vmlinuz-${NEW}\n\tinitrd /boot/initrd /boot/more\n}\n` +
        "menuentry 'three' {\n\tlinux /boot/kernel\n\tinitrd /../../etc/passwd\n}\n",
    },
    found: [],
  },
];
for (const { name, files, found } of images) {
  Deno.test(`the kernel of an initramfs is found ${name}`, async () => {
    const known = await withTree(files, initramfsImages);
    assert.deepEqual(new Map(known.map(({ path, release }) => [path, release])), new Map(found));
  });
}

Deno.test("the kernel of a unified image is found by its name, its own words, or the kernel inside", async () => {
  const uki = "/efi/EFI/Linux";
  const files = {
    ...KERNELS,
    [`${uki}/fedora-${OLD}.efi`]: "",
    [`${uki}/arch.efi`]: bytesOfUnified({ ".uname": new TextEncoder().encode(NEW) }),
    [`${uki}/lts.efi`]: bytesOfUnified({ ".cmdline": new Uint8Array(8), ".linux": bytesOfKernel(OLD) }),
    [`${uki}/foreign.efi`]: bytesOfUnified({ ".uname": new TextEncoder().encode("5.0") }),
    [`${uki}/empty.efi`]: "",
  };
  const known = await withTree(
    files,
    (tree) => unifiedImages(tree, Object.keys(files).filter((p) => p.endsWith("efi"))),
  );
  assert.deepEqual(known.map(({ path, release }) => [path.slice(uki.length + 1), release]), [
    [`fedora-${OLD}.efi`, OLD],
    ["arch.efi", NEW],
    ["lts.efi", OLD],
  ]);
});

const TPM = {
  "/usr/bin/systemd-cryptenroll": "\0unlock-key-file\0",
  "/usr/lib/x86_64-linux-gnu/libtss2-esys.so.0": "",
  "/usr/lib/x86_64-linux-gnu/libtss2-rc.so.0": "",
  "/usr/lib/x86_64-linux-gnu/libtss2-mu.so.0.0.0": "",
  "/usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0": "",
};
const DRACUT = { ...TPM, "/usr/lib/dracut/modules.d/91tpm2-tss/module-setup.sh": "" };

const limits: {
  name: string;
  initramfs: BootFacts["initramfs"];
  files: Files;
  noRemake?: RegExp;
  noTpm?: RegExp;
}[] = [
  {
    name: "dracut with everything",
    initramfs: "dracut",
    files: { ...KERNELS, ...DRACUT, [`/boot/initramfs-${NEW}.img`]: "" },
  },
  {
    name: "dracut whose image has no kernel's name",
    initramfs: "dracut",
    files: { ...KERNELS, ...DRACUT, "/boot/initrd": "" },
    noRemake: /named by its kernel's release/,
  },
  {
    name: "dracut, and a unified image of a kernel that is gone",
    initramfs: "dracut",
    files: {
      ...KERNELS,
      ...DRACUT,
      [`/boot/initramfs-${NEW}.img`]: "",
      "/efi/EFI/Linux/old.efi": bytesOfUnified({
        ".cmdline": new TextEncoder().encode("root=/dev/sda2"),
        ".uname": new TextEncoder().encode("5.0"),
      }),
    },
    noRemake: /\/efi\/EFI\/Linux\/old\.efi/,
  },
  {
    name: "dracut without its module for the TPM",
    initramfs: "dracut",
    files: { ...KERNELS, ...TPM, [`/boot/initramfs-${NEW}.img`]: "" },
    noTpm: /tpm2-tss/,
  },
  {
    name: "initramfs-tools whose image has another name, and a systemd that takes no key from a file",
    initramfs: "initramfs-tools",
    files: {
      ...KERNELS,
      ...TPM,
      "/usr/sbin/update-initramfs": "",
      "/boot/initrd-mine": "",
      "/usr/bin/systemd-cryptenroll": "",
    },
    noRemake: /no \/boot\/initrd\.img-RELEASE/,
    noTpm: /older than 252/,
  },
  {
    name: "initramfs-tools with all but the libraries of the TPM",
    initramfs: "initramfs-tools",
    files: {
      ...KERNELS,
      "/usr/sbin/update-initramfs": "",
      [`/boot/initrd.img-${NEW}`]: "",
      "/usr/bin/systemd-cryptenroll": "unlock-key-file",
    },
    noTpm: /libtss2-esys, libtss2-rc, libtss2-mu, libtss2-tcti-device/,
  },
  {
    name: "mkinitcpio without presets, and with its own hook for encryption",
    initramfs: "mkinitcpio",
    files: { ...TPM, "/etc/mkinitcpio.conf": "HOOKS=(base udev block encrypt filesystems)\n" },
    noRemake: /no preset/,
    noTpm: /sd-encrypt/,
  },
  {
    name: "mkinitcpio with presets and systemd",
    initramfs: "mkinitcpio",
    files: {
      ...TPM,
      "/etc/mkinitcpio.d/linux.preset": "",
      "/etc/mkinitcpio.conf": "HOOKS=(systemd block sd-encrypt)\n",
    },
  },
  {
    name: "mkinitfs",
    initramfs: "mkinitfs",
    files: { ...KERNELS, "/boot/initramfs-lts": "" },
    noTpm: /systemd-cryptenroll/,
  },
  { name: "no program", initramfs: "none", files: TPM, noRemake: /no program that makes one/ },
];
for (const { name, initramfs, files, noRemake = /^$/, noTpm = /^$/ } of limits) {
  Deno.test(`what a clone cannot do with its initramfs: ${name}`, async () => {
    const found = await withTree(files, (tree) => initramfsLimits(tree, { initramfs }));
    assert.match(found.noRemake ?? "", noRemake);
    assert.match(found.noTpm ?? "", noTpm);
  });
}
