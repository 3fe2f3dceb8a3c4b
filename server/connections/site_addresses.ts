/** Which addresses the server uses: where it listens, and where nodes reach it. */
import { RackseedError } from "#contract/errors.ts";

export type Interface = Pick<Deno.NetworkInterfaceInfo, "name" | "family" | "address" | "netmask">;

export interface SiteAddresses {
  /** The IPv4 address at which nodes and peers reach the server. */
  readonly advertised: string;
  /** Where plain HTTP, peers, the tracker and TFTP listen. */
  readonly bind: string;
  /** Where HTTPS listens. */
  readonly listen: { readonly hostname: string; readonly port: number };
  /** Of the chosen interface. */
  readonly netmask?: string;
}

/** What the operator chose. */
interface AddressOptions {
  /** Host and port of HTTPS. */
  readonly listen?: { readonly hostname: string; readonly port: number } | undefined;
  readonly interface?: string | undefined;
  /** The advertised address, if it is not the interface's own. */
  readonly address?: string | undefined;
}

const HTTPS_PORT = 8443;
const ANY = "0.0.0.0";

/** Throws RackseedError if the interface does not exist or has no IPv4 address. */
export function chooseAddresses(
  { listen, interface: name, address }: AddressOptions,
  interfaces: readonly Interface[],
): SiteAddresses {
  const chosen = name === undefined ? undefined : findInterface(name, interfaces);
  const specific = listen && ![ANY, "::"].includes(listen.hostname) ? listen.hostname : undefined;
  // an address that moves between two machines is on this one only while it serves
  const moves = address !== undefined && address !== chosen?.address && listen !== undefined && !specific;
  const bind = moves ? ANY : chosen?.address ?? specific ?? ANY;
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

export function isIpv4(text: string): boolean {
  return /^\d+(\.\d+){3}$/.test(text);
}
