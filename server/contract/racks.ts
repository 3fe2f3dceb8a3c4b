/** Finds a peer's rack from its address. Pure. */
import type { Racks } from "./api/distribution.ts";

/** "10.0.1.0/24" for 10.0.1.7 and 24; undefined if it is not a dotted IPv4 address. */
export function networkOf(address: string, prefix: number): string | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  const kept = parts.map((part, i) => part & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))));
  return `${kept.join(".")}/${prefix}`;
}

/** The rack of peers that are in no known rack, and not in the node's own. */
const ELSEWHERE = "";

/**
 * Returns a function from a peer's address to its rack. The node's own rack is `own`; undefined if nothing is known
 * about racks. A peer that is not in the node's labelled rack is elsewhere, and so is the server, unless it has that
 * label.
 */
export function rackLookup({ own, prefix, members }: Racks): (address: string) => string | undefined {
  const near = new Set(own === undefined ? [] : members);
  return (address) => {
    if (near.has(address)) return own;
    if (prefix !== undefined) return networkOf(address, prefix);
    return own === undefined ? undefined : ELSEWHERE;
  };
}
