/** Tables, frames and answers as hardware gives them, for tests. */

interface Structure {
  readonly type: number;
  /** The formatted area after the header, by offset from the structure's beginning. */
  readonly fields: Readonly<Record<number, readonly number[]>>;
  readonly length: number;
  readonly strings?: readonly string[];
}

const bytesOf = (text: string) => [...new TextEncoder().encode(text)];

/** An SMBIOS table (DSP0134 §6). */
export function smbiosTable(structures: readonly Structure[]): Uint8Array {
  const parts = [...structures, { type: 127, fields: {}, length: 4 }].map(
    ({ type, fields, length, ...rest }, i) => {
      const { strings = [] } = rest as { strings?: readonly string[] };
      const formatted = new Uint8Array(length);
      formatted.set([type, length, i & 0xff, i >> 8]);
      for (const [at, bytes] of Object.entries(fields)) formatted.set(bytes, Number(at));
      const text = strings.length === 0 ? [0, 0] : [...strings.flatMap((s) => [...bytesOf(s), 0]), 0];
      return [...formatted, ...text];
    },
  );
  return Uint8Array.from(parts.flat());
}

const dimm = (slot: string, { megabytes, serial }: { megabytes: number; serial: string }): Structure => ({
  type: 17,
  length: 0x5c,
  fields: {
    0x0c: megabytes < 0x7fff ? [megabytes & 0xff, megabytes >> 8] : [0xff, 0x7f],
    0x10: [1],
    0x11: [2],
    0x12: [0x22],
    0x15: [0xe0, 0x15],
    0x17: [3],
    0x18: [4],
    0x1a: [5],
    0x1c: [megabytes & 0xff, megabytes >> 8 & 0xff, megabytes >> 16, 0],
    0x20: [0xc0, 0x12],
  },
  strings: [slot, "P0 CHANNEL A", "Samsung", serial, "M321R4GA3BB6-CQKET "],
});

/** DSP0270 §8.2: a Redfish service at 169.254.1.1 behind a network host interface. */
const redfish = [
  ...new Array(51).fill(0),
  1,
  169,
  254,
  1,
  1,
  ...new Array(12).fill(0),
  ...new Array(24).fill(0),
];

/** A server's table: firmware, board, two modules in three slots, a KCS controller, a Redfish host interface. */
export const SERVER_TABLE = smbiosTable([
  {
    type: 0,
    length: 0x18,
    fields: { 0x04: [1], 0x05: [2], 0x08: [3] },
    strings: ["Dell Inc.", "2.19.1", "03/14/2025"],
  },
  {
    type: 2,
    length: 0x0f,
    fields: { 0x04: [1], 0x05: [2], 0x06: [3], 0x07: [4], 0x08: [5] },
    strings: ["Dell Inc.", "0TWX38", "A07", "..CN7016329C00AB.", "Not Specified"],
  },
  dimm("DIMM_A1", { megabytes: 32_768, serial: "80AD0122" }),
  dimm("DIMM_A2", { megabytes: 16_384, serial: "00000000" }),
  dimm("DIMM_A3", { megabytes: 0, serial: "NO DIMM" }),
  { type: 38, length: 0x12, fields: { 0x04: [1, 0x20] } },
  {
    type: 42,
    length: 7 + 1 + 2 + redfish.length,
    fields: { 0x04: [0x40, 1, 2, 1, 4, redfish.length, ...redfish] },
  },
]);

const tlv = (
  type: number,
  value: readonly number[],
) => [type << 1 | value.length >> 8, value.length & 0xff, ...value];

/** What `lldpd`, and switches of Arista and Cisco, send: here a switch "leaf7" with port Ethernet1/12. */
export function lldpFrame(
  { ttl = 120, port = [5, ...bytesOf("Ethernet1/12")] }: { ttl?: number; port?: readonly number[] } = {},
): Uint8Array {
  return Uint8Array.from([
    ...[0x01, 0x80, 0xc2, 0, 0, 0x0e, 0x00, 0x1c, 0x73, 0, 0, 1, 0x88, 0xcc],
    ...tlv(1, [4, 0x00, 0x1c, 0x73, 0xaa, 0xbb, 0xcc]),
    ...tlv(2, port),
    ...tlv(3, [ttl >> 8, ttl & 0xff]),
    ...tlv(4, bytesOf("to rack 3")),
    ...tlv(5, bytesOf("leaf7")),
    ...tlv(6, bytesOf("Arista Networks EOS\nversion 4.30")),
    ...tlv(7, [0, 0x14, 0, 0x14]),
    ...tlv(8, [5, 1, 10, 0, 0, 7, 2, 0, 0, 0, 1, 0]),
    ...tlv(127, [0x00, 0x80, 0xc2, 1, 0, 100]),
    ...tlv(0, []),
    ...new Array(8).fill(0),
  ]);
}

/** An NVMe SMART log (NVM Express 2.0 figure 207). */
export function nvmeLog({ critical = 0, worn = 3, mediaErrors = 0 } = {}): Uint8Array {
  const log = new Uint8Array(512), view = new DataView(log.buffer);
  view.setUint8(0, critical);
  view.setUint16(1, 273 + 38, true);
  view.setUint8(5, worn);
  view.setBigUint64(128, 8760n, true);
  view.setBigUint64(160, BigInt(mediaErrors), true);
  return log;
}

type Attribute = readonly [id: number, flags: number, value: number, raw: number];

/** The answer to SMART READ DATA. */
export function smartData(attributes: readonly Attribute[]): Uint8Array {
  const data = new Uint8Array(512), view = new DataView(data.buffer);
  attributes.forEach(([id, flags, value, raw], i) => {
    const at = 2 + i * 12;
    view.setUint8(at, id);
    view.setUint16(at + 1, flags, true);
    view.setUint8(at + 3, value);
    view.setUint8(at + 4, value);
    view.setUint32(at + 5, raw, true);
  });
  return data;
}

/** The answer to SMART READ THRESHOLDS. */
export function smartThresholds(thresholds: readonly (readonly [id: number, limit: number])[]): Uint8Array {
  const data = new Uint8Array(512);
  thresholds.forEach(([id, limit], i) => data.set([id, limit], 2 + i * 12));
  return data;
}

/** Sense data with an ATA status return descriptor (SAT-4 §12.2.2.6). */
export function ataSense(mid: number, high: number): Uint8Array {
  const descriptor = [0x09, 0x0c, 0, 0, 0, 0, 0, 0, 0, mid, 0, high, 0x40, 0x50];
  return Uint8Array.from([0x72, 0x01, 0x00, 0x1d, 0, 0, 0, descriptor.length, ...descriptor]);
}
