/**
 * The firmware's table of the machine's parts: SMBIOS (DMTF DSP0134 §6), as Linux gives it in
 * /sys/firmware/dmi/tables/DMI. A structure is a header (type u8, length u8, handle u16), a formatted area up to that
 * length, and strings that end in NUL, with one more NUL after the last. Pure.
 */

/** One structure. Offsets are those of the specification: they count from the header. */
export interface SmbiosStructure {
  readonly type: number;
  /** Header and formatted area. */
  readonly bytes: Uint8Array;
  readonly strings: readonly string[];
}

const HEADER_BYTES = 4;
const END_OF_TABLE = 127;
/** More than any firmware has; §5.2.1 counts structures in 16 bits. */
const MAX_STRUCTURES = 4096;
const MAX_STRING = 255;

/** The structures up to the end of the table, or to the first that is cut off: firmware leaves garbage behind it. */
export function parseSmbios(table: Uint8Array): SmbiosStructure[] {
  const structures: SmbiosStructure[] = [];
  for (let at = 0; at + HEADER_BYTES <= table.length && structures.length < MAX_STRUCTURES;) {
    const type = table[at] as number, length = table[at + 1] as number;
    if (length < HEADER_BYTES || at + length > table.length) break;
    const { strings, end } = stringsAt(table, at + length);
    if (end === undefined) break;
    structures.push({ type, bytes: table.subarray(at, at + length), strings });
    if (type === END_OF_TABLE) break;
    at = end;
  }
  return structures;
}

/** `end`: where the next structure begins; undefined if the strings are cut off. */
function stringsAt(table: Uint8Array, from: number): { strings: string[]; end: number | undefined } {
  const strings: string[] = [];
  let at = from;
  // a structure without strings ends in two NULs as well (§6.1.3)
  if (table[at] === 0) return { strings, end: at + 2 <= table.length ? at + 2 : undefined };
  for (;;) {
    const end = table.indexOf(0, at);
    if (end < 0) return { strings, end: undefined };
    if (end === at) return { strings, end: end + 1 };
    strings.push(textOf(table.subarray(at, Math.min(end, at + MAX_STRING))));
    at = end + 1;
  }
}

function textOf(bytes: Uint8Array): string {
  // deno-lint-ignore no-control-regex -- what no string should hold
  return Buffer.from(bytes).toString("latin1").replace(/[\x00-\x1f\x7f-\x9f]/g, " ").trim();
}

/** The byte at an offset; undefined if the structure of this firmware's version is shorter. */
export function byteAt({ bytes }: SmbiosStructure, offset: number): number | undefined {
  return bytes[offset];
}

/** A little-endian word. */
export function wordAt({ bytes }: SmbiosStructure, offset: number): number | undefined {
  const low = bytes[offset], high = bytes[offset + 1];
  return low === undefined || high === undefined ? undefined : low | high << 8;
}

/** A little-endian double word. */
export function doubleWordAt(structure: SmbiosStructure, offset: number): number | undefined {
  const low = wordAt(structure, offset), high = wordAt(structure, offset + 2);
  return low === undefined || high === undefined ? undefined : low + high * 0x10000;
}

/** What vendors leave in strings that they do not fill in. */
const PLACEHOLDER =
  /^$|o\.?e\.?m|default string|not (specified|provided|applicable|available|installed)|^n\/?a$|^none$|^unknown|^empty$|undefined|^no dimm$|^(0|x|f|\.|-)+$|^to be filled/i;

/** The string whose number, from 1, stands at the offset; undefined if there is none, or the vendor left it out. */
export function stringAt(structure: SmbiosStructure, offset: number, max = 64): string | undefined {
  const number = byteAt(structure, offset) ?? 0;
  const text = (number === 0 ? undefined : structure.strings[number - 1])?.slice(0, max).trim();
  return text === undefined || PLACEHOLDER.test(text) ? undefined : text;
}
