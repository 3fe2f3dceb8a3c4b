/** Paths that a site adds to the table, for one image: what a clone must not have of its template. */
import { z } from "zod";
import { AbsolutePath } from "../identity.ts";

/** What no clone starts or is itself without. */
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
/** Whose files may be named, but never as a whole. */
const SHARED = ["/etc", "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/lib", "/var/log"];

const OwnPath = AbsolutePath.transform((path) => path.replace(/\/+$/, "")).refine(
  (path) =>
    !SHARED.includes(path) &&
    !NEEDED.some((needed) => `${needed}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${needed}/`)),
  { error: "a clone cannot be without it; name the file or directory that one machine has for itself" },
);
export const OwnPaths = z.array(OwnPath).max(100);
