/** Which addresses the server uses: where it listens, and what nodes are told. */
import { RackseedError } from "#contract/errors.ts";
import type { ServerOptions } from "../cli/server_options.ts";

export type Interface = Pick<Deno.NetworkInterfaceInfo, "name" | "family" | "address" | "netmask">;

export interface SiteAddresses {
  /** What nodes and peers are told: an IPv4 address. */
  readonly advertised: string;
  /** Where plain HTTP, peers, tracker and TFTP listen. */
  readonly bind: string;
  /** Where HTTPS listens. */
  readonly listen: { readonly hostname: string; readonly port: number };
  /** Of the chosen interface. */
  readonly netmask?: string;
}

const HTTPS_PORT = 8443;
const ANY = "0.0.0.0";

/** Throws RackseedError where the interface is not there or has no IPv4 address. */
export function chooseAddresses(
  { listen, interface: name, address }: Pick<ServerOptions, "listen" | "interface" | "address">,
  interfaces: readonly Interface[],
): SiteAddresses {
  const chosen = name === undefined ? undefined : findInterface(name, interfaces);
  const specific = listen && ![ANY, "::"].includes(listen.hostname) ? listen.hostname : undefined;
  const bind = chosen?.address ?? specific ?? ANY;
  const first = interfaces.find((i) => i.family === "IPv4" && i.name !== "lo");
  return {
    advertised: address ?? chosen?.address ?? (specific && isIpv4(specific) ? specific : undefined) ??
      first?.address ?? "127.0.0.1",
    bind,
    listen: listen ?? { hostname: bind, port: HTTPS_PORT },
    ...(chosen && { netmask: chosen.netmask }),
  };
}

function findInterface(name: string, interfaces: readonly Interface[]): Interface {
  const found = interfaces.find((i) => i.name === name && i.family === "IPv4");
  if (found) return found;
  const there = interfaces.some((i) => i.name === name);
  const listed = interfaces.filter((i) => i.family === "IPv4").map((i) => `${i.name} (${i.address})`);
  throw new RackseedError(`cannot use the interface ${name}`, {
    reason: there
      ? "it has no IPv4 address."
      : `this machine has no such interface; with an address it has: ${listed.join(", ") || "none"}.`,
    remedy: there
      ? `give it one: ip addr add 10.0.0.1/24 dev ${name}`
      : "choose one of these: --interface IF",
    status: 400,
  });
}

/**
 * The upper half of the interface's network, at most 1000 addresses, where no range was given.
 * For 10.0.0.1/24: 10.0.0.128 to 10.0.0.254.
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

export function isIpv4(text: string): boolean {
  return /^\d+(\.\d+){3}$/.test(text);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => (sum << 8 | Number(part)) >>> 0, 0);
}

function textOf(value: number): string {
  return [24, 16, 8, 0].map((shift) => value >>> shift & 255).join(".");
}
