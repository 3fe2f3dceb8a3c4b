import { BROADCAST, type Ipv4, ipv4OfBytes, NO_ADDRESS, parseMac } from "./address.ts";
import { checkInterface, openOnInterface } from "./interface_socket.ts";
import { OPTION } from "./options.ts";
import { decodePacket, type DhcpPacket, encodePacket } from "./packet.ts";

interface OtherDhcpServer {
  /** Option 54 of its answer. */
  readonly serverId: Ipv4;
  /** The address that it would have given to this machine. */
  readonly offered: Ipv4;
}

const CLIENT_PORT = 68;
const SERVER_PORT = 67;
const DISCOVER = 1;
const OFFER = 2;
/** A lost broadcast, or a switch port that has just come up, costs one more. */
const REPEAT_MS = 1_000;

/**
 * Asks for an address on the interface, as a client would, and tells which DHCP server offers one first; undefined
 * where none does in `timeoutMs`. The offer is not taken. Ask before a server of one's own runs there.
 * `address` is the interface's own. Throws a RackseedError where the interface or UDP port 68 cannot be had.
 */
export async function findOtherDhcpServer(device: string, { address, timeoutMs = 3_000, signal }: {
  address: Ipv4;
  timeoutMs?: number;
  signal?: AbortSignal;
}): Promise<OtherDhcpServer | undefined> {
  const mac = parseMac(checkInterface(device, address));
  const [xid] = crypto.getRandomValues(new Uint32Array(1)) as Uint32Array & [number];
  const discover = encodePacket(discoverPacket(mac, xid));
  const port = openOnInterface({ interface: device, hostname: NO_ADDRESS, port: CLIENT_PORT });
  const close = () => port.close();
  const ask = () => port.send(discover, { hostname: BROADCAST, port: SERVER_PORT });
  const deadline = setTimeout(close, timeoutMs);
  const repeat = setInterval(() => void ask().catch(close), REPEAT_MS);
  signal?.addEventListener("abort", close, { once: true });
  try {
    await ask();
    const buffer = new Uint8Array(4096);
    for (;;) {
      const datagram = await port.receive(buffer);
      if (!datagram) break;
      const found = offerIn(datagram.bytes, xid);
      if (found) return found;
    }
  } finally {
    clearTimeout(deadline);
    clearInterval(repeat);
    signal?.removeEventListener("abort", close);
    close();
  }
  signal?.throwIfAborted();
  return undefined;
}

function discoverPacket(mac: DhcpPacket["mac"], xid: number): DhcpPacket {
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
      [OPTION.messageType, Uint8Array.of(DISCOVER)],
      [OPTION.parameterList, Uint8Array.of(OPTION.subnetMask, OPTION.router)],
    ]),
  };
}

/** The offer in a packet that answers `xid`; anything else on the port is someone else's. */
function offerIn(bytes: Uint8Array, xid: number): OtherDhcpServer | undefined {
  try {
    const packet = decodePacket(bytes);
    const serverId = packet.options.get(OPTION.serverId);
    if (packet.op !== "reply" || packet.xid !== xid || serverId?.length !== 4) return undefined;
    if (packet.options.get(OPTION.messageType)?.[0] !== OFFER) return undefined;
    return { serverId: ipv4OfBytes(serverId), offered: packet.yiaddr };
  } catch {
    return undefined;
  }
}
