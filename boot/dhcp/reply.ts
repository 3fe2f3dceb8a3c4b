/** What the answers of the DHCP server and of the proxy have in common. */
import { BROADCAST, type Ipv4, NO_ADDRESS } from "./address.ts";
import type { BootAnswer } from "./boot_client.ts";
import { type DhcpPacket, MAX_FILE_LENGTH } from "./packet.ts";

export interface Destination {
  readonly hostname: Ipv4;
  readonly port: number;
}

export const PORT = { server: 67, client: 68 } as const;
export const BROADCAST_ON_LINK: Destination = { hostname: BROADCAST, port: PORT.client };

/** An answer without content: the fields that a server copies from the request (RFC 2131 §4.3.1, table 3). */
export function replyTo({ xid, broadcast, ciaddr, giaddr, mac, infiniband }: DhcpPacket): DhcpPacket {
  return {
    op: "reply",
    hops: 0,
    xid,
    secs: 0,
    broadcast,
    ciaddr,
    yiaddr: NO_ADDRESS,
    siaddr: NO_ADDRESS,
    giaddr,
    mac,
    ...(infiniband && { infiniband }),
    sname: "",
    file: "",
    options: new Map(),
  };
}

/**
 * RFC 2131 §4.1. If the client has no address yet, the answer is broadcast whatever its flag says: the kernel cannot
 * send to an address that does not answer ARP, and §4.1 allows it.
 */
export function destination({ giaddr, ciaddr }: DhcpPacket): Destination {
  if (giaddr !== NO_ADDRESS) return { hostname: giaddr, port: PORT.server };
  if (ciaddr !== NO_ADDRESS) return { hostname: ciaddr, port: PORT.client };
  return BROADCAST_ON_LINK;
}

/** `file` is preferred to option 67, which some ROMs read past its end. Only a longer name goes there. */
export function bootFields(
  boot: BootAnswer | undefined,
  { server }: { server: Ipv4 },
): { readonly siaddr: Ipv4; readonly file: string; readonly bootFile: string | undefined } {
  if (boot === undefined) return { siaddr: NO_ADDRESS, file: "", bootFile: undefined };
  const siaddr = boot.nextServer ?? server;
  return boot.file.length <= MAX_FILE_LENGTH
    ? { siaddr, file: boot.file, bootFile: undefined }
    : { siaddr, file: "", bootFile: boot.file };
}
