import { descriptorOf, enlargeReceiveBuffer, ownSockets } from "./socket_descriptor.ts";

/** The other end of a datagram. */
export interface UdpPeer {
  readonly hostname: string;
  readonly port: number;
}

interface Datagram {
  /** A view into the buffer passed to `receive`: valid until that buffer is used again. */
  readonly bytes: Uint8Array;
  readonly from: UdpPeer;
}

/** One bound UDP socket. Services take this port instead of a socket, so that a test can drop datagrams. */
export interface UdpPort {
  readonly port: number;
  /** The next datagram, truncated to the size of `into`; undefined once the port is closed. */
  receive(into: Uint8Array<ArrayBuffer>): Promise<Datagram | undefined>;
  send(bytes: Uint8Array, to: UdpPeer): Promise<void>;
  close(): void;
}

interface UdpBinding extends UdpPeer {
  /** SO_REUSEADDR: let several sockets share the port. */
  readonly reuseAddress?: boolean;
  /** Of the kernel's receive buffer, at least. */
  readonly receiveBytes?: number;
}

export type OpenUdpPort = (binding: UdpBinding) => UdpPort;

/**
 * Binds a UDP socket that may send broadcasts; port 0 picks a free port.
 * Throws the system's error: Deno.errors.AddrInUse, AddrNotAvailable, PermissionDenied.
 */
export function openUdpPort({ hostname, port, reuseAddress = false, receiveBytes }: UdpBinding): UdpPort {
  const before = receiveBytes === undefined ? undefined : new Set(ownSockets().keys());
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress });
  const { port: bound } = socket.addr as Deno.NetAddr;
  if (receiveBytes !== undefined && before !== undefined) {
    enlargeReceiveBuffer(descriptorOf({ protocol: "udp", port: bound }, before), receiveBytes);
  }
  let closed = false;
  return {
    port: bound,
    async receive(into) {
      try {
        const [bytes, from] = await socket.receive(into);
        return { bytes, from: from as Deno.NetAddr };
      } catch (error) {
        if (closed) return undefined;
        throw error;
      }
    },
    async send(bytes, { hostname, port }) {
      await socket.send(bytes, { transport: "udp", hostname, port });
    },
    close() {
      if (closed) return;
      closed = true;
      socket.close();
    },
  };
}
