/**
 * Announcements of switches: LLDP (IEEE 802.1AB-2016 §8). A frame has the EtherType 88CCh, then TLVs: type in 7 bits,
 * length in 9 bits, value. The first three are chassis, port and time to live, in this order. Pure.
 */
import type { Neighbour } from "#contract/api/hardware.ts";

export const LLDP_ETHERTYPE = 0x88cc;
const VLAN_ETHERTYPE = 0x8100;
const TYPE_AT = 12;
const TLV = {
  end: 0,
  chassis: 1,
  port: 2,
  timeToLive: 3,
  portDescription: 4,
  systemName: 5,
  managementAddress: 8,
  organization: 127,
} as const;
const MAC_CHASSIS = 4, NETWORK_CHASSIS = 5, MAC_PORT = 3, NETWORK_PORT = 4;
/** IANA address family numbers. */
const FAMILY_IPV4 = 1, FAMILY_IPV6 = 2;
/** 00-80-C2, subtype 1: the VLAN of untagged frames (IEEE 802.1Q Annex D.2.1). */
const PORT_VLAN = [0x00, 0x80, 0xc2, 1];
const MAX_TEXT = 255;

/** What an Ethernet frame announces; undefined if it is no LLDP frame, is damaged, or says that its sender goes away. */
export function parseLldp(frame: Uint8Array): Neighbour | undefined {
  const body = bodyOf(frame), tlvs = body && tlvsOf(body);
  const [chassis, port, timeToLive, ...others] = tlvs ?? [];
  if (chassis?.type !== TLV.chassis || port?.type !== TLV.port || timeToLive?.type !== TLV.timeToLive) {
    return undefined;
  }
  const [high = 0, low = 0] = timeToLive.value;
  if (high === 0 && low === 0) return undefined;
  const value = (type: number) => others.find((tlv) => tlv.type === type)?.value;
  const portDescription = textOf(value(TLV.portDescription));
  const system = textOf(value(TLV.systemName));
  const address = managementAddress(value(TLV.managementAddress));
  const vlan = vlanOf(others);
  const found = {
    chassis: idOf(chassis.value, { mac: MAC_CHASSIS, network: NETWORK_CHASSIS }),
    port: idOf(port.value, { mac: MAC_PORT, network: NETWORK_PORT }),
  };
  if (found.chassis === undefined || found.port === undefined) return undefined;
  // some name the port only in its description
  const isMac = port.value[0] === MAC_PORT;
  return {
    chassis: found.chassis,
    port: isMac && portDescription !== undefined ? portDescription : found.port,
    ...(system !== undefined && { system }),
    ...(portDescription !== undefined && { portDescription }),
    ...(address !== undefined && { address }),
    ...(vlan !== undefined && { vlan }),
  };
}

/** The part after the EtherType, if that is LLDP's. */
function bodyOf(frame: Uint8Array): Uint8Array | undefined {
  const typeAt = (at: number) => (frame[at] ?? 0) << 8 | (frame[at + 1] ?? 0);
  const at = typeAt(TYPE_AT) === VLAN_ETHERTYPE ? TYPE_AT + 4 : TYPE_AT;
  return typeAt(at) === LLDP_ETHERTYPE ? frame.subarray(at + 2) : undefined;
}

interface Tlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Undefined if one is cut off. A frame may end without the TLV that marks its end; what follows that is padding. */
function tlvsOf(body: Uint8Array): Tlv[] | undefined {
  const tlvs: Tlv[] = [];
  for (let at = 0; at + 2 <= body.length;) {
    const head = (body[at] as number) << 8 | (body[at + 1] as number);
    const type = head >> 9, length = head & 0x1ff;
    if (type === TLV.end) break;
    if (at + 2 + length > body.length) return undefined;
    tlvs.push({ type, value: body.subarray(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return tlvs;
}

/** A subtype, then the id (§8.5.2, §8.5.3): an address in some subtypes, text in the others. */
function idOf(value: Uint8Array, { mac, network }: { mac: number; network: number }): string | undefined {
  const [subtype] = value, id = value.subarray(1);
  if (subtype === undefined || id.length === 0) return undefined;
  if (subtype === mac) return id.length === 6 ? hexOf(id) : undefined;
  if (subtype === network) return addressOf(id);
  return textOf(id);
}

/** The length of what follows, the family, the address (§8.5.9). */
function managementAddress(value: Uint8Array | undefined): string | undefined {
  const length = value?.[0] ?? 0;
  return value && length >= 2 ? addressOf(value.subarray(1, 1 + length)) : undefined;
}

/** The family, then the address. */
function addressOf(value: Uint8Array): string | undefined {
  const [family] = value, address = value.subarray(1);
  if (family === FAMILY_IPV4 && address.length === 4) return address.join(".");
  if (family !== FAMILY_IPV6 || address.length !== 16) return undefined;
  const groups = Array.from(
    { length: 8 },
    (_, i) => (address[2 * i] as number) << 8 | (address[2 * i + 1] as number),
  );
  return groups.map((group) => group.toString(16)).join(":");
}

function vlanOf(tlvs: readonly Tlv[]): number | undefined {
  const found = tlvs.find(({ type, value }) =>
    type === TLV.organization && value.length === 6 && PORT_VLAN.every((byte, i) => value[i] === byte)
  );
  const id = found && ((found.value[4] as number) << 8 | (found.value[5] as number));
  return id !== undefined && id <= 4094 ? id : undefined;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** In one line; undefined if nothing is left. */
function textOf(bytes: Uint8Array | undefined): string | undefined {
  const text = new TextDecoder().decode(bytes ?? new Uint8Array());
  // deno-lint-ignore no-control-regex -- a terminal obeys these
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim().slice(0, MAX_TEXT) || undefined;
}
