/** The address of a NIC in an IPv6 network: of a router's prefix (SLAAC) or by DHCPv6, whichever comes first. */
import { RackseedError } from "#contract/errors.ts";
import type { MacAddress } from "../../boot/dhcp/address.ts";
import { type Ipv6, ipv6OfBytes, prefixOf } from "../../boot/dhcp6/address.ts";
import { requestLease6 } from "../../boot/dhcp6/client.ts";
import type { Run } from "../sys/command.ts";
import { textOf } from "../sys/small_file.ts";
import { within } from "./within.ts";

/** A switch port may block traffic for half a minute after the link comes up. */
const ADDRESS_MS = 90_000;
/** The kernel asks for a router every 4 s (RFC 4861 §10). */
const ROUTE_MS = 9_000;
/** Duplicate address detection takes 1 s to 2 s (RFC 4862 §5.4). */
const USABLE_MS = 10_000;

interface Options {
  readonly run: Run;
  readonly signal: AbortSignal;
}

interface Port {
  readonly name: string;
  readonly mac: MacAddress;
}

interface FoundAddress {
  readonly address: Ipv6;
  readonly by: "DHCPv6" | "SLAAC";
}

/** The host of a URL if it is an IPv6 address; undefined otherwise. */
export function ipv6HostOf(url: string): string | undefined {
  return /^\[(.+)\]$/.exec(new URL(url).hostname)?.[1];
}

/** The NIC is up and has a link. Throws a RackseedError if nobody gives it an address. */
export async function findIpv6Address(
  { name, mac }: Port,
  { signal }: Pick<Options, "signal">,
): Promise<FoundAddress> {
  const stop = new AbortController(), both = AbortSignal.any([signal, stop.signal]);
  const asked = [leasedAddress({ name, mac }, both), madeAddress(name, both)];
  try {
    return await Promise.any(asked);
  } catch {
    signal.throwIfAborted();
  } finally {
    stop.abort();
    await Promise.allSettled(asked);
  }
  throw new RackseedError(`cannot get an IPv6 address for ${name} (${mac})`, {
    reason: `in ${ADDRESS_MS / 1000} s neither a router nor a DHCPv6 server gave it one.`,
    remedy: "check that the network has one, or that the image server runs with --dhcp6 server.",
  });
}

/** Rejects if no server gives one. */
async function leasedAddress({ name, mac }: Port, signal: AbortSignal): Promise<FoundAddress> {
  const address = await requestLease6(name, { mac, timeoutMs: ADDRESS_MS, signal });
  if (address === undefined) throw new Error("no DHCPv6 server answers");
  return { address, by: "DHCPv6" };
}

/** Of a router's prefix, by the kernel. Rejects if there is none. */
async function madeAddress(nic: string, signal: AbortSignal): Promise<FoundAddress> {
  const ask = async () =>
    (await addressesOf(nic)).find(({ isGlobal, isTentative }) => isGlobal && !isTentative);
  const found = await within(ADDRESS_MS, { ask, signal });
  if (found === undefined) throw new Error("no router gives a prefix");
  return { address: found.address, by: "SLAAC" };
}

/** Gives a NIC the address, and waits until the kernel sends from it to the server. Returns what was done, as text. */
export async function useIpv6Address(
  { address, by }: FoundAddress,
  { nic, server, run, signal }: Options & { nic: string; server: string },
): Promise<string> {
  if (by === "DHCPv6") {
    await run(["ip", "-6", "address", "replace", `${address}/128`, "dev", nic], { signal });
  }
  await within(USABLE_MS, {
    signal,
    ask: async () =>
      (await addressesOf(nic)).some((one) => one.address === address && !one.isTentative) || undefined,
  });
  const hasRoute = await within(ROUTE_MS, {
    signal,
    ask: async () => {
      const { code, stdout } = await run(["ip", "-6", "route", "get", server], { signal, accept: [0, 1, 2] });
      return code === 0 && stdout.includes(` dev ${nic} `) || undefined;
    },
  });
  // No router says what is on the link. Then the network of the own address is, as everybody makes them.
  if (hasRoute === undefined) {
    const { network } = prefixOf(address, 64);
    await run(["ip", "-6", "route", "replace", `${network}/64`, "dev", nic], { signal });
  }
  return `${nic} ${address} by ${by}`;
}

interface NicAddress {
  readonly address: Ipv6;
  readonly isGlobal: boolean;
  /** Somebody else may have it. */
  readonly isTentative: boolean;
}

async function addressesOf(nic: string): Promise<NicAddress[]> {
  return parseAddresses(await textOf("/proc/net/if_inet6") ?? "", nic);
}

/** IFA_F_DADFAILED and IFA_F_TENTATIVE, linux/if_addr.h. */
const UNUSABLE = 0x08 | 0x40;

/** Lines of "fd00…01 02 40 00 80 eth0": address, interface, prefix length, scope and flags in hexadecimal, name. */
function parseAddresses(table: string, nic: string): NicAddress[] {
  return table.split("\n").flatMap((line) => {
    const [hex = "", , , scope = "", flags = "", name] = line.trim().split(/\s+/);
    if (name !== nic || !/^[0-9a-f]{32}$/.test(hex)) return [];
    const address = ipv6OfBytes(Uint8Array.fromHex(hex));
    return [{ address, isGlobal: scope === "00", isTentative: (parseInt(flags, 16) & UNUSABLE) !== 0 }];
  });
}
