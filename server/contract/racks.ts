/** Tells in which rack a peer stands, by its address. Pure. */
import type { Racks } from "./api/distribution.ts";

/** "10.0.1.0/24" of 10.0.1.7 and 24; undefined for what is no IPv4 address in dotted form. */
export function networkOf(address: string, prefix: number): string | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  const kept = parts.map((part, i) => part & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))));
  return `${kept.join(".")}/${prefix}`;
}

/** What is in no rack of its own name, but not in ours. */
const ELSEWHERE = "";

/**
 * The rack of a peer: the node's own is `racks.own`; undefined where racks are not known at all. Whoever is no
 * member of a rack with a label stands elsewhere, the server among them, unless it was given that label.
 */
export function rackLookup({ own, prefix, members }: Racks): (address: string) => string | undefined {
  const near = new Set(own === undefined ? [] : members);
  return (address) => {
    if (near.has(address)) return own;
    if (prefix !== undefined) return networkOf(address, prefix);
    return own === undefined ? undefined : ELSEWHERE;
  };
}
