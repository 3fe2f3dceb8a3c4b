const ROUTER_ADVERTISEMENT = 134;

/**
 * A router advertisement that offers nothing, RFC 4861 §4.2. The kernel fills in the checksum.
 *
 *     type u8 134, code u8, checksum u16, hop limit u8, flags u8, lifetime u16, reachable time u32, retransmission u32
 *
 * Everything but the type is 0. Lifetime 0: not a default router. Flags 0: no DHCPv6. The others: not specified, so a
 * host keeps the values that it has (§6.3.4). There are no options, so no prefix.
 */
export function encodeEmptyAdvertisement(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  bytes[0] = ROUTER_ADVERTISEMENT;
  return bytes;
}
