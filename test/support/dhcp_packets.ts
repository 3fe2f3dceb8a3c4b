import { bytesOfIpv4, NO_ADDRESS, parseIpv4, parseMac } from "../../boot/dhcp/address.ts";
import { OPTION } from "../../boot/dhcp/options.ts";
import type { DhcpPacket } from "../../boot/dhcp/packet.ts";

/** Message types of RFC 2132 §9.6. */
export const TYPE = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8 };

export interface ClientPacket {
  readonly type: number;
  readonly mac?: string;
  readonly requested?: string;
  readonly serverId?: string;
  readonly ciaddr?: string;
  readonly giaddr?: string;
  readonly broadcast?: boolean;
  readonly xid?: number;
  readonly options?: Iterable<readonly [number, Uint8Array]>;
}

/** A client's packet with what a test is about, all else at rest. */
export function clientPacket(about: ClientPacket): DhcpPacket {
  const address = (text?: string) => text === undefined ? NO_ADDRESS : parseIpv4(text);
  const options = new Map<number, Uint8Array>([[OPTION.messageType, Uint8Array.of(about.type)]]);
  if (about.requested) options.set(OPTION.requestedAddress, bytesOfIpv4(parseIpv4(about.requested)));
  if (about.serverId) options.set(OPTION.serverId, bytesOfIpv4(parseIpv4(about.serverId)));
  for (const [code, value] of about.options ?? []) options.set(code, value);
  return {
    op: "request",
    hops: 0,
    xid: about.xid ?? 0x12345678,
    secs: 0,
    broadcast: about.broadcast ?? false,
    ciaddr: address(about.ciaddr),
    yiaddr: NO_ADDRESS,
    siaddr: NO_ADDRESS,
    giaddr: address(about.giaddr),
    mac: parseMac(about.mac ?? "52:54:00:00:00:01"),
    sname: "",
    file: "",
    options,
  };
}
