import { type MacAddress, macOfBytes } from "../dhcp/address.ts";

/** An ICMPv6 message as the socket delivers it. The kernel has checked its checksum. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  /** The sender's IPv6 address, 16 bytes. */
  readonly source: Uint8Array;
  readonly hopLimit: number;
}

/** A valid router solicitation. */
export interface RouterSolicitation {
  readonly source: Uint8Array;
  /** From its source link-layer address option, or from its link-local address if that was made of a MAC. */
  readonly mac?: MacAddress;
}

export class NdpFormatError extends Error {
  override readonly name = "NdpFormatError";
}

export const ROUTER_SOLICITATION = 133;
const HEADER_BYTES = 8;
/** The unit of an option's length (RFC 4861 §4.6). */
const OPTION_UNIT_BYTES = 8;
const SOURCE_LINK_LAYER_ADDRESS = 1;

/**
 * Decodes a router solicitation, RFC 4861 §4.1, and refuses what §6.1.1 says to discard:
 *
 *     type u8 133, code u8 0, checksum u16, reserved u32, options: { type u8, length u8 in units of 8 bytes, … }
 *
 * @throws NdpFormatError
 */
export function decodeSolicitation({ bytes, source, hopLimit }: ReceivedMessage): RouterSolicitation {
  // A router lowers it, so 255 proves that the sender is on this link.
  if (hopLimit !== 255) throw new NdpFormatError(`hop limit ${hopLimit}, not 255`);
  if (bytes.length < HEADER_BYTES) throw new NdpFormatError(`${bytes.length} bytes are too few`);
  if (bytes[0] !== ROUTER_SOLICITATION || bytes[1] !== 0) {
    throw new NdpFormatError(`type ${bytes[0]} and code ${bytes[1]} are no router solicitation`);
  }
  let linkLayerAddress: Uint8Array | undefined;
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const length = (bytes[at + 1] ?? 0) * OPTION_UNIT_BYTES;
    if (length === 0 || at + length > bytes.length) throw new NdpFormatError("an option has a wrong length");
    if (bytes[at] === SOURCE_LINK_LAYER_ADDRESS) linkLayerAddress = bytes.slice(at + 2, at + length);
    at += length;
  }
  if (source.every((byte) => byte === 0) && linkLayerAddress !== undefined) {
    throw new NdpFormatError("it has a link-layer address, but no source address");
  }
  // An Ethernet address fills its option (RFC 2464 §6); InfiniBand's is longer.
  const mac = linkLayerAddress?.length === 6 ? macOfBytes(linkLayerAddress) : macOfLinkLocal(source);
  return { source, ...(mac !== undefined && { mac }) };
}

/** Whether an address is in fe80::/10 (RFC 4291 §2.5.6). */
export function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
}

/** The MAC in a link-local address with a modified EUI-64 (RFC 4291, appendix A), as iPXE makes it. */
function macOfLinkLocal(address: Uint8Array): MacAddress | undefined {
  if (!isLinkLocal(address) || address[11] !== 0xff || address[12] !== 0xfe) return undefined;
  return macOfBytes(Uint8Array.of((address[8] ?? 0) ^ 2, ...address.slice(9, 11), ...address.slice(13, 16)));
}
