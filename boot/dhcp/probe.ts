import { BROADCAST, type Ipv4, NO_ADDRESS, parseMac } from "./address.ts";
import { clientPacket, readServerMessage } from "./client.ts";
import { checkInterface, openOnInterface } from "./interface_socket.ts";
import { encodePacket } from "./packet.ts";

interface OtherDhcpServer {
  /** Option 54 of its offer. */
  readonly serverId: Ipv4;
  /** The address that it offered to this machine. */
  readonly offered: Ipv4;
}

const CLIENT_PORT = 68;
const SERVER_PORT = 67;

/** A broadcast may be lost, or the switch port may have just come up. */
const REPEAT_MS = 1_000;

/**
 * Asks for an address on the interface, as a client would, and returns the DHCP server that offers one first;
 * undefined if none does within `timeoutMs`. The offer is not taken up. Call this before starting a server there.
 * `address` is the interface's own. Throws a RackseedError if the interface or UDP port 68 is not available.
 */
export async function findOtherDhcpServer(device: string, { address, timeoutMs = 3_000, signal }: {
  address: Ipv4;
  timeoutMs?: number;
  signal?: AbortSignal;
}): Promise<OtherDhcpServer | undefined> {
  const mac = parseMac(checkInterface(device, address));
  const [xid] = crypto.getRandomValues(new Uint32Array(1)) as Uint32Array & [number];
  const discover = encodePacket(clientPacket({ mac, xid }));
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
      const message = readServerMessage(datagram.bytes, { mac, xid });
      if (message?.kind === "offer") return { serverId: message.serverId, offered: message.address };
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
