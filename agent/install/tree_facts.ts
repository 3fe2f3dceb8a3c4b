/** Gathers what identity depends on out of a tree: a clone's, or an old system's that nobody vouches for. */
import type { IdentityTree } from "./identity.ts";
import type { TreeReader } from "./tree_files.ts";

const FILES = [
  "/etc/hostname",
  "/etc/hosts",
  "/etc/machine-id",
  "/var/lib/dbus/machine-id",
  "/etc/network/interfaces",
  "/etc/resolv.conf",
  "/etc/cloud/cloud.cfg.d",
  "/etc/udev/rules.d/70-persistent-net.rules",
  "/var/lib/systemd/random-seed",
  "/var/lib/systemd/credential.secret",
];
const DIRECTORIES = [
  "/etc/netplan",
  "/etc/systemd/network",
  "/etc/NetworkManager/system-connections",
  "/etc/sysconfig/network-scripts",
  "/etc/network/interfaces.d",
  "/etc/systemd/system/multi-user.target.wants",
  "/etc/systemd/system/network-online.target.wants",
  "/etc/ssh",
  "/var/lib/dhcp",
  "/var/lib/dhclient",
  "/var/lib/NetworkManager",
];

/** No system has more files of configuration in one place; who made this disk is not known. */
const MAX_FILES = 1000;

export async function gatherTree(tree: TreeReader): Promise<IdentityTree> {
  const texts = new Map<string, string>(), paths = new Set<string>(), symlinks = new Set<string>();
  const listed = await Promise.all(DIRECTORIES.map((directory) => tree.list(directory)));
  for (const path of [...FILES, ...listed.flatMap((paths) => paths.slice(0, MAX_FILES))]) {
    const kind = await tree.kind(path);
    if (kind === undefined) continue;
    paths.add(path);
    if (kind === "symlink") symlinks.add(path);
    const text = await tree.text(path);
    if (text !== undefined) texts.set(path, text);
  }
  return { texts, paths, symlinks };
}
