import { bytesOfIpv4, bytesOfMac, type Ipv4, ipv4OfBytes, type MacAddress, macOfBytes } from "./address.ts";
import { INFINIBAND, macOfClient } from "./infiniband.ts";
import { DhcpFormatError, type DhcpOptions, OPTION, readOptions, writeOptions } from "./options.ts";

/**
 * A DHCP packet of an Ethernet or InfiniBand client, RFC 2131 §2 and RFC 4390:
 *
 *     0 op 1 · 1 htype 1 · 2 hlen 1 · 3 hops 1 · 4 xid 4 · 8 secs 2 · 10 flags 2 · 12 ciaddr 4 · 16 yiaddr 4
 *     20 siaddr 4 · 24 giaddr 4 · 28 chaddr 16 · 44 sname 64 · 108 file 128 · 236 cookie 4 · 240 options
 */
export interface DhcpPacket {
  readonly op: "request" | "reply";
  readonly hops: number;
  readonly xid: number;
  readonly secs: number;
  /** The client asks for broadcast answers. */
  readonly broadcast: boolean;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly siaddr: Ipv4;
  readonly giaddr: Ipv4;
  /** The client's; for InfiniBand the MAC that stands for it. */
  readonly mac: MacAddress;
  /** InfiniBand: the content of chaddr, at most 16 bytes, which a reply repeats. */
  readonly infiniband?: Uint8Array;
  /** Latin-1; empty if option 52 gave the field to options. At most 63 characters can be written. */
  readonly sname: string;
  /** As `sname`. At most 127 characters can be written. */
  readonly file: string;
  readonly options: DhcpOptions;
}

const ETHERNET = { htype: 1, hlen: 6 } as const;
const COOKIE = 0x63825363;
const CHADDR = { at: 28, size: 16 } as const;
const HEADER_BYTES = 240;
const SNAME = { at: 44, size: 64 } as const;
const FILE = { at: 108, size: 128 } as const;
const BROADCAST_FLAG = 0x8000;
/** BOOTP's minimum; PXE ROMs and relays drop shorter packets. */
const MIN_BYTES = 300;
/** The longest name that leaves room for the closing NUL. */
export const MAX_FILE_LENGTH = FILE.size - 1;

/** Throws a DhcpFormatError for anything but a complete DHCP packet for an Ethernet or InfiniBand client. */
export function decodePacket(bytes: Uint8Array): DhcpPacket {
  if (bytes.length < HEADER_BYTES) throw new DhcpFormatError(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const op = view.getUint8(0);
  if (op !== 1 && op !== 2) throw new DhcpFormatError(`op ${op}`);
  const [htype, hlen] = [view.getUint8(1), view.getUint8(2)];
  const isInfiniband = htype === INFINIBAND && hlen <= CHADDR.size;
  if (!isInfiniband && (htype !== ETHERNET.htype || hlen !== ETHERNET.hlen)) {
    throw new DhcpFormatError("not an Ethernet or InfiniBand client");
  }
  if (view.getUint32(236) !== COOKIE) throw new DhcpFormatError("no DHCP cookie");
  const field = ({ at, size }: { at: number; size: number }) => bytes.subarray(at, at + size);
  const options = new Map<number, Uint8Array>();
  readOptions(bytes.subarray(HEADER_BYTES), options);
  // RFC 2132 §9.3: 1 gives `file` to options, 2 `sname`, 3 both; RFC 3396 §5: `file` is read first.
  const overload = options.get(OPTION.overload)?.[0] ?? 0;
  options.delete(OPTION.overload);
  if (overload & 1) readOptions(field(FILE), options);
  if (overload & 2) readOptions(field(SNAME), options);
  options.delete(OPTION.overload);
  const chaddr = bytes.slice(CHADDR.at, CHADDR.at + hlen);
  const address = (at: number) => ipv4OfBytes(bytes.subarray(at, at + 4));
  return {
    op: op === 1 ? "request" : "reply",
    hops: view.getUint8(3),
    xid: view.getUint32(4),
    secs: view.getUint16(8),
    broadcast: (view.getUint16(10) & BROADCAST_FLAG) !== 0,
    ciaddr: address(12),
    yiaddr: address(16),
    siaddr: address(20),
    giaddr: address(24),
    mac: isInfiniband ? macOfClient(chaddr, options.get(OPTION.clientId)) : macOfBytes(chaddr),
    ...(isInfiniband && { infiniband: chaddr }),
    sname: overload & 2 ? "" : latin1(field(SNAME)),
    file: overload & 1 ? "" : latin1(field(FILE)),
    options,
  };
}

/** The packet, padded to 300 bytes. Throws a RangeError if `sname` or `file` does not fit its field. */
export function encodePacket(packet: DhcpPacket): Uint8Array<ArrayBuffer> {
  const options = writeOptions(packet.options);
  const bytes = new Uint8Array(Math.max(MIN_BYTES, HEADER_BYTES + options.length));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, packet.op === "request" ? 1 : 2);
  const chaddr = packet.infiniband ?? bytesOfMac(packet.mac);
  view.setUint8(1, packet.infiniband ? INFINIBAND : ETHERNET.htype);
  view.setUint8(2, chaddr.length);
  view.setUint8(3, packet.hops);
  view.setUint32(4, packet.xid);
  view.setUint16(8, packet.secs);
  view.setUint16(10, packet.broadcast ? BROADCAST_FLAG : 0);
  bytes.set(bytesOfIpv4(packet.ciaddr), 12);
  bytes.set(bytesOfIpv4(packet.yiaddr), 16);
  bytes.set(bytesOfIpv4(packet.siaddr), 20);
  bytes.set(bytesOfIpv4(packet.giaddr), 24);
  bytes.set(chaddr, CHADDR.at);
  writeText(bytes, packet.sname, SNAME);
  writeText(bytes, packet.file, FILE);
  view.setUint32(236, COOKIE);
  bytes.set(options, HEADER_BYTES);
  return bytes;
}

function writeText(bytes: Uint8Array, text: string, { at, size }: { at: number; size: number }): void {
  if (text.length >= size) throw new RangeError(`"${text}" does not fit a field of ${size} bytes`);
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

/** Latin-1 text up to the first NUL. */
export function latin1(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
}
