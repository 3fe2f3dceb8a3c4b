/** DHCP options by code. The parts of a code that occurs several times are joined (RFC 3396 §7). */
export type DhcpOptions = ReadonlyMap<number, Uint8Array>;

/** A malformed packet. */
export class DhcpFormatError extends Error {
  override readonly name = "DhcpFormatError";
}

/** Option codes: RFC 2132, 3004 (77), 3046 (82), 4578 (93, 94, 97), 3011 (118) and iPXE's own 175. */
export const OPTION = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  domainNameServer: 6,
  interfaceMtu: 26,
  vendorSpecific: 43,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  parameterList: 55,
  message: 56,
  vendorClass: 60,
  clientId: 61,
  bootFile: 67,
  userClass: 77,
  relayAgent: 82,
  clientArchitecture: 93,
  clientInterface: 94,
  clientUuid: 97,
  subnetSelection: 118,
  ipxe: 175,
  end: 255,
} as const;

/** Values of option 53, RFC 2132 §9.6. */
export const MESSAGE_TYPE = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

const MAX_PART = 255;

/** Reads the options in one field of the packet, up to the end mark or, without one, the end of the field. */
export function readOptions(area: Uint8Array, into: Map<number, Uint8Array>): void {
  let at = 0;
  while (at < area.length) {
    const code = area[at++] as number;
    if (code === OPTION.pad) continue;
    if (code === OPTION.end) return;
    const length = area[at++];
    if (length === undefined || at + length > area.length) {
      throw new DhcpFormatError(`option ${code} runs past the end of its field`);
    }
    const part = area.slice(at, at + length);
    const before = into.get(code);
    into.set(code, before === undefined ? part : joined(before, part));
    at += length;
  }
}

/**
 * `code length value`, ended by 255. A value of more than 255 bytes is split into consecutive parts with the same
 * code (RFC 3396 §6). The message type comes first, the relay's option last (RFC 3046 §2.2).
 */
export function writeOptions(options: DhcpOptions): number[] {
  const place = (code: number) => code === OPTION.messageType ? -1 : code === OPTION.relayAgent ? 1 : 0;
  const out: number[] = [];
  for (const [code, value] of [...options].sort(([a], [b]) => place(a) - place(b))) {
    for (let at = 0; at === 0 || at < value.length; at += MAX_PART) {
      const part = value.subarray(at, at + MAX_PART);
      out.push(code, part.length, ...part);
    }
  }
  out.push(OPTION.end);
  return out;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
