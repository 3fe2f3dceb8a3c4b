/** Which of a machine's NICs the network gives an address: by DHCP, or in an IPv6 network by DHCPv6 or SLAAC. */
import { RackseedError } from "#contract/errors.ts";
import { requestLease } from "../../boot/dhcp/client.ts";
import type { Run } from "../sys/command.ts";
import { prefixOf } from "./boot_arguments.ts";
import { LacpListener } from "./aggregated_port.ts";
import { findIpv6Address, ipv6HostOf, useIpv6Address } from "./ipv6_network.ts";
import { CARRIER_MS, hasLink, useLease } from "./nic.ts";
import { bondOf, openDevice, type Port, switchOn } from "./port.ts";

/**
 * A switch port may block traffic for half a minute after the link comes up. After each of these times, a NIC whose port
 * speaks LACP is given up, until that is negotiated: a switch says so every second or every 30 s (IEEE 802.1AX §6.4.13).
 */
const LEASE_MS = [20_000, 15_000, 55_000];

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
  /** It may have one when LACP is negotiated. */
  readonly speaksLacp?: boolean;
}

/**
 * What becomes of each NIC, in the order in which that is known. All are tried at the same time, as only one of them may
 * lead on; the rest is given up when the caller has enough. If none does, those whose switch port speaks LACP are tried
 * again, in a bond. `server`: its URL; if that has an IPv6 address, the NICs get one of that family.
 */
export async function* findAddresses(
  ports: readonly Port[],
  { run, signal, server }: Commands & { server: string },
): AsyncGenerator<Try> {
  const done = new AbortController();
  const options = { run, server, signal: AbortSignal.any([signal, done.signal]) };
  const aggregated: Port[] = [];
  const pending = new Map(ports.map((port) => [port, findAddress(port, options)]));
  try {
    while (pending.size > 0) {
      const found = await Promise.race(pending.values());
      pending.delete(found.port);
      if (found.speaksLacp) aggregated.push(found.port);
      yield found;
    }
    for (const port of aggregated) yield await findAddress({ ...port, bond: bondOf(port) }, options);
  } finally {
    done.abort();
    await Promise.allSettled(pending.values());
  }
}

/** Brings the NIC up, and waits for its link and its address. Rejects only if the signal aborts. */
async function findAddress(
  port: Port,
  { run, signal, server }: Commands & { server: string },
): Promise<Try> {
  const { name, mac, bond } = port;
  let lacp: LacpListener | undefined;
  const withoutAddress = (reason: string): Try =>
    lacp?.hasHeard
      ? { port, reason: `${reason.replace(/\.$/, "")}, and its switch port speaks LACP`, speaksLacp: true }
      : { port, reason };
  try {
    await switchOn(port, { run, signal });
    if (!await hasLink(bond ?? name, { budgetMs: CARRIER_MS, signal })) return { port, reason: "no link" };
    lacp = bond === undefined ? await LacpListener.open(name) : undefined;
    const nic = await openDevice(port, { run, signal });
    const server6 = ipv6HostOf(server);
    if (server6 !== undefined) {
      const found = await findIpv6Address({ name: nic, mac }, { signal });
      return { port, use: (options) => useIpv6Address(found, { nic, server: server6, ...options }) };
    }
    const settings = await findLease(nic, { mac, lacp, signal });
    if (settings !== undefined) {
      return {
        port,
        use: async (options) => `${await useLease(settings, { nic, server, ...options })} by DHCP`,
      };
    }
    return withoutAddress("no DHCP server gives it an address");
  } catch (error) {
    signal.throwIfAborted();
    return withoutAddress(error instanceof RackseedError ? error.reason : String(error));
  } finally {
    lacp?.[Symbol.dispose]();
  }
}

/** Undefined if no DHCP server gives one in time, or before LACP is negotiated. */
async function findLease(
  nic: string,
  { mac, lacp, signal }: { mac: Port["mac"]; lacp: LacpListener | undefined; signal: AbortSignal },
): Promise<Parameters<typeof useLease>[0] | undefined> {
  for (const timeoutMs of LEASE_MS) {
    const lease = await requestLease(nic, { mac, timeoutMs, signal });
    if (lease !== undefined) {
      const { address, netmask, router, dns, mtu } = lease;
      const cidr = `${address}/${prefixOf(netmask)}`;
      return { cidr, ...(router && { gateway: router }), dns, ...(mtu && { mtu }) };
    }
    if (lacp?.hasHeard) return undefined;
  }
  return undefined;
}
