/** Reads the identity of a system on a disk, whether `apply_identity.ts` or a person wrote it. */
import { HostKey, Hostname, type Identity, MachineId, type OwnFile } from "#contract/identity.ts";
import { linkNames } from "./network_config/link_file.ts";
import { detectNetwork, readNetwork } from "./network_config/network_system.ts";
import { type NamedNic, type ResolvedNetwork, resolveNics } from "./network_config/resolve_nics.ts";
import type { IdentityTree } from "./identity_tree.ts";
import { readOwnFiles } from "./own_files/carry.ts";
import { gatherTree } from "./tree_facts.ts";
import type { TreeReader } from "../../tree/tree_files.ts";

/** What was found. Only its form has been checked. */
export interface KeptIdentity extends Partial<Pick<Identity, "hostname" | "machineId">> {
  readonly interfaces: Identity["interfaces"];
  readonly hostKeys: readonly HostKey[];
  readonly files: readonly OwnFile[];
  /** What was found but is not kept; human-readable. */
  readonly notes: readonly string[];
}

/**
 * `nics`: this machine's, to match the names in the configuration; `own`: paths that the image's settings add to
 * own_files/table.ts.
 */
export async function readIdentity(
  tree: TreeReader,
  { nics, own }: { nics: readonly NamedNic[]; own: readonly string[] },
): Promise<KeptIdentity> {
  const found = await gatherTree(tree);
  const { interfaces, notes } = networkOf(found, nics);
  const further = await readOwnFiles(tree, { own });
  const hostname = hostnameOf(found.texts.get("/etc/hostname") ?? "");
  const machineId = MachineId.safeParse((found.texts.get("/etc/machine-id") ?? "").trim()).data;
  return {
    ...(hostname !== undefined && { hostname }),
    ...(machineId !== undefined && { machineId }),
    interfaces: [...interfaces],
    hostKeys: hostKeysOf(found),
    files: further.files,
    notes: [...notes, ...further.notes],
  };
}

/** Pure. */
export function networkOf(tree: IdentityTree, nics: readonly NamedNic[]): ResolvedNetwork {
  const system = detectNetwork(tree);
  if (system === undefined) return { interfaces: [], notes: [] };
  const given = linkNames(tree.texts);
  const named = nics.map(({ mac, names }) => ({ mac, names: [...names, given.get(mac) ?? []].flat() }));
  return resolveNics(readNetwork(system, tree.texts), named);
}

/** hostname(5). Undefined for localhost, the name of every machine that was never named. */
function hostnameOf(text: string): string | undefined {
  const line = text.split("\n").map((l) => l.trim()).find((l) => l !== "" && !l.startsWith("#"));
  const name = Hostname.safeParse(line).data;
  return name === undefined || /^localhost(\.|$)/i.test(name) ? undefined : name;
}

/** Complete pairs only. Certificates are not kept: they belong to the authority of the old installation. */
function hostKeysOf({ texts }: IdentityTree): HostKey[] {
  return [...texts].flatMap(([path, privateKey]) => {
    const [, name] = /^\/etc\/ssh\/(ssh_host_\w+_key)$/.exec(path) ?? [];
    const publicKey = texts.get(`${path}.pub`);
    const key = HostKey.safeParse({ name, privateKey, publicKey });
    return key.success && /^-----BEGIN [A-Z ]*PRIVATE KEY-----\n/.test(privateKey) ? [key.data] : [];
  }).slice(0, 8);
}
