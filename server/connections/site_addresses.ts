/** Which addresses the server uses: where it listens, and where nodes reach it. */
import { RackseedError } from "#contract/errors.ts";

export type Interface = Pick<Deno.NetworkInterfaceInfo, "name" | "family" | "address" | "netmask">;

export interface SiteAddresses {
  /** The IP address at which nodes and peers reach the server. */
  readonly advertised: string;
  /** Where plain HTTP, peers, the tracker and TFTP listen. */
  readonly bind: string;
  /** Where HTTPS listens. */
  readonly listen: { readonly hostname: string; readonly port: number };
  /** Of the chosen interface, if it is served by IPv4. */
  readonly netmask?: string;
  /** Of the chosen interface, if it is served by IPv6. */
  readonly prefixLength?: number;
}

/** What the operator chose. */
interface AddressOptions {
  /** Host and port of HTTPS. */
  readonly listen?: { readonly hostname: string; readonly port: number } | undefined;
  readonly interface?: string | undefined;
  /** The advertised address, if it is not the interface's own. */
  readonly address?: string | undefined;
  /** "server": the nodes' network is served by IPv6. */
  readonly dhcp6?: "off" | "server" | undefined;
}

type Family = Interface["family"];

const HTTPS_PORT = 8443;
const ANY = { IPv4: "0.0.0.0", IPv6: "::" } as const;

/**
 * IPv4, unless IPv6 is asked for or the interface has nothing else. Throws RackseedError if the interface does not
 * exist or has no such address.
 */
export function chooseAddresses(
  { listen, interface: name, address, dhcp6 }: AddressOptions,
  interfaces: readonly Interface[],
): SiteAddresses {
  const wanted: Family = dhcp6 === "server" || address?.includes(":") ? "IPv6" : "IPv4";
  const chosen = name === undefined ? undefined : findInterface(name, { wanted, address, interfaces });
  const any = ANY[chosen?.family ?? wanted];
  const specific = listen && !Object.values<string>(ANY).includes(listen.hostname)
    ? listen.hostname
    : undefined;
  // an address that moves between two machines is on this one only while it serves
  const moves = address !== undefined && address !== chosen?.address && listen !== undefined && !specific;
  const bind = moves ? any : chosen?.address ?? specific ?? any;
  const first = interfaces.find((i) => i.family === "IPv4" && i.name !== "lo");
  return {
    advertised: address ?? chosen?.address ?? (specific && isIpv4(specific) ? specific : undefined) ??
      first?.address ?? "127.0.0.1",
    bind,
    listen: listen ?? { hostname: bind, port: HTTPS_PORT },
    ...(chosen?.family === "IPv4" && { netmask: chosen.netmask }),
    ...(chosen?.family === "IPv6" && { prefixLength: prefixLengthOf(chosen.netmask) }),
  };
}

function findInterface(
  name: string,
  { wanted, address, interfaces }: {
    wanted: Family;
    address: string | undefined;
    interfaces: readonly Interface[];
  },
): Interface {
  const usable = interfaces.filter((i) => i.name === name && !/^fe[89ab]/i.test(i.address));
  const fitting = usable.filter((i) => i.family === wanted);
  const found = fitting.find((i) => i.address === address) ?? fitting[0] ??
    (wanted === "IPv4" ? usable[0] : undefined);
  if (found) return found;
  const there = interfaces.some((i) => i.name === name);
  const listed = interfaces.filter((i) => i.family === wanted).map((i) => `${i.name} (${i.address})`);
  const example = wanted === "IPv4" ? "10.0.0.1/24" : "fd00:1::1/64";
  throw new RackseedError(`cannot use the interface ${name}`, {
    reason: there
      ? `it has no ${wanted} address${wanted === "IPv6" ? " beside its link-local one" : ""}.`
      : `this machine has no such interface; with an address it has: ${listed.join(", ") || "none"}.`,
    remedy: there ? `give it one: ip addr add ${example} dev ${name}` : "choose one of these: --interface IF",
    status: 400,
  });
}

/** 64 for "ffff:ffff:ffff:ffff::". */
function prefixLengthOf(netmask: string): number {
  return netmask.split(":").reduce(
    (sum, group) => sum + (parseInt(group || "0", 16).toString(2).match(/1/g)?.length ?? 0),
    0,
  );
}

export function isIpv4(text: string): boolean {
  return /^\d+(\.\d+){3}$/.test(text);
}

/** As it stands in a URL: an IPv6 address in brackets. */
export function inUrl(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
