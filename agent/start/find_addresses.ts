/** Which of a machine's NICs the network gives an address: by DHCP, or in an IPv6 network by DHCPv6 or SLAAC. */
import { RackseedError } from "#contract/errors.ts";
import type { MacAddress } from "../../boot/dhcp/address.ts";
import { requestLease } from "../../boot/dhcp/client.ts";
import type { Run } from "../sys/command.ts";
import { prefixOf } from "./boot_arguments.ts";
import { findIpv6Address, useIpv6Address } from "./ipv6_network.ts";
import { CARRIER_MS, hasLink, useLease } from "./nic.ts";

/** A switch port may block traffic for half a minute after the link comes up. */
const LEASE_MS = 90_000;

export interface Port {
  readonly name: string;
  readonly mac: MacAddress;
}

interface Commands {
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** Either the way to use the address that a NIC was given, or why it has none. */
interface Try {
  readonly port: Port;
  /** Returns what was done, as text. */
  readonly use?: (options: Commands) => Promise<string>;
  readonly reason?: string;
}

/**
 * What becomes of each NIC, in the order in which that is known. All are tried at the same time, as only one of them may
 * lead on; the rest is given up when the caller has enough. `server6`: the server's IPv6 address, if it has one.
 */
export async function* findAddresses(
  ports: readonly Port[],
  { run, signal, server6 }: Commands & { server6: string | undefined },
): AsyncGenerator<Try> {
  const done = new AbortController();
  const options = { run, server6, signal: AbortSignal.any([signal, done.signal]) };
  const pending = new Map(ports.map((port) => [port, findAddress(port, options)]));
  try {
    while (pending.size > 0) {
      const found = await Promise.race(pending.values());
      pending.delete(found.port);
      yield found;
    }
  } finally {
    done.abort();
    await Promise.allSettled(pending.values());
  }
}

/** Brings the NIC up, and waits for its link and its address. Rejects only if the signal aborts. */
export async function findAddress(
  port: Port,
  { run, signal, server6 }: Commands & { server6: string | undefined },
): Promise<Try> {
  const { name: nic, mac } = port;
  try {
    await run(["ip", "link", "set", "dev", nic, "up"], { signal });
    if (!await hasLink(nic, { budgetMs: CARRIER_MS, signal })) return { port, reason: "no link" };
    if (server6 !== undefined) {
      const found = await findIpv6Address(port, { signal });
      return { port, use: (options) => useIpv6Address(found, { nic, server: server6, ...options }) };
    }
    const lease = await requestLease(nic, { mac, timeoutMs: LEASE_MS, signal });
    if (lease === undefined) return { port, reason: "no DHCP server gives it an address" };
    const { address, netmask, router, dns } = lease;
    const settings = { cidr: `${address}/${prefixOf(netmask)}`, ...(router && { gateway: router }), dns };
    return { port, use: async (options) => `${await useLease(settings, { nic, ...options })} by DHCP` };
  } catch (error) {
    signal.throwIfAborted();
    return { port, reason: error instanceof RackseedError ? error.reason : String(error) };
  }
}
