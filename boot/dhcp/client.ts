/** Gets an address for an interface that has none, as a client does (RFC 2131 §3.1). The lease is not renewed. */
import { BROADCAST, bytesOfIpv4, type Ipv4, ipv4OfBytes, type MacAddress, NO_ADDRESS } from "./address.ts";
import { openOnInterface } from "./interface_socket.ts";
import { MESSAGE_TYPE, OPTION } from "./options.ts";
import { decodePacket, type DhcpPacket, encodePacket } from "./packet.ts";

interface ClientLease {
  readonly address: Ipv4;
  readonly netmask: Ipv4;
  readonly gateway?: Ipv4;
  readonly dns: readonly Ipv4[];
}

const CLIENT_PORT = 68, SERVER_PORT = 67;
const REPEAT_MS = 2_000;
/** A site's server that answers only machines that boot answers this one too. */
const VENDOR_CLASS = new TextEncoder().encode("PXEClient");

/** Undefined if no server gives one within `timeoutMs`. The interface must be up. Throws RackseedError. */
export async function requestLease(
  device: string,
  { mac, timeoutMs, signal }: { mac: MacAddress; timeoutMs: number; signal: AbortSignal },
): Promise<ClientLease | undefined> {
  const [xid] = crypto.getRandomValues(new Uint32Array(1)) as Uint32Array & [number];
  const port = openOnInterface({ interface: device, hostname: NO_ADDRESS, port: CLIENT_PORT });
  const close = () => port.close();
  const ends = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  ends.addEventListener("abort", close, { once: true });
  let wanted: readonly (readonly [number, Uint8Array])[] = [];
  const ask = () =>
    port.send(encodePacket(clientPacket({ mac, xid, wanted })), { hostname: BROADCAST, port: SERVER_PORT });
  // a switch port may not pass anything at first
  const repeat = setInterval(() => void ask().catch(() => {}), REPEAT_MS);
  try {
    await ask().catch(() => {});
    const buffer = new Uint8Array(4096);
    for (;;) {
      const datagram = await port.receive(buffer);
      if (!datagram) break;
      const reply = replyIn(datagram.bytes, xid);
      if (reply?.type === MESSAGE_TYPE.nak) wanted = [];
      if (reply?.type === MESSAGE_TYPE.ack && wanted.length > 0) return reply.lease;
      if (reply?.type !== MESSAGE_TYPE.offer || wanted.length > 0) continue;
      wanted = [
        [OPTION.requestedAddress, bytesOfIpv4(reply.lease.address)],
        [OPTION.serverId, bytesOfIpv4(reply.serverId)],
      ];
      await ask().catch(() => {});
    }
  } finally {
    clearInterval(repeat);
    ends.removeEventListener("abort", close);
    close();
  }
  signal.throwIfAborted();
  return undefined;
}

/** A discover, or with what it wants a request. */
function clientPacket(
  { mac, xid, wanted }: { mac: MacAddress; xid: number; wanted: readonly (readonly [number, Uint8Array])[] },
): DhcpPacket {
  const type = wanted.length > 0 ? MESSAGE_TYPE.request : MESSAGE_TYPE.discover;
  return {
    op: "request",
    hops: 0,
    xid,
    secs: 0,
    broadcast: true,
    ciaddr: NO_ADDRESS,
    yiaddr: NO_ADDRESS,
    siaddr: NO_ADDRESS,
    giaddr: NO_ADDRESS,
    mac,
    sname: "",
    file: "",
    options: new Map([
      [OPTION.messageType, Uint8Array.of(type)],
      ...wanted,
      [OPTION.vendorClass, VENDOR_CLASS],
      [OPTION.parameterList, Uint8Array.of(OPTION.subnetMask, OPTION.router, OPTION.domainNameServer)],
    ]),
  };
}

/** Undefined for any other packet on the port, and for offers without an address, as a proxy's. */
function replyIn(
  bytes: Uint8Array,
  xid: number,
): { type: number; serverId: Ipv4; lease: ClientLease } | undefined {
  try {
    const { op, xid: answered, yiaddr, options } = decodePacket(bytes);
    const [type] = options.get(OPTION.messageType) ?? [], serverId = firstOf(options.get(OPTION.serverId));
    if (op !== "reply" || answered !== xid || type === undefined || serverId === undefined) return undefined;
    if (type !== MESSAGE_TYPE.nak && yiaddr === NO_ADDRESS) return undefined;
    const gateway = firstOf(options.get(OPTION.router));
    const dns = options.get(OPTION.domainNameServer) ?? new Uint8Array();
    const lease: ClientLease = {
      address: yiaddr,
      netmask: firstOf(options.get(OPTION.subnetMask)) ?? ipv4OfBytes(Uint8Array.of(255, 255, 255, 0)),
      ...(gateway !== undefined && { gateway }),
      dns: Array.from(
        { length: Math.floor(dns.length / 4) },
        (_, i) => ipv4OfBytes(dns.subarray(i * 4, i * 4 + 4)),
      ),
    };
    return { type, serverId, lease };
  } catch {
    return undefined;
  }
}

function firstOf(addresses: Uint8Array | undefined): Ipv4 | undefined {
  return addresses && addresses.length >= 4 ? ipv4OfBytes(addresses.subarray(0, 4)) : undefined;
}
