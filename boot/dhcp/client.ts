/** A DHCP client, RFC 2131 §4.4: it gets one address, and neither renews nor releases it. */
import { BROADCAST, bytesOfIpv4, type Ipv4, ipv4OfBytes, type MacAddress, NO_ADDRESS } from "./address.ts";
import { openOnInterface } from "./interface_socket.ts";
import { MESSAGE_TYPE, OPTION } from "./options.ts";
import { decodePacket, type DhcpPacket, encodePacket } from "./packet.ts";

interface ClientLease {
  readonly address: Ipv4;
  readonly netmask: Ipv4;
  readonly router?: Ipv4;
  readonly dns: readonly Ipv4[];
  readonly mtu?: number;
}

/** What a server has said to this client. */
type ServerMessage =
  | { readonly kind: "offer"; readonly address: Ipv4; readonly serverId: Ipv4 }
  | { readonly kind: "ack"; readonly lease: ClientLease }
  | { readonly kind: "nak" };

interface Client {
  readonly mac: MacAddress;
  readonly xid: number;
}

const CLIENT_PORT = 68, SERVER_PORT = 67;
/** A server that answers only machines which boot from the network answers this one, too. */
const VENDOR_CLASS = new TextEncoder().encode("PXEClient");
/** Between repetitions, doubling up to this; §4.1 has longer ones for networks of its time. */
const FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 4_000;
/** Requests without an answer after which another offer is sought. */
const MAX_REQUESTS = 4;
const LEAST_MTU = 576;

/** The packet of a client without an address: it asks for one, or for the one that it was offered. */
export function clientPacket(
  { mac, xid }: Client,
  offer?: { readonly address: Ipv4; readonly serverId: Ipv4 },
): DhcpPacket {
  const wanted = Uint8Array.of(
    ...[OPTION.subnetMask, OPTION.router, OPTION.domainNameServer, OPTION.interfaceMtu],
  );
  return {
    op: "request",
    hops: 0,
    xid,
    secs: 0,
    // An interface without an address receives broadcasts only.
    broadcast: true,
    ciaddr: NO_ADDRESS,
    yiaddr: NO_ADDRESS,
    siaddr: NO_ADDRESS,
    giaddr: NO_ADDRESS,
    mac,
    sname: "",
    file: "",
    options: new Map([
      [OPTION.messageType, Uint8Array.of(offer === undefined ? MESSAGE_TYPE.discover : MESSAGE_TYPE.request)],
      ...(offer === undefined ? [] : [
        [OPTION.requestedAddress, Uint8Array.from(bytesOfIpv4(offer.address))] as const,
        [OPTION.serverId, Uint8Array.from(bytesOfIpv4(offer.serverId))] as const,
      ]),
      [OPTION.vendorClass, VENDOR_CLASS],
      [OPTION.parameterList, wanted],
    ]),
  };
}

/** Undefined for anything that is not a complete answer to this client. */
export function readServerMessage(bytes: Uint8Array, { mac, xid }: Client): ServerMessage | undefined {
  let packet: DhcpPacket;
  try {
    packet = decodePacket(bytes);
  } catch {
    return undefined;
  }
  const { op, yiaddr, options } = packet;
  if (op !== "reply" || packet.xid !== xid || packet.mac !== mac) return undefined;
  const address = (code: number, at = 0) => {
    const value = options.get(code)?.subarray(at, at + 4);
    return value?.length === 4 ? ipv4OfBytes(value) : undefined;
  };
  const type = options.get(OPTION.messageType)?.[0];
  if (type === MESSAGE_TYPE.nak) return { kind: "nak" };
  // A proxyDHCP server offers a boot file without an address.
  if (yiaddr === NO_ADDRESS) return undefined;
  if (type === MESSAGE_TYPE.offer) {
    const serverId = address(OPTION.serverId);
    return serverId && { kind: "offer", address: yiaddr, serverId };
  }
  const netmask = address(OPTION.subnetMask);
  if (type !== MESSAGE_TYPE.ack || netmask === undefined) return undefined;
  const router = address(OPTION.router), servers = options.get(OPTION.domainNameServer)?.length ?? 0;
  const dns = Array.from({ length: Math.min(3, Math.floor(servers / 4)) }, (_, i) => i * 4)
    .flatMap((at) => address(OPTION.domainNameServer, at) ?? []);
  const mtu = mtuIn(options.get(OPTION.interfaceMtu));
  return {
    kind: "ack",
    lease: { address: yiaddr, netmask, ...(router && { router }), dns, ...(mtu && { mtu }) },
  };
}

/** RFC 2132 §5.1; undefined also if it is less than every host must take (RFC 791 §3.1). */
function mtuIn(value: Uint8Array | undefined): number | undefined {
  if (value?.length !== 2) return undefined;
  const mtu = value[0]! << 8 | value[1]!;
  return mtu >= LEAST_MTU ? mtu : undefined;
}

/**
 * Gets an address on an interface that is up and has none. Undefined if no server gives one within `timeoutMs`. Throws
 * a RackseedError if the interface or UDP port 68 is not available, and the signal's reason.
 */
export async function requestLease(device: string, { mac, timeoutMs, signal }: {
  mac: MacAddress;
  timeoutMs: number;
  signal: AbortSignal;
}): Promise<ClientLease | undefined> {
  signal.throwIfAborted();
  const [xid] = crypto.getRandomValues(new Uint32Array(1)) as Uint32Array & [number];
  const client = { mac, xid }, ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const port = openOnInterface({ interface: device, hostname: NO_ADDRESS, port: CLIENT_PORT });
  const close = () => port.close();
  let offer: { address: Ipv4; serverId: Ipv4 } | undefined;
  let pauseMs = FIRST_PAUSE_MS, requests = 0, timer: ReturnType<typeof setTimeout> | undefined;
  const send = () => {
    clearTimeout(timer);
    if (offer !== undefined && requests++ >= MAX_REQUESTS) offer = undefined;
    const bytes = encodePacket(clientPacket(client, offer));
    // The link may go down and come back meanwhile; the next repetition may get through.
    port.send(bytes, { hostname: BROADCAST, port: SERVER_PORT }).catch(() => {});
    timer = setTimeout(send, pauseMs);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  };
  ended.addEventListener("abort", close, { once: true });
  try {
    send();
    const buffer = new Uint8Array(4096);
    for (;;) {
      const datagram = await port.receive(buffer);
      if (datagram === undefined) break;
      const message = readServerMessage(datagram.bytes, client);
      if (message === undefined) continue;
      if (message.kind === "ack" && offer !== undefined) return message.lease;
      if (message.kind === "offer" && offer === undefined) offer = message;
      else if (message.kind === "nak") offer = undefined;
      else continue;
      requests = 0;
      pauseMs = FIRST_PAUSE_MS;
      send();
    }
  } finally {
    clearTimeout(timer);
    ended.removeEventListener("abort", close);
    close();
  }
  signal.throwIfAborted();
  return undefined;
}
