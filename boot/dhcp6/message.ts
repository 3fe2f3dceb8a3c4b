/** DHCPv6 messages as bytes, RFC 8415 §8, §9 and §21.1. */

/** A malformed message. */
export class Dhcp6FormatError extends Error {
  override readonly name = "Dhcp6FormatError";
}

/** Message types, RFC 8415 §7.3. */
export const MESSAGE = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  informationRequest: 11,
  relayForward: 12,
  relayReply: 13,
} as const;

/** Option codes: RFC 8415 §21, 3646 (23), 5970 (59, 61), 6939 (79). */
export const OPTION = {
  clientId: 1,
  serverId: 2,
  iaNa: 3,
  iaAddress: 5,
  optionRequest: 6,
  preference: 7,
  elapsedTime: 8,
  relayMessage: 9,
  statusCode: 13,
  rapidCommit: 14,
  userClass: 15,
  vendorClass: 16,
  interfaceId: 18,
  dnsServers: 23,
  bootFileUrl: 59,
  clientArchitecture: 61,
  clientLinkLayerAddress: 79,
} as const;

/** RFC 8415 §21.13. */
export const STATUS = { success: 0, noAddresses: 2, noBinding: 3, notOnLink: 4 } as const;

/** A code may occur several times, so this is a list. Values are views into the message. */
export type Dhcp6Options = readonly (readonly [code: number, value: Uint8Array])[];

/** Between client and server. */
export interface Dhcp6Message {
  readonly type: number;
  /** 24 bits. */
  readonly transaction: number;
  readonly options: Dhcp6Options;
}

/** More than any client sends; it bounds what one datagram can make us do. */
const MAX_OPTIONS = 128;

/**
 *     msg-type u8, transaction-id u24, options: { code u16, length u16, value } …
 *
 * @throws Dhcp6FormatError
 */
export function decodeMessage(bytes: Uint8Array): Dhcp6Message {
  if (bytes.length < 4) throw new Dhcp6FormatError(`${bytes.length} bytes are too few`);
  const [type = 0, high = 0, middle = 0, low = 0] = bytes;
  return { type, transaction: high << 16 | middle << 8 | low, options: decodeOptions(bytes.subarray(4)) };
}

export function encodeMessage({ type, transaction, options }: Dhcp6Message): Uint8Array<ArrayBuffer> {
  const header = [type, transaction >> 16 & 0xff, transaction >> 8 & 0xff, transaction & 0xff];
  return Uint8Array.of(...header, ...encodeOptions(options));
}

/** @throws Dhcp6FormatError */
export function decodeOptions(bytes: Uint8Array): Dhcp6Options {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const options: [number, Uint8Array][] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) throw new Dhcp6FormatError("an option has no length");
    const code = view.getUint16(at), end = at + 4 + view.getUint16(at + 2);
    if (end > bytes.length) throw new Dhcp6FormatError(`option ${code} runs past the end`);
    if (options.length >= MAX_OPTIONS) throw new Dhcp6FormatError(`more than ${MAX_OPTIONS} options`);
    options.push([code, bytes.subarray(at + 4, end)]);
    at = end;
  }
  return options;
}

export function encodeOptions(options: Dhcp6Options): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(options.flatMap(([code, value]) => [...u16(code), ...u16(value.length), ...value]));
}

/** The value of the first option with this code. */
export function optionOf(options: Dhcp6Options, code: number): Uint8Array | undefined {
  return options.find(([other]) => other === code)?.[1];
}

export function u16(value: number): [number, number] {
  return [value >> 8 & 0xff, value & 0xff];
}

function u32(value: number): [number, number, number, number] {
  return [value >>> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff];
}

/** Status code option, §21.13. */
export function status(code: number, text = ""): readonly [number, Uint8Array] {
  return [OPTION.statusCode, Uint8Array.of(...u16(code), ...new TextEncoder().encode(text))];
}

/** An identity association for an address, §21.4. */
export interface IaNa {
  readonly iaid: number;
  readonly options: Dhcp6Options;
}

/**
 *     IAID u32, T1 u32, T2 u32, options
 *
 * @throws Dhcp6FormatError
 */
export function decodeIaNa(value: Uint8Array): IaNa {
  if (value.length < 12) throw new Dhcp6FormatError("an IA_NA is too short");
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return { iaid: view.getUint32(0), options: decodeOptions(value.subarray(12)) };
}

export function encodeIaNa(
  { iaid, options }: IaNa,
  { t1, t2 }: { t1: number; t2: number } = { t1: 0, t2: 0 },
): readonly [number, Uint8Array] {
  return [OPTION.iaNa, Uint8Array.of(...u32(iaid), ...u32(t1), ...u32(t2), ...encodeOptions(options))];
}

/** An address with its lifetimes, §21.6: address 16 bytes, preferred lifetime u32, valid lifetime u32, options. */
export function iaAddress(
  address: Uint8Array,
  seconds: number,
): readonly [number, Uint8Array] {
  return [OPTION.iaAddress, Uint8Array.of(...address, ...u32(seconds), ...u32(seconds))];
}
