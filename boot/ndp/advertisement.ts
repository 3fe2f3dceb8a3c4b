import { bytesOfIpv6, type Ipv6Prefix } from "../dhcp6/address.ts";

const ROUTER_ADVERTISEMENT = 134;
const PREFIX_INFORMATION = 3;
/** RFC 4861 §4.2: addresses (M) and other settings (O) by DHCPv6. */
const BY_DHCPV6 = 0xc0;
/** §4.6.2: who has an address in the prefix is on the link (L); hosts without DHCPv6 may make one of it (A). */
const ON_LINK = 0x80, AUTONOMOUS = 0x40;
/** RFC 4862 §5.5.3: with any other length a host makes no address. */
const INTERFACE_PREFIX_BITS = 64;
/** §6.2.1, AdvValidLifetime and AdvPreferredLifetime: 30 and 7 days. */
const VALID_SECONDS = 2_592_000, PREFERRED_SECONDS = 604_800;

/**
 * A router advertisement, RFC 4861 §4.2. The kernel fills in the checksum.
 *
 *     type u8 134, code u8, checksum u16, hop limit u8, flags u8, lifetime u16, reachable time u32, retransmission u32
 *
 * Lifetime 0: not a default router. Hop limit and times 0: not specified, so a host keeps the values that it has
 * (§6.3.4). Without a link to announce it offers nothing: no DHCPv6, and no prefix.
 *
 * `link`: the prefix of the link, where addresses come by DHCPv6 from this server.
 */
export function encodeAdvertisement(link?: Ipv6Prefix): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(16);
  header[0] = ROUTER_ADVERTISEMENT;
  if (link === undefined) return header;
  header[5] = BY_DHCPV6;
  return Uint8Array.of(...header, ...prefixInformation(link));
}

/** type u8 3, length u8 4, prefix length u8, flags u8, valid u32, preferred u32, reserved u32, prefix 16 bytes */
function prefixInformation({ network, length }: Ipv6Prefix): Uint8Array {
  const option = new DataView(new ArrayBuffer(32));
  option.setUint8(0, PREFIX_INFORMATION);
  option.setUint8(1, 4);
  option.setUint8(2, length);
  option.setUint8(3, length === INTERFACE_PREFIX_BITS ? ON_LINK | AUTONOMOUS : ON_LINK);
  option.setUint32(4, VALID_SECONDS);
  option.setUint32(8, PREFERRED_SECONDS);
  const bytes = new Uint8Array(option.buffer);
  bytes.set(bytesOfIpv6(network), 16);
  return bytes;
}
