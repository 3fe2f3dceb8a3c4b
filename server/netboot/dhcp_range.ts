import type { ServerOptions } from "../cli/server_options.ts";
import type { SiteAddresses } from "../connections/site_addresses.ts";

/**
 * The default DHCP pool: the upper half of the interface's network, at most 1000 addresses.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { defaultRange } from "./dhcp_range.ts";
 *
 * const range = defaultRange({ advertised: "10.0.0.1", netmask: "255.255.255.0" });
 * assert.deepEqual(range, { first: "10.0.0.128", last: "10.0.0.254" });
 * ```
 */
export function defaultRange({ advertised, netmask }: { advertised: string; netmask: string }): {
  first: string;
  last: string;
} {
  const mask = numberOf(netmask), network = (numberOf(advertised) & mask) >>> 0;
  const broadcast = (network | ~mask) >>> 0;
  const first = Math.max(network + Math.ceil((broadcast - network) / 2), broadcast - 1000);
  return { first: textOf(first), last: textOf(Math.max(first, broadcast - 1)) };
}

/** Undefined if this server is no DHCP server. */
export function dhcpRangeOf(
  { dhcp, dhcpRange }: Pick<ServerOptions, "dhcp" | "dhcpRange">,
  { advertised, netmask }: Pick<SiteAddresses, "advertised" | "netmask">,
): { first: string; last: string } | undefined {
  if (dhcp !== "server" || netmask === undefined) return undefined;
  return dhcpRange ?? defaultRange({ advertised, netmask });
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => (sum << 8 | Number(part)) >>> 0, 0);
}

function textOf(value: number): string {
  return [24, 16, 8, 0].map((shift) => value >>> shift & 255).join(".");
}
