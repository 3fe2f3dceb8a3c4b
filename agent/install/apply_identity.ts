/** Gives the clone its identity: gathers what its tree holds, decides by `identity.ts`, changes the files. */
import type { Identity } from "#contract/identity.ts";
import type { Run } from "../sys/command.ts";
import { bindKernelTrees } from "../sys/mount.ts";
import { identityChanges } from "./identity.ts";
import { ASIDE } from "./identity_network.ts";
import { detectNetwork } from "./network_config/network_system.ts";
import { gatherTree } from "./tree_facts.ts";
import type { CloneTree } from "./tree_files.ts";

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
  const tree = await gatherTree(clone);
  const changes = identityChanges(identity, {
    tree,
    templateHostname,
    bootMac,
    machineId: crypto.randomUUID().replaceAll("-", ""),
    uuid: () => crypto.randomUUID(),
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
    ? "the address is NOT set: the image has neither netplan, NetworkManager, systemd-networkd, ifcfg nor ifupdown"
    : undefined;
}

/** The image's own ssh-keygen makes the kinds of key that its sshd wants and that are not there yet. */
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
