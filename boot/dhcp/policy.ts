import { type Ipv4, ipv4OfNumber, type MacAddress, NO_ADDRESS, numberOfIpv4, sameSubnet } from "./address.ts";
import type { BootAnswer, BootClient } from "./boot_client.ts";
import type { AddressRange, Leases } from "./leases.ts";
import type { DhcpPacket } from "./packet.ts";
import { bootFields, BROADCAST_ON_LINK, type Destination, destination, PORT, replyTo } from "./reply.ts";
import { encodeReplyOptions } from "./reply_options.ts";
import { OPTION } from "./options.ts";
import type { DhcpRequest } from "./request.ts";

/** The network that this server leases addresses in. */
export interface DhcpNetwork {
  /** The server's own address, which is also its server identifier. */
  readonly address: Ipv4;
  readonly netmask: Ipv4;
  readonly range: AddressRange;
  readonly gateway?: Ipv4;
  readonly dns?: readonly Ipv4[];
  /** The largest packet, if the network carries larger ones than usual. */
  readonly mtu?: number | undefined;
  readonly leaseSeconds: number;
}

/** Addresses reserved for particular machines, inside the range or not. */
export interface Reservations {
  addressOf(mac: MacAddress, uuid?: string): Ipv4 | undefined;
  isReserved(address: Ipv4): boolean;
}

export interface DhcpPolicy {
  readonly network: DhcpNetwork;
  readonly reservations: Reservations;
  /** Whether to answer the client at all. */
  readonly answers: (client: BootClient) => boolean;
  /** Whether the machine belongs to the site. Others get short leases, so that a flood of them soon passes. */
  readonly knows: (client: BootClient) => boolean;
  /** What the client should boot, if anything. */
  readonly bootOptions: (client: BootClient) => BootAnswer | undefined;
}

type ReplyKind = "offer" | "ack" | "nak";

export type Decision =
  | { readonly kind: ReplyKind; readonly reply: DhcpPacket; readonly to: Destination }
  /** Nothing is sent. "exhausted" and "foreign-link" need the operator. */
  | {
    readonly kind: "silent";
    readonly why:
      | "not-answered"
      | "foreign-link"
      | "exhausted"
      | "other-server"
      | "no-boot-file"
      | "no-record"
      | "declined"
      | "released"
      | "not-its-own";
  };

/** Firmware and iPXE never renew, and need an address only for about a minute. */
const STRANGER_LEASE_SECONDS = 300;

/** Decides the answer to a client's packet, RFC 2131 §4.3. Changes `leases` and nothing else. */
export function decide(request: DhcpRequest, { policy, leases, nowMs }: {
  policy: DhcpPolicy;
  leases: Leases;
  nowMs: number;
}): Decision {
  const { intent, client, relayed } = request;
  const { network } = policy;
  if (!policy.answers(client)) return silent("not-answered");
  // The pool belongs to one link. The client is on the server's own link, or on the one that a relay names (§4.3.1).
  if (!onNetwork(relayed.link ?? network.address, network)) return silent("foreign-link");
  const isOurs = (serverId: Ipv4) => serverId === network.address || serverId === relayed.serverId;
  const { mac } = client;
  const reserved = policy.reservations.addressOf(mac, client.uuid);

  const grant = (address: Ipv4): Decision => {
    if (!leases.mayHave(mac, { address, reserved, nowMs })) return nak(request, network);
    leases.bind(mac, { address, expiresAtMs: nowMs + leaseSecondsOf(client, policy) * 1000 });
    return answer(request, { kind: "ack", yiaddr: address, policy });
  };

  switch (intent.kind) {
    case "discover": {
      const address = leases.offer(mac, { requested: intent.requested, reserved, nowMs });
      return address ? answer(request, { kind: "offer", yiaddr: address, policy }) : silent("exhausted");
    }
    case "select":
      if (!isOurs(intent.serverId)) {
        leases.dropOffer(mac);
        return silent("other-server");
      }
      return grant(intent.requested);
    case "accept": {
      const offered = leases.offered(mac, nowMs);
      return offered ? grant(offered) : silent("no-record");
    }
    case "init-reboot": {
      if (!onNetwork(intent.requested, network)) return nak(request, network);
      // A client without a record may belong to another server: §4.3.2 requires silence.
      const known = leases.of(mac)?.address ?? reserved;
      if (known === undefined) return silent("no-record");
      // A client that has since been given a reservation moves to it here, at start-up, and not while it works.
      return intent.requested === (reserved ?? known) ? grant(intent.requested) : nak(request, network);
    }
    case "renew":
      // Granted even without a record if the address is free: no other server uses this range.
      return grant(intent.address);
    case "inform":
      if (!onNetwork(intent.address, network)) return silent("foreign-link");
      return answer(request, { kind: "ack", yiaddr: NO_ADDRESS, policy });
    case "decline":
      if (!isOurs(intent.serverId)) return silent("other-server");
      return silent(leases.decline(mac, { address: intent.address, nowMs }) ? "declined" : "not-its-own");
    case "release":
      if (!isOurs(intent.serverId)) return silent("other-server");
      return silent(leases.release(mac, { address: intent.address, nowMs }) ? "released" : "not-its-own");
  }
}

function leaseSecondsOf(client: BootClient, { network, knows }: DhcpPolicy): number {
  return knows(client) ? network.leaseSeconds : Math.min(network.leaseSeconds, STRANGER_LEASE_SECONDS);
}

/** Whether the address is in the pool's subnet. */
function onNetwork(address: Ipv4, { range, netmask }: DhcpNetwork): boolean {
  return sameSubnet(address, { as: range.first, netmask });
}

/**
 * OFFER or ACK (§4.3.1, table 3). Measured on SeaBIOS and OVMF: yiaddr, siaddr, `file` and options 53 54 51 1 3 6
 * are enough; option 60 "PXEClient" without option 43 makes OVMF fail (PXE-E16), so neither is sent.
 */
function answer(request: DhcpRequest, { kind, yiaddr, policy }: {
  kind: "offer" | "ack";
  yiaddr: Ipv4;
  policy: DhcpPolicy;
}): Decision {
  const { packet, client, relayed } = request;
  const { network } = policy;
  const boot = policy.bootOptions(client);
  const { siaddr, file, bootFile } = bootFields(boot, { server: network.address });
  const options = encodeReplyOptions({
    messageType: kind,
    serverId: relayed.serverId ?? network.address,
    // An INFORM is answered without address and lease time (§4.3.5).
    leaseSeconds: yiaddr === NO_ADDRESS ? undefined : leaseSecondsOf(client, policy),
    subnetMask: network.netmask,
    router: network.gateway,
    dns: network.dns,
    mtu: asksForMtu(request) ? network.mtu : undefined,
    // UEFI 2.10 §24.7.2: an HTTP client accepts only offers that name its own class.
    vendorClass: boot && client.http ? "HTTPClient" : undefined,
    bootFile,
    noProxyDhcp: boot?.noProxyDhcp,
  }, packet.options);
  return {
    kind,
    reply: { ...replyTo(packet), yiaddr, siaddr, file, options },
    to: destination(packet),
  };
}

/**
 * Firmware and iPXE are left with the usual size: nobody checks there whether the whole path has the larger one, and a
 * kernel of some megabytes does not gain from it.
 */
function asksForMtu({ packet, client }: DhcpRequest): boolean {
  const asked = packet.options.get(OPTION.parameterList)?.includes(OPTION.interfaceMtu) ?? false;
  return asked && !client.ipxe && !packet.options.has(OPTION.clientArchitecture);
}

/** NAK: broadcast on the link, by the relay if there is one (§4.3.2). */
function nak({ packet, relayed: { serverId } }: DhcpRequest, network: DhcpNetwork): Decision {
  const options = encodeReplyOptions({
    messageType: "nak",
    serverId: serverId ?? network.address,
    message: "this address is not yours",
  }, packet.options);
  const relayed = packet.giaddr !== NO_ADDRESS;
  return {
    kind: "nak",
    reply: {
      ...replyTo(packet),
      broadcast: relayed || packet.broadcast,
      ciaddr: NO_ADDRESS,
      options,
    },
    to: relayed ? { hostname: packet.giaddr, port: PORT.server } : BROADCAST_ON_LINK,
  };
}

function silent(why: (Decision & { kind: "silent" })["why"]): Decision {
  return { kind: "silent", why };
}

/** The network and broadcast addresses of the pool's subnet, which no host may use. */
export function subnetEnds({ range, netmask }: Pick<DhcpNetwork, "range" | "netmask">): [Ipv4, Ipv4] {
  const mask = numberOfIpv4(netmask);
  const network = numberOfIpv4(range.first) & mask;
  return [ipv4OfNumber(network), ipv4OfNumber(network | ~mask)];
}
