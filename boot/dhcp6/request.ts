import { createHash } from "node:crypto";
import { type MacAddress, macOfBytes } from "../dhcp/address.ts";
import { architectureOf, type BootClient, isHttpArchitecture } from "../dhcp/boot_client.ts";
import { type Ipv6, ipv6OfBytes, isLinkLocal, macInAddress } from "./address.ts";
import {
  decodeIaNa,
  decodeMessage,
  Dhcp6FormatError,
  type Dhcp6Message,
  type IaNa,
  MESSAGE,
  OPTION,
  optionOf,
} from "./message.ts";
import { linkOf, type Relayed, unwrap } from "./relay.ts";

/** What a request reveals about a machine. Its MAC address is not in the protocol, and may stay unknown. */
export interface Dhcp6Client extends Omit<BootClient, "mac"> {
  readonly mac?: MacAddress;
  /** The client's identifier, as text: a key for its address if its MAC address is not known. */
  readonly duid: string;
}

/** The messages of clients. */
type Dhcp6Intent = Exclude<
  keyof typeof MESSAGE,
  "advertise" | "reply" | "relayForward" | "relayReply"
>;

/** A client's message, parsed once. */
export interface Dhcp6Request {
  readonly message: Dhcp6Message;
  readonly intent: Dhcp6Intent;
  readonly client: Dhcp6Client;
  readonly associations: readonly IaNa[];
  readonly hops: Relayed["hops"];
  /** The client's link, if a relay names it. */
  readonly link: Ipv6 | undefined;
}

const INTENTS = new Map<number, Dhcp6Intent>(
  ([
    "solicit",
    "request",
    "confirm",
    "renew",
    "rebind",
    "release",
    "decline",
    "informationRequest",
  ] as const).map((intent) => [MESSAGE[intent], intent]),
);

/** Of DUIDs, RFC 8415 §11. */
const DUID_LLT = 1, DUID_LL = 3, ETHERNET = 1;
/** §11.1: a type of 2 bytes and at most 128 more. */
const MAX_DUID_BYTES = 130;

/** `source`: the sender's address. Throws a Dhcp6FormatError. */
export function parseRequest(bytes: Uint8Array, source: Ipv6): Dhcp6Request {
  const { message: inner, hops } = unwrap(bytes);
  const message = decodeMessage(inner);
  const intent = INTENTS.get(message.type);
  if (intent === undefined) throw new Dhcp6FormatError(`clients do not send message type ${message.type}`);
  const duid = optionOf(message.options, OPTION.clientId);
  // §16: every message but this one names its client
  if (duid === undefined && intent !== "informationRequest") {
    throw new Dhcp6FormatError("the message has no client identifier");
  }
  if (duid !== undefined && (duid.length < 3 || duid.length > MAX_DUID_BYTES)) {
    throw new Dhcp6FormatError(`a client identifier of ${duid.length} bytes`);
  }
  const associations = message.options.filter(([code]) => code === OPTION.iaNa)
    .map(([, value]) => decodeIaNa(value));
  const nearest = hops.at(-1);
  const sender = nearest ? ipv6OfBytes(nearest.peerAddress) : source;
  const mac = relayedMac(nearest) ?? senderMac(sender) ?? duidMac(duid);
  return {
    message,
    intent,
    client: { ...bootClientOf(message), ...(mac && { mac }), duid: (duid ?? new Uint8Array()).toHex() },
    associations,
    hops,
    link: linkOf(hops),
  };
}

/** Client link-layer address option, RFC 6939: hardware type u16, address. */
function relayedMac(hop: Relayed["hops"][number] | undefined): MacAddress | undefined {
  const value = hop && optionOf(hop.options, OPTION.clientLinkLayerAddress);
  return value?.length === 8 && value[1] === ETHERNET ? macOfBytes(value.subarray(2)) : undefined;
}

/** Firmware, iPXE and the kernel make their link-local address of the MAC address of the very NIC. */
function senderMac(sender: Ipv6): MacAddress | undefined {
  return isLinkLocal(sender) ? macInAddress(sender) : undefined;
}

/** DUID-LLT: type u16, hardware u16, time u32, address. DUID-LL: the same without the time. Of any NIC of the machine. */
function duidMac(duid: Uint8Array | undefined): MacAddress | undefined {
  if (duid === undefined || duid[0] !== 0 || duid[2] !== 0 || duid[3] !== ETHERNET) return undefined;
  const at = duid[1] === DUID_LLT ? 8 : duid[1] === DUID_LL ? 4 : undefined;
  return at !== undefined && duid.length === at + 6 ? macOfBytes(duid.subarray(at)) : undefined;
}

function bootClientOf({ options }: Dhcp6Message): Omit<BootClient, "mac"> {
  const [high, low] = optionOf(options, OPTION.clientArchitecture) ?? [];
  const code = high === undefined || low === undefined ? undefined : high << 8 | low;
  const ipxe = userClasses(options).includes("iPXE");
  const vendorClass = vendorClassOf(options)?.name ?? "";
  const http = !ipxe &&
    (vendorClass.startsWith("HTTPClient") || (code !== undefined && isHttpArchitecture(code)));
  return {
    arch: code === undefined ? "unknown" : architectureOf(code),
    http,
    ipxe,
    pxe: ipxe || http || vendorClass.startsWith("PXEClient"),
  };
}

/** User class option, §21.15: { length u16, class } … */
function userClasses(options: Dhcp6Message["options"]): string[] {
  return lengthPrefixed(optionOf(options, OPTION.userClass) ?? new Uint8Array());
}

/** Vendor class option, §21.16: enterprise number u32, then { length u16, class } … */
export function vendorClassOf(
  options: Dhcp6Message["options"],
): { readonly enterprise: Uint8Array; readonly name: string } | undefined {
  const value = optionOf(options, OPTION.vendorClass);
  if (value === undefined || value.length < 4) return undefined;
  return { enterprise: value.subarray(0, 4), name: lengthPrefixed(value.subarray(4))[0] ?? "" };
}

/** Stops at a length that runs past the end. */
function lengthPrefixed(bytes: Uint8Array): string[] {
  const texts: string[] = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const end = at + 2 + (bytes[at]! << 8 | bytes[at + 1]!);
    if (end > bytes.length) break;
    texts.push(String.fromCharCode(...bytes.subarray(at + 2, end)));
    at = end;
  }
  return texts;
}

/** An interface identifier for a client whose MAC address is not known, or whose usual address another machine has. */
export function hashedInterfaceId(key: string, attempt: number): Uint8Array<ArrayBuffer> {
  const id = Uint8Array.from(createHash("sha256").update(`${key} ${attempt}`).digest().subarray(0, 8));
  // the bit that says "made of a globally unique MAC address" (RFC 4291, appendix A)
  id[0]! &= ~2;
  return id;
}
