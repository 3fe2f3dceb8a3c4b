/** Which NICs of this machine the names in old files mean. Pure. */
import { NetworkInterface, NetworkInterfaces } from "#contract/identity.ts";
import { matchesWildcard } from "#contract/wildcard.ts";
import { type FoundInterface, type FoundNetwork, isPattern, type NicRef } from "./network_files.ts";

/** A NIC, with every name that a system may give it. */
export interface NamedNic {
  readonly mac: string;
  readonly names: readonly string[];
}

export interface ResolvedNetwork {
  readonly interfaces: readonly NetworkInterface[];
  /** What is not kept, in words. */
  readonly notes: readonly string[];
}

/** Of several interfaces on one NIC the first is taken. */
export function resolveNics({ interfaces, notes }: FoundNetwork, nics: readonly NamedNic[]): ResolvedNetwork {
  const kept: NetworkInterface[] = [];
  const lost: string[] = [...notes];
  const taken = new Set<string>();
  const drop = (what: string, why: string) => void lost.push(`${what}: ${why}`);
  const physical = interfaces.filter((i) => i.kind !== "vlan");
  const lonely = nics.length === 1 && physical.length === 1 && physical[0]?.kind === "ethernet"
    ? nics[0]
    : undefined;
  const meant = (nic: NicRef): readonly NamedNic[] => {
    const found = "mac" in nic
      ? nics.filter(({ mac }) => mac === nic.mac)
      : nics.filter(({ names }) => names.some((name) => matchesWildcard(name, nic.name)));
    // the only interface belongs to the only NIC, though it was exchanged or has another name now
    return found.length > 0 ? found : lonely ? [lonely] : [];
  };
  const find = (nic: NicRef) => meant(nic).map(({ mac }) => mac).find((mac) => !taken.has(mac));
  const keep = (one: unknown, what: string) => {
    const checked = NetworkInterface.safeParse(one);
    if (!checked.success) return drop(what, checked.error.issues[0]?.message ?? "cannot be understood");
    const all = NetworkInterfaces.safeParse([...kept, checked.data]);
    if (!all.success) return drop(what, all.error.issues[0]?.message ?? "cannot be");
    kept.push(checked.data);
    for (const mac of macsOf(checked.data)) taken.add(mac);
  };
  const parents = new Map<string, string>();
  for (const one of [...interfaces].sort((a, b) => RANK(a) - RANK(b))) {
    switch (one.kind) {
      case "ethernet": {
        const { nic, ...rest } = one;
        const mac = find(nic);
        const what = describe(nic);
        if (mac === undefined) {
          // a NIC that is taken already bears nothing of its own
          if (meant(nic).length === 0) drop(what, "this machine has no such NIC");
          break;
        }
        parents.set(what, mac);
        keep({ ...rest, mac }, what);
        break;
      }
      case "bond": {
        const members = one.members.map((m) => ({ what: describe(m), mac: find(m) }));
        for (const { what, mac } of members) {
          if (mac === undefined) drop(what, `this machine has no such NIC (${one.name})`);
        }
        keep({ ...one, members: members.flatMap(({ mac }) => mac ?? []) }, one.name);
        break;
      }
      case "vlan": {
        const { parent, ...rest } = one;
        const name = describe(parent);
        keep({ ...rest, parent: parents.get(name) ?? meant(parent)[0]?.mac ?? name }, one.name);
        break;
      }
    }
  }
  return { interfaces: kept, notes: lost };
}

/** Exact names before patterns, and what stands on others last. */
const RANK = (one: FoundInterface) =>
  one.kind === "vlan" ? 3 : one.kind === "bond" ? 0 : "name" in one.nic && isPattern(one.nic.name) ? 2 : 1;

function macsOf(one: NetworkInterface): readonly string[] {
  return one.kind === "bond" ? one.members : one.kind === "ethernet" && one.mac ? [one.mac] : [];
}

const describe = (nic: NicRef) => "mac" in nic ? nic.mac : nic.name;
