/** Gathers what identity depends on from a tree: a clone's, or an old system's, which is not trusted. */
import type { IdentityTree } from "./identity_tree.ts";
import { IFCFG_PLUGIN } from "./network_config/network_system.ts";
import { findPaths, kindOf } from "./own_files/find.ts";
import { RENAMED_FILES } from "./renaming.ts";
import type { TreeReader } from "../../tree/tree_files.ts";

const FILES = [
  "/etc/hostname",
  "/etc/hosts",
  "/etc/machine-id",
  "/var/lib/dbus/machine-id",
  "/etc/network/interfaces",
  "/etc/resolv.conf",
  "/etc/cloud/cloud.cfg.d",
  "/etc/udev/rules.d/70-persistent-net.rules",
  "/etc/alpine-release",
  "/sbin/udevd",
];
const DIRECTORIES = [
  "/etc/netplan",
  "/etc/systemd/network",
  "/etc/NetworkManager/system-connections",
  "/etc/sysconfig/network-scripts",
  "/etc/sysconfig/network",
  "/etc/network/interfaces.d",
  "/etc/systemd/system/multi-user.target.wants",
  "/etc/systemd/system/network-online.target.wants",
  "/etc/ssh",
];

/** No real system has more configuration files in one folder, but the disk may be hostile. */
const MAX_FILES = 1000;

export async function gatherTree(tree: TreeReader): Promise<IdentityTree> {
  const texts = new Map<string, string>(), paths = new Set<string>(), symlinks = new Set<string>();
  const modes = new Map<string, number>();
  const listed = await Promise.all(DIRECTORIES.map((directory) => tree.list(directory)));
  for (const path of [...FILES, ...listed.flatMap((paths) => paths.slice(0, MAX_FILES)), ...RENAMED_FILES]) {
    const kind = await (RENAMED_FILES.includes(path) ? kindOf(tree, path) : tree.kind(path));
    if (kind === undefined) continue;
    paths.add(path);
    if (kind === "symlink") symlinks.add(path);
    const text = await tree.text(path);
    if (text === undefined) continue;
    texts.set(path, text);
    modes.set(path, await tree.mode(path));
  }
  for (const folder of ["/usr/lib64/NetworkManager", "/usr/lib64/NetworkManager/*"]) {
    for (const path of await findPaths(tree, `${folder}/${IFCFG_PLUGIN}`)) paths.add(path);
  }
  return { texts, paths, symlinks, modes };
}
