/** An IPv4 address in dotted-quad notation, without leading zeros. */
export type Ipv4 = string & { readonly brand: "Ipv4" };

/** Six pairs of lower-case hexadecimal digits, separated by colons. */
export type MacAddress = string & { readonly brand: "MacAddress" };

/** 0.0.0.0: "no address" in a DHCP header. */
export const NO_ADDRESS = ipv4OfNumber(0);
export const BROADCAST = ipv4OfNumber(0xffffffff);

/** Throws a TypeError if the text is not an IPv4 address. */
export function parseIpv4(text: string): Ipv4 {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    throw new TypeError(`"${text}" is not an IPv4 address`);
  }
  return text as Ipv4;
}

export function ipv4OfBytes(bytes: Uint8Array): Ipv4 {
  return bytes.join(".") as Ipv4;
}

export function bytesOfIpv4(address: Ipv4): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(address.split("."), Number);
}

/** The address as an unsigned 32-bit number, for counting through ranges. */
export function numberOfIpv4(address: Ipv4): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function ipv4OfNumber(value: number): Ipv4 {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".") as Ipv4;
}

export function sameSubnet(a: Ipv4, { as, netmask }: { as: Ipv4; netmask: Ipv4 }): boolean {
  return ((numberOfIpv4(a) ^ numberOfIpv4(as)) & numberOfIpv4(netmask)) === 0;
}

/** Accepts colons or dashes, and either case; throws a TypeError for anything else. */
export function parseMac(text: string): MacAddress {
  const mac = text.toLowerCase().replaceAll("-", ":");
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) throw new TypeError(`"${text}" is not a MAC address`);
  return mac as MacAddress;
}

export function macOfBytes(bytes: Uint8Array): MacAddress {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":") as MacAddress;
}

export function bytesOfMac(mac: MacAddress): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(mac.split(":"), (pair) => parseInt(pair, 16));
}
