import { bytesOfIpv4, NO_ADDRESS, parseIpv4, parseMac } from "../../boot/dhcp/address.ts";
import { OPTION } from "../../boot/dhcp/options.ts";
import type { DhcpPacket } from "../../boot/dhcp/packet.ts";

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

/** A client's packet with the given fields set and defaults for the rest. */
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
