/** Gives the clone its identity: gathers what its tree holds, decides by `identity.ts`, changes the files. */
import type { Run } from "../sys/command.ts";
import { bindKernelTrees } from "../sys/mount.ts";
import { type Identity, identityChanges, type IdentityTree } from "./identity.ts";
import { ASIDE, detectNetwork } from "./identity_network.ts";
import type { CloneTree } from "./tree_files.ts";

const FILES = [
  "/etc/hosts",
  "/etc/machine-id",
  "/var/lib/dbus/machine-id",
  "/etc/network/interfaces",
  "/etc/resolv.conf",
  "/etc/cloud/cloud.cfg.d",
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

/** Returns what could not be set, in words; undefined where all was. */
export async function applyIdentity(
  identity: Identity,
  { clone, run, templateHostname, bootMac, signal }: {
    clone: CloneTree;
    run: Run;
    templateHostname: string;
    bootMac: string;
    signal?: AbortSignal | undefined;
  },
): Promise<string | undefined> {
  const tree = await gather(clone);
  const changes = identityChanges(identity, {
    tree,
    templateHostname,
    bootMac,
    machineId: crypto.randomUUID().replaceAll("-", ""),
    connectionUuid: crypto.randomUUID(),
  });
  for (const change of changes) {
    switch (change.do) {
      case "write":
        await clone.write(change.path, change);
        break;
      case "remove":
        await clone.remove(change.path);
        break;
      case "set-aside":
        await clone.move(change.path, `${ASIDE}${change.path}`);
        break;
    }
  }
  await makeHostKeys(clone, { run, signal });
  return detectNetwork(tree) === undefined
    ? "the address is NOT set: the image has neither netplan, NetworkManager, systemd-networkd nor ifupdown"
    : undefined;
}

async function gather(clone: CloneTree): Promise<IdentityTree> {
  const texts = new Map<string, string>(), paths = new Set<string>(), symlinks = new Set<string>();
  const listed = await Promise.all(DIRECTORIES.map((directory) => clone.list(directory)));
  for (const path of [...FILES, ...listed.flat()]) {
    const kind = await clone.kind(path);
    if (kind === undefined) continue;
    paths.add(path);
    if (kind === "symlink") symlinks.add(path);
    const text = await clone.text(path);
    if (text !== undefined) texts.set(path, text);
  }
  return { texts, paths, symlinks };
}

/** The image's own ssh-keygen makes the kinds of key that its sshd wants. */
async function makeHostKeys(
  clone: CloneTree,
  { run, signal }: { run: Run; signal?: AbortSignal | undefined },
): Promise<void> {
  const keygen = await clone.kind("/usr/bin/ssh-keygen"), etc = await clone.kind("/etc/ssh");
  if (keygen === undefined || etc !== "directory") return;
  await using _trees = await bindKernelTrees(clone.root);
  await run(["ssh-keygen", "-A"], {
    root: clone.root,
    signal,
    timeoutMs: 5 * 60_000,
    title: "cannot make the clone's SSH host keys",
    remedy: "check that `ssh-keygen -A` works on the template.",
  });
  for (const path of await clone.list("/etc/ssh")) {
    if (path.startsWith("/etc/ssh/ssh_host_")) clone.changed.add(path);
  }
}
