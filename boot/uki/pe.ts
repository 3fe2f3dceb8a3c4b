/**
 * The headers of a PE32+ image, as far as they matter to Secure Boot (Microsoft's PE format specification; UEFI 2.10
 * §2.1.1 for EFI images).
 *
 *      0  "MZ"                    60  offset of the PE header
 *     PE  "PE\0\0", COFF header (20 bytes), optional header, section table (40 bytes each)
 */
import { RackseedError } from "#contract/errors.ts";

export interface PeSection {
  /** Without its closing NULs. */
  readonly name: string;
  readonly virtualSize: number;
  readonly virtualAddress: number;
  readonly rawSize: number;
  readonly rawOffset: number;
}

/** Offsets are from the beginning of the file. */
export interface PeHeaders {
  readonly coffAt: number;
  readonly optionalAt: number;
  readonly checksumAt: number;
  /** The data directory's entry of the certificate table: offset and size, 4 bytes each. */
  readonly certificateEntryAt: number;
  readonly sectionTableAt: number;
  /** Names of more than 8 characters: a section called "/37" has the one at this offset. 0: there are none. */
  readonly longNamesAt: number;
  readonly sizeOfHeaders: number;
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
  readonly sections: readonly PeSection[];
  /** Where the signatures are; size 0 if there are none. */
  readonly certificates: { readonly offset: number; readonly sizeBytes: number };
}

/** More bytes than the headers of any EFI image have. */
export const HEADERS_AT_MOST = 64 * 1024;
export const SECTION_ENTRY_BYTES = 40;
const COFF_BYTES = 20, SYMBOL_BYTES = 18, PE32_PLUS = 0x20b, CERTIFICATE_TABLE = 4, MAX_SECTIONS = 96;

/**
 * Reads the headers. `head`: the first bytes of the image, all of its headers among them. Throws RackseedError if it is
 * not a PE32+ image.
 */
export function parsePe(head: Uint8Array, { name }: { readonly name: string }): PeHeaders {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const need = (at: number, count: number) => {
    if (at + count > head.length) throw notPe(name, "its headers are cut off");
  };
  need(0, 64);
  if (view.getUint16(0, true) !== 0x5a4d) throw notPe(name, "it does not begin with MZ");
  const peAt = view.getUint32(60, true);
  need(peAt, 4 + COFF_BYTES);
  if (view.getUint32(peAt, true) !== 0x4550) throw notPe(name, "it has no PE header");
  const coffAt = peAt + 4;
  const sectionCount = view.getUint16(coffAt + 2, true), optionalBytes = view.getUint16(coffAt + 16, true);
  const optionalAt = coffAt + COFF_BYTES;
  if (sectionCount > MAX_SECTIONS) throw notPe(name, `it has ${sectionCount} sections`);
  if (optionalBytes < 112) throw notPe(name, "its optional header is too short");
  need(optionalAt, optionalBytes + sectionCount * SECTION_ENTRY_BYTES);
  if (view.getUint16(optionalAt, true) !== PE32_PLUS) throw notPe(name, "it is not a 64-bit image");
  const directories = view.getUint32(optionalAt + 108, true);
  const certificateEntryAt = optionalAt + 112 + CERTIFICATE_TABLE * 8;
  if (directories <= CERTIFICATE_TABLE || certificateEntryAt + 8 > optionalAt + optionalBytes) {
    throw notPe(name, "it has no place for a signature");
  }
  const sectionTableAt = optionalAt + optionalBytes;
  const sizeOfHeaders = view.getUint32(optionalAt + 60, true);
  const symbolsAt = view.getUint32(coffAt + 8, true), symbols = view.getUint32(coffAt + 12, true);
  const tableEnd = sectionTableAt + sectionCount * SECTION_ENTRY_BYTES;
  if (sizeOfHeaders < tableEnd || sizeOfHeaders > head.length) {
    throw notPe(name, "its headers' size is wrong");
  }
  return {
    coffAt,
    optionalAt,
    checksumAt: optionalAt + 64,
    certificateEntryAt,
    sectionTableAt,
    longNamesAt: symbolsAt === 0 ? 0 : symbolsAt + symbols * SYMBOL_BYTES,
    sizeOfHeaders,
    sectionAlignment: view.getUint32(optionalAt + 32, true),
    fileAlignment: view.getUint32(optionalAt + 36, true),
    sections: Array.from({ length: sectionCount }, (_, i) => {
      const at = sectionTableAt + i * SECTION_ENTRY_BYTES;
      return {
        name: new TextDecoder("latin1").decode(head.subarray(at, at + 8)).replace(/\0+$/, ""),
        virtualSize: view.getUint32(at + 8, true),
        virtualAddress: view.getUint32(at + 12, true),
        rawSize: view.getUint32(at + 16, true),
        rawOffset: view.getUint32(at + 20, true),
      };
    }),
    certificates: {
      offset: view.getUint32(certificateEntryAt, true),
      sizeBytes: view.getUint32(certificateEntryAt + 4, true),
    },
  };
}

export function notPe(name: string, reason: string): RackseedError {
  return new RackseedError(`cannot read ${name} as an EFI program`, {
    reason: `${reason}.`,
    remedy: "check that the file is complete, and of a 64-bit machine.",
  });
}
