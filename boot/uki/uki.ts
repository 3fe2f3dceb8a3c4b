/**
 * A unified kernel image (UKI): systemd-stub with a kernel, its command line and its initramfs as further sections, so
 * that one signature covers them all (UAPI Group specification "Unified Kernel Image").
 *
 *     stub's headers, with entries for the new sections
 *     stub's sections
 *     .osrel  .cmdline  .initrd  .linux        each padded to the file alignment
 *     the signature
 *
 * The large parts stay in their files: an image is a list of pieces.
 */
import { openJoined } from "../boot_file.ts";
import { fileOfBytes } from "../tftp/tftp_file.ts";
import { authenticodeDigest } from "./authenticode.ts";
import { type Der, joined } from "./der.ts";
import { notPe, parsePe, SECTION_ENTRY_BYTES } from "./pe.ts";
import { signImage, type UkiSigner } from "./signed_data.ts";

/** A file by its path, or bytes. */
export type Piece = string | Uint8Array;

interface UkiParts {
  /** The first line is a comment for people: what `.osrel` says. */
  readonly osRelease: string;
  readonly commandLine: string;
  readonly kernel: string;
  readonly initramfs: readonly string[];
}

/** An image without a signature. */
interface Uki {
  readonly headers: Uint8Array<ArrayBuffer>;
  /** What follows the headers. */
  readonly body: readonly Piece[];
  readonly sizeBytes: number;
}

const PAGE = 4096, INITIALIZED_DATA = 0x40, READABLE = 0x40000000;
const WIN_CERTIFICATE_BYTES = 8, REVISION_2 = 0x0200, PKCS_SIGNED_DATA = 0x0002;

/** Reads the sizes of the files, and nothing else of them. Throws RackseedError if the stub has no room for sections. */
export function layOutUki(stub: Uint8Array, parts: UkiParts): Uki {
  const name = "systemd's EFI stub", pe = parsePe(stub, { name });
  const { sections, fileAlignment, sectionAlignment, sectionTableAt, sizeOfHeaders } = pe;
  const stubEnd = Math.max(sizeOfHeaders, ...sections.map((s) => s.rawOffset + s.rawSize));
  if (stubEnd > stub.length || stubEnd % fileAlignment !== 0) throw notPe(name, "a section is cut off");
  const headers = stub.slice(0, sizeOfHeaders), view = new DataView(headers.buffer);
  const bytes = (text: string) => new TextEncoder().encode(text);
  // The kernel comes last: while it unpacks itself in place, it may use the memory behind it.
  const added: readonly { name: string; pieces: readonly Piece[] }[] = [
    { name: ".osrel", pieces: [bytes(parts.osRelease)] },
    { name: ".cmdline", pieces: [bytes(parts.commandLine)] },
    { name: ".initrd", pieces: parts.initramfs },
    { name: ".linux", pieces: [parts.kernel] },
  ];
  const tableEnd = sectionTableAt + (sections.length + added.length) * SECTION_ENTRY_BYTES;
  const free = headers.subarray(sectionTableAt + sections.length * SECTION_ENTRY_BYTES, tableEnd);
  if (tableEnd > sizeOfHeaders || !isPadding(free)) {
    throw notPe(name, "its headers have no room for further sections");
  }

  const body: Piece[] = [stub.subarray(sizeOfHeaders, stubEnd)];
  let offset = stubEnd, dataBytes = 0;
  let address = Math.max(...sections.map((s) => s.virtualAddress + s.virtualSize));
  added.forEach(({ name, pieces }, i) => {
    const sizeBytes = pieces.map(sizeOf).reduce((sum, size) => sum + size, 0);
    const rawSize = alignUp(sizeBytes, fileAlignment);
    address = alignUp(address, Math.max(PAGE, sectionAlignment));
    const at = sectionTableAt + (sections.length + i) * SECTION_ENTRY_BYTES;
    headers.set(bytes(name), at);
    view.setUint32(at + 8, sizeBytes, true);
    view.setUint32(at + 12, address, true);
    view.setUint32(at + 16, rawSize, true);
    view.setUint32(at + 20, offset, true);
    view.setUint32(at + 36, (INITIALIZED_DATA | READABLE) >>> 0, true);
    body.push(...pieces, new Uint8Array(rawSize - sizeBytes));
    offset += rawSize;
    dataBytes += rawSize;
    address += sizeBytes;
  });
  view.setUint16(pe.coffAt + 2, sections.length + added.length, true);
  // The symbol table stands behind the stub's sections, and is left out. EFI ignores the checksum.
  view.setUint32(pe.coffAt + 8, 0, true);
  view.setUint32(pe.coffAt + 12, 0, true);
  view.setUint32(pe.optionalAt + 8, view.getUint32(pe.optionalAt + 8, true) + dataBytes, true);
  view.setUint32(pe.optionalAt + 56, alignUp(address, sectionAlignment), true);
  view.setUint32(pe.checksumAt, 0, true);
  return { headers, body: body.filter((piece) => sizeOf(piece) > 0), sizeBytes: offset };
}

/** Zeros; or on arm64, where the headers are made by the assembler in a section of code, its no-operations. */
function isPadding(bytes: Uint8Array): boolean {
  const noOperation = [0x1f, 0x20, 0x03, 0xd5];
  return bytes.every((byte) => byte === 0) || bytes.every((byte, i) => byte === noOperation[i % 4]);
}

/** The image with its signature. Reads all of it. */
export function signUki(uki: Uki, signer: UkiSigner, { name }: { readonly name: string }): Piece[] {
  const { headers, body, sizeBytes } = uki;
  const file = openJoined([headers, ...body]);
  try {
    const table = certificateTable(signImage(authenticodeDigest(file, { name }), signer));
    return [pointingTo({ offset: sizeBytes, sizeBytes: table.length }, headers), ...body, table];
  } finally {
    file.close?.();
  }
}

/** A program with this signer's signature, behind those that it has. */
export function signProgram(
  program: Uint8Array,
  signer: UkiSigner,
  { name }: { readonly name: string },
): Der {
  const digest = authenticodeDigest(fileOfBytes(padded(program)), { name });
  return withSignature(program, signImage(digest, signer), { name });
}

/**
 * A program with one more signature, as `signImage` makes it. Throws RackseedError if it is not an EFI program, or its
 * signatures are not at its end.
 */
export function withSignature(
  program: Uint8Array,
  signature: Uint8Array,
  { name }: { readonly name: string },
): Der {
  const whole = padded(program), { certificates, sizeOfHeaders } = parsePe(whole, { name });
  const isSigned = certificates.sizeBytes > 0;
  if (isSigned && certificates.offset + certificates.sizeBytes !== whole.length) {
    throw notPe(name, "its signatures are not at its end");
  }
  const table = certificateTable(signature);
  const place = {
    offset: isSigned ? certificates.offset : whole.length,
    sizeBytes: certificates.sizeBytes + table.length,
  };
  return joined([pointingTo(place, whole.slice(0, sizeOfHeaders)), whole.subarray(sizeOfHeaders), table]);
}

/** Signatures begin at multiples of 8; those that fill up the file's end are part of what is signed. */
function padded(program: Uint8Array): Uint8Array {
  return joined([program, new Uint8Array(alignUp(program.length, 8) - program.length)]);
}

/** WIN_CERTIFICATE (UEFI 2.10 §32.2.4): length, revision, type, then the DER of a PKCS #7 SignedData. */
function certificateTable(signature: Uint8Array): Uint8Array {
  const table = new Uint8Array(alignUp(WIN_CERTIFICATE_BYTES + signature.length, 8));
  const view = new DataView(table.buffer);
  view.setUint32(0, table.length, true);
  view.setUint16(4, REVISION_2, true);
  view.setUint16(6, PKCS_SIGNED_DATA, true);
  table.set(signature, WIN_CERTIFICATE_BYTES);
  return table;
}

/** The headers, with the place of the certificate table. */
function pointingTo(place: { offset: number; sizeBytes: number }, headers: Uint8Array): Uint8Array {
  const changed = headers.slice(), entry = new DataView(changed.buffer);
  const { certificateEntryAt } = parsePe(headers, { name: "the unsigned image" });
  entry.setUint32(certificateEntryAt, place.offset, true);
  entry.setUint32(certificateEntryAt + 4, place.sizeBytes, true);
  return changed;
}

function sizeOf(piece: Piece): number {
  return typeof piece === "string" ? Deno.statSync(piece).size : piece.length;
}

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
