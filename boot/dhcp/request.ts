import { type Ipv4, ipv4OfBytes, NO_ADDRESS } from "./address.ts";
import { architectureOf, type BootClient, isHttpArchitecture } from "./boot_client.ts";
import { DhcpFormatError, type DhcpOptions, MESSAGE_TYPE, OPTION } from "./options.ts";
import { type DhcpPacket, latin1 } from "./packet.ts";
import { type Relayed, relayedBy } from "./relay.ts";

/**
 * What a client wants, RFC 2131 §4.3. A REQUEST may be sent in four states (§4.3.2), which are distinguished here;
 * RENEWING and REBINDING differ only in how the packet was sent, and get the same answer. "accept" is none of the
 * four: a REQUEST that names neither server nor address (as npm's `dhcp` sends) can only mean the last offer.
 */
export type DhcpIntent =
  | { readonly kind: "discover"; readonly requested?: Ipv4 }
  | { readonly kind: "select"; readonly serverId: Ipv4; readonly requested: Ipv4 }
  | { readonly kind: "accept" }
  | { readonly kind: "init-reboot"; readonly requested: Ipv4 }
  | { readonly kind: "renew"; readonly address: Ipv4 }
  | { readonly kind: "decline"; readonly serverId: Ipv4; readonly address: Ipv4 }
  | { readonly kind: "release"; readonly serverId: Ipv4; readonly address: Ipv4 }
  | { readonly kind: "inform"; readonly address: Ipv4 };

/** A client's packet, parsed once. */
export interface DhcpRequest {
  readonly packet: DhcpPacket;
  readonly intent: DhcpIntent;
  readonly client: BootClient;
  readonly relayed: Relayed;
}

/** Throws a DhcpFormatError if the packet is not from a client, or lacks what its message type requires. */
export function parseRequest(packet: DhcpPacket): DhcpRequest {
  if (packet.op !== "request") throw new DhcpFormatError("not from a client");
  return { packet, intent: intentOf(packet), client: bootClientOf(packet), relayed: relayedBy(packet) };
}

function intentOf({ options, ciaddr }: DhcpPacket): DhcpIntent {
  const requested = addressIn(options, OPTION.requestedAddress);
  const serverId = addressIn(options, OPTION.serverId);
  const type = options.get(OPTION.messageType)?.[0];
  switch (type) {
    case MESSAGE_TYPE.discover:
      return { kind: "discover", ...(requested && { requested }) };
    case MESSAGE_TYPE.request:
      // A client that asks a boot server by name may give its address in ciaddr only.
      if (serverId) {
        return {
          kind: "select",
          serverId,
          requested: required(requested ?? nonZero(ciaddr), "requested address"),
        };
      }
      if (requested) return { kind: "init-reboot", requested };
      return ciaddr === NO_ADDRESS ? { kind: "accept" } : { kind: "renew", address: ciaddr };
    case MESSAGE_TYPE.decline:
      return {
        kind: "decline",
        serverId: required(serverId, "server identifier"),
        address: required(requested, "requested address"),
      };
    case MESSAGE_TYPE.release:
      return {
        kind: "release",
        serverId: required(serverId, "server identifier"),
        address: required(nonZero(ciaddr), "ciaddr"),
      };
    case MESSAGE_TYPE.inform:
      return { kind: "inform", address: required(nonZero(ciaddr), "ciaddr") };
    default:
      throw new DhcpFormatError(`clients do not send message type ${type}`);
  }
}

function bootClientOf({ mac, options }: DhcpPacket): BootClient {
  const vendorClass = latin1(options.get(OPTION.vendorClass) ?? new Uint8Array());
  const ipxe = options.has(OPTION.ipxe) || userClasses(options.get(OPTION.userClass)).includes("iPXE");
  const code = architectureCode(options.get(OPTION.clientArchitecture));
  const http = !ipxe &&
    (vendorClass.startsWith("HTTPClient") || (code !== undefined && isHttpArchitecture(code)));
  const pxe = ipxe || http || vendorClass.startsWith("PXEClient");
  const uuid = uuidOf(options.get(OPTION.clientUuid));
  return {
    mac,
    ...(uuid !== undefined && { uuid }),
    // A PXE ROM older than option 93 is a BIOS ROM.
    arch: code !== undefined ? architectureOf(code) : pxe ? "bios" : "unknown",
    http,
    ipxe,
    pxe,
  };
}

/** Option 93 is a list of 16-bit codes; firmware sends just one (RFC 4578 §2.1). */
function architectureCode(value: Uint8Array | undefined): number | undefined {
  const [high, low] = value ?? [];
  return high === undefined || low === undefined ? undefined : high << 8 | low;
}

/** RFC 3004 §4: `length class` pairs. iPXE omits the length, so a value that does not parse is one class. */
export function userClasses(value: Uint8Array = new Uint8Array()): string[] {
  const classes: string[] = [];
  for (let at = 0; at < value.length;) {
    const length = value[at] as number;
    if (length === 0 || at + 1 + length > value.length) return [latin1(value)];
    classes.push(latin1(value.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return classes;
}

/**
 * Option 97: a zero byte, then a 16-byte UUID whose first three fields are little-endian (RFC 4578 §2.3, as in EFI
 * and SMBIOS). Boards without a UUID send all zeros or all ones.
 */
export function uuidOf(value: Uint8Array | undefined): string | undefined {
  if (value?.length !== 17 || value[0] !== 0) return undefined;
  const bytes = value.subarray(1);
  if (bytes.every((byte) => byte === 0) || bytes.every((byte) => byte === 0xff)) return undefined;
  const order = [[3, 2, 1, 0], [5, 4], [7, 6], [8, 9], [10, 11, 12, 13, 14, 15]];
  return order.map((group) => group.map((at) => (bytes[at] as number).toString(16).padStart(2, "0")).join(""))
    .join("-");
}

function addressIn(options: DhcpOptions, code: number): Ipv4 | undefined {
  const value = options.get(code);
  if (value === undefined) return undefined;
  if (value.length !== 4) throw new DhcpFormatError(`option ${code} is not a single address`);
  return ipv4OfBytes(value);
}

function nonZero(address: Ipv4): Ipv4 | undefined {
  return address === NO_ADDRESS ? undefined : address;
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new DhcpFormatError(`the message has no ${name}`);
  return value;
}
