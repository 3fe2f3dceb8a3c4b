import { type Ipv4, ipv4OfBytes, NO_ADDRESS } from "./address.ts";
import { architectureOf, type BootClient, isHttpArchitecture } from "./boot_client.ts";
import { DhcpFormatError, type DhcpOptions, OPTION } from "./options.ts";
import { type DhcpPacket, latin1 } from "./packet.ts";
import { type Relayed, relayedBy } from "./relay.ts";

/**
 * What a client wants, RFC 2131 §4.3. The four states in which a REQUEST is sent (§4.3.2) are told apart here;
 * RENEWING and REBINDING differ in how the packet was sent only, and are answered alike. "accept" is none of them:
 * a REQUEST that names neither server nor address (npm's `dhcp` sends such), which can only mean the last offer.
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

/** Throws a DhcpFormatError where the packet is no client's, or lacks what its message type needs. */
export function parseRequest(packet: DhcpPacket): DhcpRequest {
  if (packet.op !== "request") throw new DhcpFormatError("not a client's packet");
  return { packet, intent: intentOf(packet), client: bootClientOf(packet), relayed: relayedBy(packet) };
}

function intentOf({ options, ciaddr }: DhcpPacket): DhcpIntent {
  const requested = addressIn(options, OPTION.requestedAddress);
  const serverId = addressIn(options, OPTION.serverId);
  const type = options.get(OPTION.messageType)?.[0];
  switch (type) {
    case 1:
      return { kind: "discover", ...(requested && { requested }) };
    case 3:
      if (serverId) return { kind: "select", serverId, requested: needed(requested, "requested address") };
      if (requested) return { kind: "init-reboot", requested };
      return ciaddr === NO_ADDRESS ? { kind: "accept" } : { kind: "renew", address: ciaddr };
    case 4:
      return {
        kind: "decline",
        serverId: needed(serverId, "server identifier"),
        address: needed(requested, "requested address"),
      };
    case 7:
      return {
        kind: "release",
        serverId: needed(serverId, "server identifier"),
        address: needed(given(ciaddr), "ciaddr"),
      };
    case 8:
      return { kind: "inform", address: needed(given(ciaddr), "ciaddr") };
    default:
      throw new DhcpFormatError(`message type ${type} is not a client's`);
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
    // A PXE ROM older than option 93 is a BIOS's.
    arch: code !== undefined ? architectureOf(code) : pxe ? "bios" : "unknown",
    http,
    ipxe,
    pxe,
  };
}

/** Option 93 is a list of 16-bit codes; firmware sends one (RFC 4578 §2.1). */
function architectureCode(value: Uint8Array | undefined): number | undefined {
  const [high, low] = value ?? [];
  return high === undefined || low === undefined ? undefined : high << 8 | low;
}

/** RFC 3004 §4: `length class` pairs. iPXE writes its name without the length, so a misfit is one class. */
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
 * Option 97: a zero byte and 16 bytes of UUID whose first three fields are little-endian (RFC 4578 §2.3, as EFI
 * and SMBIOS write it). All zeros and all ones are what boards without a UUID send.
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
  if (value.length !== 4) throw new DhcpFormatError(`option ${code} is not one address`);
  return ipv4OfBytes(value);
}

function given(address: Ipv4): Ipv4 | undefined {
  return address === NO_ADDRESS ? undefined : address;
}

function needed<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new DhcpFormatError(`the message lacks its ${name}`);
  return value;
}
