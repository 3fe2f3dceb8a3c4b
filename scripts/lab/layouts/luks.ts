/** Root encrypted by LUKS2 on LVM, opened by dracut's systemd: by the TPM, or by a passphrase at the console. */
import { file } from "../template_settings.ts";
import { hostOnly, madeForTheClone } from "./parts.ts";
import type { LabLayout } from "./layout.ts";

const uuids = {
  boot: "8f5d1b2a-77c3-4d5e-b0a7-2b8a4b7cd401",
  luks: "c2f6b1de-0f8e-4a2b-9f5c-0f5d6a1bd402",
  root: "e9b4c1aa-6d7f-4f0e-8f6b-7c0a3e2fd403",
};
const passphrases = { template: "template's own words", clone: "the operator's words" };

export const luks = (unlock: "tpm2" | "passphrase"): LabLayout => ({
  firmware: "uefi",
  disksMiB: [3584],
  nodeDisksMiB: [4096],
  packages: [
    "dracut",
    "lvm2",
    "cryptsetup",
    "tpm2-tools",
    "libtss2-esys-3.0.2-0",
    "libtss2-rc0",
    "libtss2-mu0",
    "libtss2-tcti-device0",
  ],
  swaps: 0,
  mayDiffer: [...madeForTheClone, { path: "var/tmp", aspects: ["mtime"], reason: "dracut works there" }],
  fileSystems: [
    { at: "/", type: "ext4", sizeMiB: 2200, mkfs: ["-U", uuids.root], device: "/dev/mapper/root" },
    { at: "/boot", type: "ext4", sizeMiB: 400, mkfs: ["-U", uuids.boot], device: "/dev/vdb2" },
    { at: "/boot/efi", type: "vfat", sizeMiB: 64, mkfs: ["-i", "7B77A401"], device: "/dev/vdb1" },
  ],
  files: [
    file(
      "etc/fstab",
      `/dev/mapper/root / ext4 errors=remount-ro 0 1
UUID=${uuids.boot} /boot ext4 defaults 0 2
UUID=7B77-A401 /boot/efi vfat umask=0077 0 2
`,
    ),
    file("etc/crypttab", `root UUID=${uuids.luks} none luks,discard,x-initrd.attach,tpm2-device=auto\n`),
    file("etc/dracut.conf.d/lab.conf", hostOnly("lvm crypt tpm2-tss")),
  ],
  setUp: `
systemctl enable systemd-networkd
version=$(ls /lib/modules)
dracut --force --kver $version /boot/initrd.img-$version
`,
  create: `
printf 'label: gpt\\nsize=64M, type=U\\nsize=400M, type=L\\ntype=E6D6D379-F507-44C2-A23C-238F2A3DF928\\n' |
  sfdisk --quiet /dev/vdb
udevadm settle
pvcreate -q /dev/vdb3
vgcreate -q vault /dev/vdb3
lvcreate -q -y -n secret -L 2220M vault
printf %s "${passphrases.template}" | cryptsetup luksFormat --batch-mode --type luks2 --uuid ${uuids.luks} \\
  --label vault --pbkdf argon2id --pbkdf-memory 32768 --pbkdf-force-iterations 4 /dev/vault/secret -
printf %s "${passphrases.template}" | cryptsetup open --allow-discards /dev/vault/secret root -
`,
  boot: `
version=$(ls /lib/modules)
lsinitrd /boot/initrd.img-$version | grep -E 'tss|cryptsetup$|crypttab' || true
grub-install --target=x86_64-efi --efi-directory=/boot/efi --no-nvram
grub-install --target=x86_64-efi --efi-directory=/boot/efi --removable --no-nvram
sed -i 's|^GRUB_CMDLINE_LINUX=.*|GRUB_CMDLINE_LINUX="rd.luks.name=${uuids.luks}=root rd.lvm.lv=vault/secret console=ttyS0,115200"|' \\
  /etc/default/grub
update-grub
`,
  assemble: `
vgchange -q -ay vault
printf %s "${passphrases.template}" > /run/template-key
for key in /run/template-key $KEYS/*; do
  [ -e /dev/mapper/root ] || cryptsetup open --key-file $key /dev/vault/secret root || true
done
`,
  unlock: {
    after: /passphrase for disk .*:/,
    template: `${passphrases.template}\r`,
    ...(unlock === "passphrase" && { clone: `${passphrases.clone}\r` }),
  },
  deploy: async (folder) => {
    if (unlock === "tpm2") return ["--unlock", "tpm2"];
    await Deno.writeTextFile(`${folder}/passphrase`, `${passphrases.clone}\n`);
    return ["--unlock", "passphrase", "--passphrase-file", `${folder}/passphrase`];
  },
  tpm: true,
});
