/** What is read out of SMBIOS: firmware and board, memory modules, the management controller. Pure. */
import type { Inventory } from "#contract/api.ts";
import type { Dimm } from "#contract/api/hardware.ts";
import { byteAt, doubleWordAt, parseSmbios, type SmbiosStructure, stringAt, wordAt } from "./smbios.ts";

type SmbiosFacts = Pick<Inventory, "board" | "memory" | "management">;

/** Structure types, DSP0134 §7. */
const TYPE = { firmware: 0, board: 2, memoryDevice: 17, ipmi: 38, hostInterface: 42 } as const;
const MAX_DIMMS = 256;

/** `table`: /sys/firmware/dmi/tables/DMI. Without usable structures every fact is missing. */
export function factsOfSmbios(table: Uint8Array): SmbiosFacts {
  const structures = parseSmbios(table);
  const board = boardOf(structures), memory = memoryOf(structures), management = managementOf(structures);
  return { ...(board && { board }), ...(memory && { memory }), ...(management && { management }) };
}

/** The members whose value is known; undefined if none is. */
function known<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } | undefined {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries) as never;
}

function boardOf(structures: readonly SmbiosStructure[]): SmbiosFacts["board"] {
  const firmware = structures.find(({ type }) => type === TYPE.firmware);
  const board = structures.find(({ type }) => type === TYPE.board);
  return known({
    firmwareVendor: firmware && stringAt(firmware, 0x04),
    firmwareVersion: firmware && stringAt(firmware, 0x05),
    firmwareDate: firmware && stringAt(firmware, 0x08, 32),
    maker: board && stringAt(board, 0x04),
    name: board && stringAt(board, 0x05),
    version: board && stringAt(board, 0x06),
    serial: board && stringAt(board, 0x07),
    assetTag: board && stringAt(board, 0x08),
  });
}

function memoryOf(structures: readonly SmbiosStructure[]): SmbiosFacts["memory"] {
  const slots = structures.filter(({ type }) => type === TYPE.memoryDevice);
  if (slots.length === 0) return undefined;
  return { slots: slots.length, dimms: slots.flatMap((slot) => dimmOf(slot) ?? []).slice(0, MAX_DIMMS) };
}

/** §7.18; undefined for an empty slot. */
function dimmOf(slot: SmbiosStructure): Dimm | undefined {
  const sizeBytes = sizeOf(slot);
  if (sizeBytes === 0) return undefined;
  const names = [stringAt(slot, 0x11), stringAt(slot, 0x10)].filter(Boolean);
  const speed = wordAt(slot, 0x20) || wordAt(slot, 0x15);
  return {
    slot: names.join(" ").slice(0, 64) || "?",
    sizeBytes,
    ...known({
      type: MEMORY_TYPES[byteAt(slot, 0x12) ?? 0],
      // FFFFh: it stands in a field of 32 bits
      speedMts: (speed === 0xffff ? doubleWordAt(slot, 0x58) : speed) || undefined,
      maker: stringAt(slot, 0x17),
      serial: stringAt(slot, 0x18),
      part: stringAt(slot, 0x1a),
    }),
  };
}

/** §7.18.5. In megabytes, or kilobytes if bit 15 is set; 7FFFh: 32 bits of megabytes elsewhere; FFFFh: unknown. */
function sizeOf(slot: SmbiosStructure): number {
  const size = wordAt(slot, 0x0c) ?? 0;
  if (size === 0xffff) return 0;
  if (size === 0x7fff) return ((doubleWordAt(slot, 0x1c) ?? 0) & 0x7fffffff) * 2 ** 20;
  return size & 0x8000 ? (size & 0x7fff) * 1024 : size * 2 ** 20;
}

/** §7.18.2, those that machines of this century have. */
const MEMORY_TYPES: Readonly<Record<number, string>> = {
  0x07: "RAM",
  0x12: "DDR",
  0x13: "DDR2",
  0x18: "DDR3",
  0x1a: "DDR4",
  0x1b: "LPDDR",
  0x1c: "LPDDR2",
  0x1d: "LPDDR3",
  0x1e: "LPDDR4",
  0x1f: "non-volatile",
  0x20: "HBM",
  0x21: "HBM2",
  0x22: "DDR5",
  0x23: "LPDDR5",
  0x24: "HBM3",
};

/** §7.39.1 */
const IPMI_INTERFACES: Readonly<Record<number, string>> = { 1: "KCS", 2: "SMIC", 3: "BT", 4: "SSIF" };

function managementOf(structures: readonly SmbiosStructure[]): SmbiosFacts["management"] {
  const ipmi = structures.find(({ type }) => type === TYPE.ipmi);
  const address = structures.map(redfishAddress).find((one) => one !== undefined);
  if (ipmi === undefined && address === undefined) return undefined;
  return known({ address, interface: ipmi && (IPMI_INTERFACES[byteAt(ipmi, 0x04) ?? 0] ?? "IPMI") }) ?? {};
}

const REDFISH_OVER_IP = 4;
/** In the record's data (DSP0270 §8.2): the format of the service's address, and the address. */
const FORMAT_AT = 51, ADDRESS_AT = 52, IPV4 = 1;

/**
 * §7.43: the interface's own data, of the length at offset 5, then a number of protocol records: type u8, length u8,
 * data. Undefined if this structure names no IPv4 address of a Redfish service.
 */
function redfishAddress({ type, bytes }: SmbiosStructure): string | undefined {
  if (type !== TYPE.hostInterface) return undefined;
  let at = 6 + (bytes[5] ?? 0);
  const records = bytes[at++] ?? 0;
  for (let record = 0; record < records && at + 2 <= bytes.length; record++) {
    const length = bytes[at + 1] as number, data = bytes.subarray(at + 2, at + 2 + length);
    if (bytes[at] === REDFISH_OVER_IP && data[FORMAT_AT] === IPV4 && data.length >= ADDRESS_AT + 4) {
      const address = data.subarray(ADDRESS_AT, ADDRESS_AT + 4).join(".");
      if (address !== "0.0.0.0") return address;
    }
    at += 2 + length;
  }
  return undefined;
}
