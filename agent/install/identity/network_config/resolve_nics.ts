/** Resolves the names in old files to NICs of this machine. Pure. */
import { NetworkInterface, NetworkInterfaces } from "#contract/identity.ts";
import { matchesWildcard } from "#contract/wildcard.ts";
import { type FoundInterface, type FoundNetwork, isPattern, type NicRef } from "./network_files.ts";

/** A NIC and every name that a system may give it. */
export interface NamedNic {
  readonly mac: string;
  readonly names: readonly string[];
  /** An InfiniBand port: its address of 20 bytes. */
  readonly infiniband?: string;
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
export function resolveNics(found: FoundNetwork, nics: readonly NamedNic[]): ResolvedNetwork {
  const resolution = new Resolution(found, nics);
  for (const one of [...found.interfaces].sort((a, b) => RANK(a) - RANK(b))) resolution.add(one);
  return resolution;
}

class Resolution implements ResolvedNetwork {
  readonly interfaces: NetworkInterface[] = [];
  readonly notes: string[];
  readonly #nics: readonly NamedNic[];
  /** The only NIC, if the only interface must belong to it, even if the NIC was replaced or renamed. */
  readonly #onlyNic: NamedNic | undefined;
  /** MACs of interfaces that are kept. */
  readonly #taken = new Set<string>();
  /** MACs of Ethernet interfaces, by what the file calls them. */
  readonly #macs = new Map<string, string>();

  constructor({ interfaces, notes }: FoundNetwork, nics: readonly NamedNic[]) {
    this.notes = [...notes];
    this.#nics = nics;
    const [only, ...others] = interfaces.filter((i) => i.kind !== "vlan");
    if (nics.length === 1 && only?.kind === "ethernet" && others.length === 0) this.#onlyNic = nics[0];
  }

  /** Keeps the interface, or notes why not. */
  add(one: FoundInterface): void {
    switch (one.kind) {
      case "ethernet": {
        const { nic, ...rest } = one, name = describe(nic), mac = this.#freeMac(nic);
        if (mac !== undefined) {
          this.#macs.set(name, mac);
          this.#keep({ ...rest, mac }, name);
          break;
        }
        // no note if another interface has taken the NIC
        if (this.#candidates(nic).length === 0) this.#drop(name, NO_SUCH_NIC);
        break;
      }
      case "bond": {
        const members = one.members.flatMap((nic) => {
          const mac = this.#freeMac(nic);
          if (mac === undefined) this.#drop(describe(nic), `${NO_SUCH_NIC} (${one.name})`);
          return mac ?? [];
        });
        this.#keep({ ...one, members }, one.name);
        break;
      }
      case "vlan": {
        const name = describe(one.parent);
        const parent = this.#macs.get(name) ?? this.#candidates(one.parent)[0]?.mac ?? name;
        this.#keep({ ...one, parent }, one.name);
        break;
      }
    }
  }

  #candidates(nic: NicRef): readonly NamedNic[] {
    const found = this.#nics.filter(({ mac, names }) =>
      "mac" in nic ? mac === nic.mac : names.some((name) => matchesWildcard(name, nic.name))
    );
    return found.length > 0 ? found : this.#onlyNic ? [this.#onlyNic] : [];
  }

  #freeMac(nic: NicRef): string | undefined {
    return this.#candidates(nic).map(({ mac }) => mac).find((mac) => !this.#taken.has(mac));
  }

  #keep(one: unknown, name: string): void {
    const checked = NetworkInterface.safeParse(one);
    if (!checked.success) return this.#drop(name, checked.error.issues[0]?.message ?? "it is invalid");
    const all = NetworkInterfaces.safeParse([...this.interfaces, checked.data]);
    if (!all.success) return this.#drop(name, all.error.issues[0]?.message ?? "it contradicts the others");
    this.interfaces.push(checked.data);
    for (const mac of macsOf(checked.data)) this.#taken.add(mac);
  }

  #drop(name: string, why: string): void {
    this.notes.push(`${name}: ${why}`);
  }
}

const NO_SUCH_NIC = "this machine has no such NIC";

/** Bonds first, then exact names, then patterns; VLANs last, since they need their parents. */
const RANK = (one: FoundInterface) =>
  one.kind === "vlan" ? 3 : one.kind === "bond" ? 0 : "name" in one.nic && isPattern(one.nic.name) ? 2 : 1;

function macsOf(one: NetworkInterface): readonly string[] {
  return one.kind === "bond" ? one.members : one.kind === "ethernet" && one.mac ? [one.mac] : [];
}

const describe = (nic: NicRef) => "mac" in nic ? nic.mac : nic.name;
