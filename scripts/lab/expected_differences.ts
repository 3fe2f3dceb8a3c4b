/** The only places where a clone may differ from its template before its first boot. */
import type { Aspect, Exception } from "./compare_trees.ts";
import { swapFile } from "./template_settings.ts";

const identity = "identity: the node's own";
const boot = "boot loader: installed for the node's own disk";
const excluded = "excluded from every capture";
const firstBoot = "first boot: reports to the server that the clone is up, then removes itself";
const covered = "covered by a mount while the template runs";
const ownDisk = "disk names: the clone's own";
const changed = "something in this folder is on the list";

const folderTimes: readonly Aspect[] = ["mtime"];

export const expected: readonly Exception[] = [
  { path: "etc/hostname", reason: identity },
  { path: "etc/hosts", reason: identity },
  { path: "etc/machine-id", reason: identity },
  { path: "var/lib/dbus/machine-id", aspects: ["content", "mtime"], reason: identity },
  { path: "var/lib/dbus", aspects: folderTimes, reason: changed },
  ...["rsa", "ecdsa", "ed25519"].flatMap((kind): Exception[] => [
    { path: `etc/ssh/ssh_host_${kind}_key`, reason: identity },
    { path: `etc/ssh/ssh_host_${kind}_key.pub`, reason: identity },
  ]),
  { path: "etc/systemd/network/**", reason: identity },
  { path: "etc/iscsi/initiatorname.iscsi", reason: identity },
  { path: "etc/nvme/hostnqn", reason: identity },
  { path: "etc/nvme/hostid", reason: identity },
  { path: "etc/adjtime", reason: identity },
  { path: "var/lib/systemd/random-seed", reason: identity },
  { path: "var/lib/systemd/credential.secret", reason: identity },
  { path: "etc/fstab", reason: ownDisk },
  { path: "var/cache/debconf/config.dat", reason: ownDisk },
  { path: swapFile.slice(1), reason: "swap file: recreated" },
  { path: "etc", aspects: folderTimes, reason: changed },
  { path: "etc/ssh", aspects: folderTimes, reason: changed },
  { path: "etc/iscsi", aspects: folderTimes, reason: changed },
  { path: "etc/nvme", aspects: folderTimes, reason: changed },
  { path: "etc/systemd/network", aspects: folderTimes, reason: changed },
  { path: "var/lib/systemd", aspects: folderTimes, reason: changed },

  ...["", "/multi-user.target.wants"].flatMap((folder): Exception[] => [
    { path: `etc/systemd/system${folder}/rackseed-first-boot.service`, reason: firstBoot },
    { path: `etc/systemd/system${folder}`, aspects: folderTimes, reason: changed },
  ]),

  { path: "boot/grub/**", reason: boot },
  { path: "boot/grub", aspects: folderTimes, reason: changed },

  ...["dev", "proc", "sys", "run", "tmp", "boot/efi"].flatMap((path): Exception[] => [
    { path: `${path}/**`, reason: covered },
    { path, aspects: ["mode", "mtime"], reason: covered },
  ]),
  ...["archive", "backup"].flatMap((folder): Exception[] => [
    { path: `etc/lvm/${folder}/**`, reason: excluded },
    { path: `etc/lvm/${folder}`, reason: excluded },
  ]),
  { path: "var/lib/rackseed/**", reason: excluded },
  { path: "var/lib/rackseed", reason: excluded },
  { path: "var/lib", aspects: folderTimes, reason: changed },
  { path: "lost+found", aspects: folderTimes, reason: "made by mkfs" },
];
