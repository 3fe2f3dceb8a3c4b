/** Turns a bare Debian tree into the lab's template: files to write, and commands to run in its chroot. */
import type { Firmware } from "./qemu.ts";

export const templateName = "template";
export const domain = "lab.test";

/** The template's storage names. */
export const templateStorage = {
  initiator: "InitiatorName=iqn.1993-08.org.debian:01:187bb6704796\n",
  hostUuid: "ae12b600-6b23-11e9-8000-ac1f6b7b78ea",
};

/** It swaps to a partition and to this file, which captures do not exclude by default. */
export const swapFile = "/var/lib/more.swap";

/** The product's path on the template, in a folder that captures exclude. */
export const productPath = "var/lib/rackseed/rackseed";

interface SettingsOptions {
  readonly firmware: Firmware;
  readonly address: string;
  readonly authorizedKey: string;
}

export type Setting = readonly [path: string, content: { readonly text: string; readonly mode: number }];

export function settings({ firmware, address, authorizedKey }: SettingsOptions): Setting[] {
  // As older installers wrote it; all of it is wrong on a clone.
  const esp = firmware === "uefi" ? "/dev/vda1 /boot/efi vfat umask=0077 0 1\n" : "";
  return [
    file("etc/hostname", `${templateName}\n`),
    // beside other machines, an emulated one may need longer than 90 s to show its disks (systemd-system.conf(5))
    file("etc/systemd/system.conf.d/emulated.conf", "[Manager]\nDefaultDeviceTimeoutSec=15min\n"),
    file(
      "etc/hosts",
      `127.0.0.1\tlocalhost\n127.0.1.1\t${templateName}.${domain} ${templateName}\n`,
    ),
    file("etc/iscsi/initiatorname.iscsi", templateStorage.initiator, 0o600),
    file("etc/nvme/hostnqn", `nqn.2014-08.org.nvmexpress:uuid:${templateStorage.hostUuid}\n`),
    file("etc/nvme/hostid", `${templateStorage.hostUuid}\n`),
    file(
      "etc/fstab",
      `/dev/vda2 / ext4 errors=remount-ro 0 1\n/dev/vda3 none swap sw 0 0\n${swapFile} none swap sw 0 0\n${esp}`,
    ),
    file("etc/resolv.conf", `nameserver ${address.replace(/(?<=[.:])\d+\/.*/, "1")}\n`),
    file(
      "etc/systemd/network/10-lan.network",
      `[Match]\nType=ether\n\n[Network]\nAddress=${address}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n`,
    ),
    file("etc/default/grub", grubDefaults),
    file("etc/systemd/journald.conf.d/still.conf", stillJournal),
    file("root/.ssh/authorized_keys", `${authorizedKey}\n`, 0o600),
    file("usr/local/bin/greet", greet, 0o755),
    file("etc/systemd/system/greet.socket", greetSocket),
    file("etc/systemd/system/greet@.service", greetService),
  ];
}

/** A file of the template's tree. */
export function file(path: string, text: string, mode = 0o644): Setting {
  return [path, { text, mode }];
}

const grubDefaults = `GRUB_DEFAULT=0
GRUB_TIMEOUT=1
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=ttyS0,115200"
GRUB_TERMINAL=serial
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_DISABLE_OS_PROBER=true
`;

/** The journal is kept in memory: one that grows during the capture could not be compared with the clone's. */
const stillJournal = `[Journal]
Storage=volatile
`;

/** The application: answers over HTTP with what distinguishes one machine from another. */
const greet = `#!/bin/sh
while IFS= read -r line && [ "\${#line}" -gt 1 ]; do :; done
body="host=$(hostname) machine-id=$(cat /etc/machine-id)"
printf 'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s\\n' \\
  $((\${#body} + 1)) "$body"
`;

const greetSocket = `[Unit]
Description=Greeting over HTTP
[Socket]
ListenStream=80
Accept=yes
[Install]
WantedBy=sockets.target
`;

const greetService = `[Unit]
Description=Greeting over HTTP
[Service]
ExecStart=/usr/local/bin/greet
StandardInput=socket
StandardOutput=socket
StandardError=journal
`;

/** Where the chroot puts the UEFI template's first loader. */
export const firstLoader = "/boot/grub/first-boot.efi";

/** A shell script for the chroot; `disk` is the device of the whole disk, `packages` the folder of the kept packages. */
export function setUp(
  { firmware, disk, packages, rootUuid }: {
    readonly firmware: Firmware;
    readonly disk: string;
    readonly packages: string;
    readonly rootUuid: string;
  },
): string {
  const grub = firmware === "bios" ? "grub-pc" : "grub-efi-amd64";
  return `
systemctl enable systemd-networkd greet.socket
# Nothing may start by the clock, and leave its stamp, between the capture and the comparison.
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
dpkg --install /${packages}/${grub}_*.deb
rm -r /${packages}
mkdir -p /boot/efi
dd if=/dev/zero of=${swapFile} bs=1M count=16
chmod 600 ${swapFile}
mkswap ${swapFile}
chmod 700 /root/.ssh
${firmware === "bios" ? biosLoader(disk) : uefiLoader(rootUuid)}
update-grub
`;
}

function biosLoader(disk: string): string {
  return `
echo 'grub-pc grub-pc/install_devices multiselect /dev/vda' | debconf-set-selections
grub-install --target=i386-pc ${disk}`;
}

/** A GRUB for the ESP's fallback path that continues in /boot/grub, like the one from grub-install. */
function uefiLoader(rootUuid: string): string {
  return `
mkdir -p /boot/grub
cp -r /usr/lib/grub/x86_64-efi /boot/grub/
cat > /tmp/early.cfg <<'END'
search.fs_uuid ${rootUuid} root
set prefix=($root)'/boot/grub'
END
grub-mkimage -O x86_64-efi -p /boot/grub -c /tmp/early.cfg -o ${firstLoader} part_gpt ext2 search_fs_uuid normal
rm /tmp/early.cfg`;
}
