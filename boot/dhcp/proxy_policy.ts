import { type Ipv4, NO_ADDRESS } from "./address.ts";
import type { BootAnswer, BootClient } from "./boot_client.ts";
import { bootFields, BROADCAST_ON_LINK, destination, PORT, replyTo } from "./reply.ts";
import { encodeReplyOptions } from "./reply_options.ts";
import type { Decision } from "./policy.ts";
import type { DhcpRequest } from "./request.ts";

/** The port of boot servers, PXE 2.1 §2.2.4. */
export const PROXY_PORT = 4011;

/** Where a packet came from, and which port it was sent to. */
export interface Arrival {
  readonly port: number;
  readonly from: { readonly hostname: string; readonly port: number };
}

export interface ProxyPolicy {
  /** The server's own address, which is also its server identifier. */
  readonly address: Ipv4;
  /** What the client should boot; undefined leaves the client to the other server alone. */
  readonly bootOptions: (client: BootClient) => BootAnswer | undefined;
}

/** Sub-option 6 of option 43, PXE_DISCOVERY_CONTROL: bit 3 says "load the boot file of this offer" (PXE 2.1, table 2-1). */
const LOAD_BOOT_FILE = Uint8Array.of(6, 1, 8, 255);

/**
 * Decides what to say beside another DHCP server, which alone gives addresses (PXE 2.1 §2.2; UEFI 2.10 §24.7.3): to
 * a machine that boots from the network, an offer of a boot file without an address. Pure.
 *
 * A REQUEST on port 67 that names the other server, or none, is the other server's business. On port 4011 the
 * client has asked this server.
 */
export function decideProxy(
  request: DhcpRequest,
  { policy, arrival }: { policy: ProxyPolicy; arrival: Arrival },
): Decision {
  const { intent, client, relayed } = request;
  const isAsked = arrival.port === PROXY_PORT;
  if (!client.pxe) return { kind: "silent", why: "not-answered" };
  switch (intent.kind) {
    case "discover":
      return answer(request, { kind: "offer", policy, arrival });
    case "select": {
      const isOurs = intent.serverId === policy.address || intent.serverId === relayed.serverId;
      return isAsked || isOurs ? answer(request, { kind: "ack", policy, arrival }) : othersBusiness();
    }
    case "accept":
    case "init-reboot":
    case "renew":
    case "inform":
      return isAsked ? answer(request, { kind: "ack", policy, arrival }) : othersBusiness();
    case "decline":
    case "release":
      return othersBusiness();
  }
}

function othersBusiness(): Decision {
  return { kind: "silent", why: "other-server" };
}

/**
 * The answer repeats the client's class: without it, the client takes no offer that lacks an address.
 *
 * BIOS gets option 43, so that it loads the file at once. UEFI does not: some firmware ignores an offer that has it.
 * Without it, UEFI asks again on port 4011 (measured with OVMF), and iPXE takes the file from the offer.
 */
function answer({ packet, client, relayed }: DhcpRequest, { kind, policy, arrival }: {
  kind: "offer" | "ack";
  policy: ProxyPolicy;
  arrival: Arrival;
}): Decision {
  const boot = policy.bootOptions(client);
  if (boot === undefined) return { kind: "silent", why: "no-boot-file" };
  const { siaddr, file, bootFile } = bootFields(boot, { server: policy.address });
  const options = encodeReplyOptions({
    messageType: kind,
    serverId: relayed.serverId ?? policy.address,
    vendorClass: client.http ? "HTTPClient" : "PXEClient",
    vendorSpecific: client.arch === "bios" && !client.http ? LOAD_BOOT_FILE : undefined,
    bootFile,
  }, packet.options);
  // A relay sends to the client's address what is not to be broadcast, and this answer has none (RFC 2131 §4.1).
  const broadcast = packet.broadcast || packet.giaddr !== NO_ADDRESS;
  return { kind, reply: { ...replyTo(packet), broadcast, siaddr, file, options }, to: to(packet, arrival) };
}

/** A client that asked on port 4011 has an address, and waits on the port that it sent from. */
function to(packet: DhcpRequest["packet"], { port, from }: Arrival): (Decision & { kind: "ack" })["to"] {
  if (port !== PROXY_PORT || packet.giaddr !== NO_ADDRESS) return destination(packet);
  if (from.hostname === NO_ADDRESS) {
    return packet.ciaddr === NO_ADDRESS ? BROADCAST_ON_LINK : { hostname: packet.ciaddr, port: PORT.client };
  }
  return { hostname: from.hostname as Ipv4, port: from.port };
}
