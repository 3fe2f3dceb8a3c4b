/** What the five kinds of network configuration have in common: files, and interfaces as files name them. */
import type { Addressing, BondMode, NetworkInterface } from "#contract/identity.ts";

/** Interfaces whose NICs are all named by MAC. */
export type Interface =
  | Extract<NetworkInterface, { kind: "bond" | "vlan" }>
  | Extract<NetworkInterface, { kind: "ethernet" }> & { readonly mac: string };

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** By absolute path inside the tree. */
export type Texts = ReadonlyMap<string, string>;

/** A NIC as a file names it: by its address, or by its name or a pattern (`*`, `?`) of names. */
export type NicRef = { readonly mac: string } | { readonly name: string };

/** An interface as it was found in files; which NICs these are is decided by `resolve_nics.ts`. */
export type FoundInterface =
  & Addressing
  & (
    | { readonly kind: "ethernet"; readonly nic: NicRef }
    | { readonly kind: "bond"; readonly name: string; readonly members: NicRef[]; readonly mode: BondMode }
    | {
      readonly kind: "vlan";
      readonly name: string;
      readonly id: number;
      /** A bond is named too. */
      readonly parent: NicRef;
    }
  );

export interface FoundNetwork {
  readonly interfaces: readonly FoundInterface[];
  /** What was found and is not kept, in words. */
  readonly notes: readonly string[];
}

export const HEAD = "# Written by Rackseed when this machine was installed.\n";

export function file(path: string, text: string, mode = 0o644): ConfigFile {
  return { path, text: `${HEAD}${text}`, mode };
}

/** What tells the interface from the others in names of files and connections. */
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

/** Words between blanks. */
export const wordsOf = (text: string | undefined) => text?.split(/\s+/).filter((w) => w !== "") ?? [];

/** Names that stand for several NICs. */
export const isPattern = (name: string) => /[*?]/.test(name);

/** The addressing with the members that were found. */
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
    // a static address beside DHCP is what is known for certain
    addresses: dhcp && all.length === 0 ? "dhcp" : all,
    gateways: [...new Set(gateways)].filter((g, at, them) =>
      them.findIndex((o) => isIpv6(o) === isIpv6(g)) === at
    ),
    dns: [...new Set(dns)].slice(0, 8),
    ...(mtu !== undefined && /^\d{3,5}$/.test(mtu) && { mtu: Number(mtu) }),
  };
}
