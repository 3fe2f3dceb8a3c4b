/** Resolves the names in old files to NICs of this machine. Pure. */
import { NetworkInterface, NetworkInterfaces } from "#contract/identity.ts";
import { matchesWildcard } from "#contract/wildcard.ts";
import { type FoundInterface, type FoundNetwork, isPattern, type NicRef } from "./network_files.ts";

/** A NIC and every name that a system may give it. */
export interface NamedNic {
  readonly mac: string;
  readonly names: readonly string[];
}

export interface ResolvedNetwork {
  readonly interfaces: readonly NetworkInterface[];
  /** What is not kept; human-readable. */
  readonly notes: readonly string[];
}

/**
 * If several interfaces use one NIC, the first is kept.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import type { FoundInterface } from "./network_files.ts";
 *
 * const found: FoundInterface = { kind: "ethernet", nic: { name: "ens*" }, addresses: "dhcp", gateways: [], dns: [] };
 * const nics = [{ mac: "52:54:00:00:00:01", names: ["eth0", "ens3"] }];
 * const { interfaces, notes } = resolveNics({ interfaces: [found], notes: [] }, nics);
 * assert.deepEqual(interfaces.map((one) => one.kind === "ethernet" && one.mac), ["52:54:00:00:00:01"]);
 * assert.deepEqual(notes, []);
 * ```
 */
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
    // the only interface belongs to the only NIC, even if that was replaced or renamed
    return found.length > 0 ? found : lonely ? [lonely] : [];
  };
  const find = (nic: NicRef) => meant(nic).map(({ mac }) => mac).find((mac) => !taken.has(mac));
  const keep = (one: unknown, what: string) => {
    const checked = NetworkInterface.safeParse(one);
    if (!checked.success) return drop(what, checked.error.issues[0]?.message ?? "it cannot be understood");
    const all = NetworkInterfaces.safeParse([...kept, checked.data]);
    if (!all.success) return drop(what, all.error.issues[0]?.message ?? "it contradicts the others");
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
          // a NIC that another interface has taken needs no note
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

/** Bonds first, then exact names, then patterns; VLANs last, since they need their parents. */
const RANK = (one: FoundInterface) =>
  one.kind === "vlan" ? 3 : one.kind === "bond" ? 0 : "name" in one.nic && isPattern(one.nic.name) ? 2 : 1;

function macsOf(one: NetworkInterface): readonly string[] {
  return one.kind === "bond" ? one.members : one.kind === "ethernet" && one.mac ? [one.mac] : [];
}

const describe = (nic: NicRef) => "mac" in nic ? nic.mac : nic.name;
