/**
 * DHCP over InfiniBand, RFC 4390: an address of 20 bytes does not fit the header, so the client says who it is by its
 * client identifier. Boot programs put a shorter form of the address into the header all the same.
 */
import { macOfGuid } from "#contract/hardware_address.ts";
import { type MacAddress, macOfBytes } from "./address.ts";
import { DhcpFormatError } from "./options.ts";

/** ARP hardware type of InfiniBand (IANA). */
export const INFINIBAND = 32;

/** Client identifiers begin with a type: 255 means IAID and DUID follow (RFC 4361 §6.1). */
const DUID_CLIENT = 255;
const DUID_AT = 5;
/** DUID types, RFC 8415 §11: link-layer address with time, vendor's number, link-layer address. */
const LLT = 1, VENDOR = 2, LL = 3;
/** IANA's enterprise number 713. */
const MELLANOX = [0, 0, 0x02, 0xc9];

/**
 * The MAC that stands for a client.
 *
 * @param address what the header's chaddr holds; often nothing
 * @throws DhcpFormatError if the packet does not say who sent it
 */
export function macOfClient(address: Uint8Array, clientId: Uint8Array | undefined): MacAddress {
  if (address.length === 6) return macOfBytes(address);
  if (address.length === 8) return macOfBytes(macOfGuid(address));
  if (clientId === undefined || clientId.length < 2) {
    throw new DhcpFormatError("an InfiniBand client without a client identifier");
  }
  const guid = guidIn(clientId);
  return macOfBytes(guid ? macOfGuid(guid) : madeUp(clientId));
}

/**
 * The port's GUID, if the identifier ends with it:
 *
 *     32 · address 20                                   dhclient, "hardware"
 *     255 · IAID 4 · 0002 000002c9 00 · GUID 8          the boot program of the adapters
 *     255 · IAID 4 · 0003 0020 · address 20             DUID-LL; DUID-LLT has 4 bytes of time before the address
 */
function guidIn(id: Uint8Array): Uint8Array | undefined {
  const ending = id.subarray(-8);
  if (id[0] === INFINIBAND) return id.length === 21 || id.length === 9 ? ending : undefined;
  if (id[0] !== DUID_CLIENT) return undefined;
  const type = (id[DUID_AT] ?? 0) << 8 | (id[DUID_AT + 1] ?? 0);
  const ofInfiniband = id[DUID_AT + 2] === 0 && id[DUID_AT + 3] === INFINIBAND;
  if (type === LL && ofInfiniband && id.length === DUID_AT + 24) return ending;
  if (type === LLT && ofInfiniband && id.length === DUID_AT + 28) return ending;
  const isMellanox = MELLANOX.every((byte, i) => id[DUID_AT + 2 + i] === byte);
  return type === VENDOR && isMellanox && id.length === 20 ? ending : undefined;
}

/** A locally administered address, the same for the same identifier: two FNV-1a hashes. */
function madeUp(id: Uint8Array): Uint8Array {
  const hash = (start: number) =>
    id.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, start >>> 0);
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, hash(0x811c9dc5));
  view.setUint32(4, hash(0x01000193));
  const bytes = new Uint8Array(view.buffer, 2);
  bytes[0] = 0x02;
  return bytes;
}
