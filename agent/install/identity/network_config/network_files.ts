/** What the six kinds of network configuration share: files, and interfaces as files name them. */
import type { Addressing, BondMode, NetworkInterface } from "#contract/identity.ts";

/** An interface whose NICs are all identified by MAC. */
export type Interface =
  | Extract<NetworkInterface, { kind: "bond" | "vlan" }>
  | Extract<NetworkInterface, { kind: "ethernet" }> & {
    readonly mac: string;
    /** An InfiniBand port: its address of 20 bytes, as the kernel shows it. `mac` stands for it. */
    readonly infiniband?: string;
  };

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** By absolute path inside the tree. */
export type Texts = ReadonlyMap<string, string>;

/** A NIC as a file refers to it: by its MAC, or by a name or name pattern (`*`, `?`). */
export type NicRef = { readonly mac: string } | { readonly name: string };

/** An interface as found in files; `resolve_nics.ts` decides which NICs it means. */
export type FoundInterface =
  & Addressing
  & (
    | { readonly kind: "ethernet"; readonly nic: NicRef }
    | { readonly kind: "bond"; readonly name: string; readonly members: NicRef[]; readonly mode: BondMode }
    | {
      readonly kind: "vlan";
      readonly name: string;
      readonly id: number;
      /** A NIC or a bond. */
      readonly parent: NicRef;
    }
  );

export interface FoundNetwork {
  readonly interfaces: readonly FoundInterface[];
  /** What was found but is not kept; human-readable. */
  readonly notes: readonly string[];
}

export const HEAD = "# Written by Rackseed when this machine was installed.\n";

export function file(path: string, text: string, mode = 0o644): ConfigFile {
  return { path, text: `${HEAD}${text}`, mode };
}

/** A label that is unique among the interfaces, for names of files and connections. */
export function labelOf(interfaces: readonly Interface[], one: Interface): string {
  if (one.kind !== "ethernet") return one.name;
  return `card${interfaces.filter((i) => i.kind === "ethernet").indexOf(one)}`;
}

export function vlansOn(interfaces: readonly Interface[], parent: Interface) {
  const name = parent.kind === "ethernet" ? parent.mac : parent.name;
  return interfaces.flatMap((i) => i.kind === "vlan" && i.parent === name ? [i] : []);
}

export const isIpv6 = (address: string) => address.includes(":");
export const isIpv4 = (address: string) => !isIpv6(address);

/** Splits at white space. */
export const wordsOf = (text: string | undefined) => text?.split(/\s+/).filter((w) => w !== "") ?? [];

/** Whether a name may match several NICs. */
export const isPattern = (name: string) => /[*?]/.test(name);

/** Builds an addressing from what was found. */
export function addressing(
  { dhcp, addresses = [], gateways = [], dns = [], mtu }: {
    dhcp?: boolean | undefined;
    addresses?: readonly string[] | undefined;
    gateways?: readonly string[] | undefined;
    dns?: readonly string[] | undefined;
    mtu?: string | undefined;
  },
): Addressing {
  const all = [...new Set(addresses)];
  return {
    // if a file has both DHCP and a static address, the static one is certain
    addresses: dhcp && all.length === 0 ? "dhcp" : all,
    gateways: [...new Set(gateways)].filter((g, at, them) =>
      them.findIndex((o) => isIpv6(o) === isIpv6(g)) === at
    ),
    dns: [...new Set(dns)].slice(0, 8),
    ...(mtu !== undefined && /^\d{3,5}$/.test(mtu) && { mtu: Number(mtu) }),
  };
}
