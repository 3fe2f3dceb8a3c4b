import { bytesOfMac, type MacAddress, macOfBytes } from "../dhcp/address.ts";

/** An IPv6 address in the form of RFC 5952: lower case, the longest run of zeros shortened. */
export type Ipv6 = string & { readonly brand: "Ipv6" };

/** A network: its first address and the length of its prefix. */
export interface Ipv6Prefix {
  readonly network: Ipv6;
  readonly length: number;
}

const GROUPS = 8;
const INTERFACE_ID_BYTES = 8;

/**
 * Throws a TypeError if the text is not an IPv6 address. A zone (`%eth0`) is none of it.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseIpv6 } from "./address.ts";
 *
 * assert.equal(parseIpv6("FD00:0:0::01"), "fd00::1");
 * assert.throws(() => parseIpv6("10.0.0.1"), TypeError);
 * ```
 */
export function parseIpv6(text: string): Ipv6 {
  const url = /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text) ? URL.parse(`http://[${text}]/`) : null;
  if (url === null) throw new TypeError(`"${text}" is not an IPv6 address`);
  return url.hostname.slice(1, -1) as Ipv6;
}

export function ipv6OfBytes(bytes: Uint8Array): Ipv6 {
  if (bytes.length !== 2 * GROUPS) throw new RangeError(`${bytes.length} bytes are no IPv6 address`);
  const groups = Array.from({ length: GROUPS }, (_, i) => (bytes[2 * i]! << 8 | bytes[2 * i + 1]!));
  return parseIpv6(groups.map((group) => group.toString(16)).join(":"));
}

export function bytesOfIpv6(address: Ipv6): Uint8Array<ArrayBuffer> {
  const [head = [], tail = []] = address.split("::").map((half) => half === "" ? [] : half.split(":"));
  const zeros = new Array<string>(GROUPS - head.length - tail.length).fill("0");
  const groups = [...head, ...zeros, ...tail].map((group) => parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The network of an address of an interface. */
export function prefixOf(address: Ipv6, length: number): Ipv6Prefix {
  const bytes = bytesOfIpv6(address).map((byte, i) =>
    byte & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i)))
  );
  return { network: ipv6OfBytes(bytes), length };
}

export function isInPrefix(address: Ipv6, { network, length }: Ipv6Prefix): boolean {
  return prefixOf(address, length).network === network;
}

/** Whether an address is in fe80::/10 (RFC 4291 §2.5.6). */
export function isLinkLocal(address: Ipv6): boolean {
  return /^fe[89ab]/.test(address);
}

/** The address of an interface identifier in a network of at most 64 bits (RFC 4291 §2.5.1). */
export function addressIn({ network }: Ipv6Prefix, interfaceId: Uint8Array): Ipv6 {
  const bytes = bytesOfIpv6(network);
  bytes.set(interfaceId.subarray(0, INTERFACE_ID_BYTES), INTERFACE_ID_BYTES);
  return ipv6OfBytes(bytes);
}

/** The modified EUI-64 of a MAC address (RFC 4291, appendix A). */
export function interfaceIdOf(mac: MacAddress): Uint8Array<ArrayBuffer> {
  const bytes = bytesOfMac(mac);
  return Uint8Array.of(bytes[0]! ^ 2, ...bytes.slice(1, 3), 0xff, 0xfe, ...bytes.slice(3));
}

/** The MAC address that an address was made of by `interfaceIdOf`; undefined if it was made in another way. */
export function macInAddress(address: Ipv6): MacAddress | undefined {
  const bytes = bytesOfIpv6(address);
  if (bytes[11] !== 0xff || bytes[12] !== 0xfe) return undefined;
  return macOfBytes(Uint8Array.of(bytes[8]! ^ 2, ...bytes.slice(9, 11), ...bytes.slice(13)));
}
