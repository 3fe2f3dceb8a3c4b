/** Gives the clone its identity: gathers the facts of its tree, decides in `identity.ts`, changes the files. */
import type { Identity } from "#contract/identity.ts";
import type { Run } from "../../sys/command.ts";
import { bindKernelTrees } from "../../sys/mount.ts";
import { type FileChange, identityChanges, namedByMac } from "./identity.ts";
import { ASIDE } from "./identity_network.ts";
import { detectNetwork } from "./network_config/network_system.ts";
import { describeOwnChanges, type OwnChange, ownChanges } from "./own_files/changes.ts";
import { readNamedNics } from "./nics.ts";
import { gatherTree } from "./tree_facts.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

interface ApplyOptions {
  readonly clone: CloneTree;
  readonly run: Run;
  readonly templateHostname: string;
  readonly bootMac: string;
  /** Paths that the image's settings add to own_files/table.ts. */
  readonly own: readonly string[];
  /** The image is a backup of this same node. */
  readonly isBackup: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Returns notes for the step's message: what was made fresh or removed, and what could not be set. */
export async function applyIdentity(identity: Identity, options: ApplyOptions): Promise<string[]> {
  const { clone, run, templateHostname, bootMac, isBackup, signal } = options;
  const tree = await gatherTree(clone);
  const nics = await readNamedNics();
  const changes = identityChanges(identity, {
    tree,
    nics,
    templateHostname,
    bootMac,
    isBackup,
    machineId: randomHex(32),
    uuid: () => crypto.randomUUID(),
  });
  for (const change of changes) await carryOut(clone, change);
  const own = await ownChanges(clone, {
    // a backup holds the node's own files, and those kept from the disk are newer
    takesOnly: isBackup ? "kept" : "all",
    own: options.own,
    kept: identity.files ?? [],
    hex: randomHex,
    uuid: () => crypto.randomUUID(),
  });
  for (const change of own.changes) await carryOut(clone, change);
  await makeHostKeys(clone, { run, signal });
  const system = detectNetwork(tree);
  const unset = system === undefined
    ? [
      "the address is NOT set: the image has neither netplan, NetworkManager, systemd-networkd, wicked, ifcfg nor ifupdown",
    ]
    : [];
  const overInfiniband = namedByMac(identity.interfaces, { bootMac, nics })
    .filter((one) => one.kind === "ethernet" && one.infiniband !== undefined);
  if (overInfiniband.length > 0 && system !== "NetworkManager" && system !== "ifcfg") {
    unset.push(
      `the address of the InfiniBand port is NOT set: with ${system}, set it on the template by its name`,
    );
  }
  return [...describeOwnChanges(own), ...unset];
}

async function carryOut(clone: CloneTree, change: FileChange | OwnChange): Promise<void> {
  switch (change.do) {
    case "write":
      return await clone.write(change.path, change);
    case "remove":
      return await clone.remove(change.path);
    case "clear":
      return await clone.clear(change.path);
    case "set-aside":
      return await clone.move(change.path, `${ASIDE}${change.path}`);
  }
}

function randomHex(digits: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(digits / 2))).toString("hex");
}

/** Runs the image's own ssh-keygen, which makes the kinds of host key that its sshd wants and that are missing. */
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
