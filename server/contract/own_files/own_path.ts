/** Paths that a site adds to the table for one image: what a clone must not inherit from its template. */
import { z } from "zod";
import { AbsolutePath } from "../identity.ts";

/** Without these a clone does not start, or has no identity. */
const NEEDED = [
  "/etc/NetworkManager/system-connections",
  "/bin",
  "/boot",
  "/dev",
  "/efi",
  "/lib",
  "/lib32",
  "/lib64",
  "/proc",
  "/run",
  "/sbin",
  "/sys",
  "/usr",
  "/etc/default/grub",
  "/etc/fstab",
  "/etc/group",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/machine-id",
  "/etc/netplan",
  "/etc/network/interfaces",
  "/etc/pam.d",
  "/etc/passwd",
  "/etc/resolv.conf",
  "/etc/shadow",
  "/etc/ssh/sshd_config",
  "/etc/sysconfig/network-scripts",
  "/etc/systemd/network",
  "/etc/systemd/system",
  "/var/lib/dpkg",
  "/var/lib/rackseed",
  "/var/lib/rpm",
];
/** Files in these may be named, but never the whole directory. */
const SHARED = ["/etc", "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/lib", "/var/log"];

const OwnPath = AbsolutePath.overwrite((path) => path.replace(/\/+$/, "")).refine(
  (path) =>
    !SHARED.includes(path) &&
    !NEEDED.some((needed) => `${needed}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${needed}/`)),
  { error: "no clone works without it; name only the file or directory that belongs to a single machine" },
);
export const OwnPaths = z.array(OwnPath).max(100);
