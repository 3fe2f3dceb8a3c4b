/** Who signed an EFI image, verified as firmware and shim verify it (UEFI 2.10 §32.4; RFC 2315). */
import { createHash } from "node:crypto";
import type { BootProgramSignature, TrustAnchor } from "#contract/format/boot_program.ts";
import type { BootFile } from "../boot_file.ts";
import { authenticodeDigest, readPe } from "./authenticode.ts";
import { hashOf, isIssuedBy, nameIn, parseCertificate, sha256Hex, verifies } from "./certificate.ts";
import { derValues } from "./der.ts";
import type { PeSection } from "./pe.ts";
import { OID } from "./signed_data.ts";
import { parseSignatureLists } from "./signature_list.ts";

/** More than any image has. */
const MAX_SIGNATURES = 8, MAX_TABLE_BYTES = 256 << 10, MAX_CHAIN = 8, MAX_VENDOR_BYTES = 256 << 10;
const WIN_CERTIFICATE_BYTES = 8, PKCS_SIGNED_DATA = 0x0002;

interface ImageSignatures {
  /** Authenticode, SHA-256, in hexadecimal digits; as a signature would have it, if there is none yet. */
  readonly digest: string;
  /** Those that are valid. */
  readonly signatures: BootProgramSignature[];
}

/** Throws RackseedError if the file is not an EFI image. */
export function signaturesOf(file: BootFile, { name }: { readonly name: string }): ImageSignatures {
  const { offset, sizeBytes } = readPe(file, { name }).certificates;
  const digest = authenticodeDigest(sizeBytes > 0 ? file : filledUp(file), { name });
  const table = new Uint8Array(Math.min(sizeBytes, MAX_TABLE_BYTES));
  const whole = table.subarray(0, file.read(offset, table));
  const signatures = signedDataIn(whole).flatMap((data) => verifiedSignature(data, digest) ?? []);
  return { digest: digest.toHex(), signatures };
}

/** The file with NULs up to a multiple of 8, where its signatures would begin. */
function filledUp(file: BootFile): BootFile {
  const sizeBytes = Math.ceil(file.sizeBytes / 8) * 8;
  return {
    sizeBytes,
    read(offset, into) {
      const part = into.subarray(0, Math.max(0, sizeBytes - offset));
      part.fill(0, file.read(offset, part));
      return part.length;
    },
  };
}

/** The contents of the WIN_CERTIFICATEs, each of which begins at a multiple of 8. */
function signedDataIn(table: Uint8Array): Uint8Array[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength), found: Uint8Array[] = [];
  for (let at = 0; at + WIN_CERTIFICATE_BYTES <= table.length && found.length < MAX_SIGNATURES;) {
    const length = view.getUint32(at, true);
    if (length <= WIN_CERTIFICATE_BYTES || at + length > table.length) break;
    if (view.getUint16(at + 6, true) === PKCS_SIGNED_DATA) {
      found.push(table.subarray(at + WIN_CERTIFICATE_BYTES, at + length));
    }
    at += Math.ceil(length / 8) * 8;
  }
  return found;
}

/** Undefined if it is not about this image, damaged, or made by algorithms that are not known here. */
function verifiedSignature(data: Uint8Array, digest: Uint8Array): BootProgramSignature | undefined {
  try {
    // what follows the first value pads it to a multiple of 8
    const [outer] = derValues(data.subarray(0, firstLength(data)));
    const [, tagged] = derValues(outer?.content ?? new Uint8Array());
    const [signedData] = derValues(tagged?.content ?? new Uint8Array());
    const fields = derValues(signedData?.content ?? new Uint8Array());
    const content = fields[2], embedded = fields.find(({ tag }) => tag === 0xa0), infos = fields.at(-1);
    const [info] = derValues(infos?.content ?? new Uint8Array());
    if (!content || !embedded || !info) return undefined;
    const about = derValues(derValues(content.content)[1]?.content ?? new Uint8Array())[0];
    if (!about || !isAbout(about.content, digest)) return undefined;
    const certificates = derValues(embedded.content).map(({ whole }) => parseCertificate(whole));
    const signer = signerOf(info.content, { content: about.content, certificates });
    return signer && signatureBy(signer, certificates);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

type Certificates = readonly ReturnType<typeof parseCertificate>[];

/** SpcIndirectDataContent { data, DigestInfo { algorithm, digest } } */
function isAbout(content: Uint8Array, digest: Uint8Array): boolean {
  const [, info] = derValues(content);
  const [, value] = derValues(info?.content ?? new Uint8Array());
  return value?.tag === 4 && value.content.toHex() === digest.toHex();
}

/** SignerInfo { version, issuer and serial, digest algorithm, [0] attributes, algorithm, signature, … } */
function signerOf(
  info: Uint8Array,
  { content, certificates }: { readonly content: Uint8Array; readonly certificates: Certificates },
): Certificates[number] | undefined {
  const [, names, digestAlgorithm, attributes, , signature] = derValues(info);
  const [issuer, serial] = derValues(names?.content ?? new Uint8Array());
  const hash = hashOf(derValues(digestAlgorithm?.content ?? new Uint8Array())[0]?.whole ?? new Uint8Array());
  if (!issuer || !serial || hash === undefined || attributes?.tag !== 0xa0 || signature?.tag !== 4) {
    return undefined;
  }
  const signer = certificates.find((one) =>
    one.issuer.toHex() === issuer.whole.toHex() && one.serial.toHex() === serial.whole.toHex()
  );
  const [, digests] = derValues(attributes.content).map(({ content }) => derValues(content))
    .find(([type]) => type?.whole.toHex() === OID.messageDigest.toHex()) ?? [];
  const [digest] = derValues(digests?.content ?? new Uint8Array());
  const isOfContent = digest?.content.toHex() === createHash(hash).update(content).digest("hex");
  // signed as a SET, stored with the tag [0] (RFC 2315 §9.3)
  const signed = attributes.whole.slice();
  signed[0] = 0x31;
  const isSigned = signer && isOfContent &&
    verifies(signed, { hash, publicKey: signer.publicKey, signature: signature.content });
  return isSigned ? signer : undefined;
}

function signatureBy(signer: Certificates[number], certificates: Certificates): BootProgramSignature {
  const chain = [signer];
  for (let last = signer; chain.length < MAX_CHAIN;) {
    const next = certificates.find((one) => !chain.includes(one) && isIssuedBy(last, one));
    if (next === undefined) break;
    chain.push(next);
    last = next;
  }
  const top = chain.at(-1) ?? signer;
  return {
    by: nameIn(signer.subject),
    certificates: chain.map(({ whole }) => sha256Hex(whole)),
    issuer: sha256Hex(top.issuer),
  };
}

/** Of the first value, with its tag and length. Throws RangeError if it is cut off. */
function firstLength(data: Uint8Array): number {
  const first = data[1] ?? 0xff, count = first < 0x80 ? 0 : first & 0x7f;
  if (count > 4) throw new RangeError("a DER length is not valid");
  const length = first < 0x80
    ? first
    : data.subarray(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
  return 2 + count + length;
}

/** A certificate as one that firmware or shim trusts. Throws RangeError if it is none. */
export function anchorOf(certificate: Uint8Array): TrustAnchor {
  const { whole, subject } = parseCertificate(certificate);
  return { name: nameIn(subject), certificate: sha256Hex(whole), subject: sha256Hex(subject) };
}

const VENDOR_SECTION = ".vendor_cert";

function nameOf(
  { name }: PeSection,
  { file, longNamesAt }: { readonly file: BootFile; readonly longNamesAt: number },
): string {
  const at = /^\/(\d+)$/.exec(name)?.[1];
  if (at === undefined || longNamesAt === 0) return name;
  const bytes = new Uint8Array(VENDOR_SECTION.length + 1);
  const found = bytes.subarray(0, file.read(longNamesAt + Number(at), bytes));
  return new TextDecoder("latin1").decode(found).replace(/\0[^]*$/, "");
}

/**
 * The certificates that a shim trusts by itself; undefined if the image is no shim. Its section `.vendor_cert` holds
 * sizes and offsets of two lists, what is trusted and what is not (cert.S of shim), each a certificate or
 * EFI_SIGNATURE_LISTs.
 */
export function shimAnchors(file: BootFile, { name }: { readonly name: string }): TrustAnchor[] | undefined {
  const { sections, longNamesAt } = readPe(file, { name });
  const section = sections.find((one) => nameOf(one, { file, longNamesAt }) === VENDOR_SECTION);
  if (section === undefined) return undefined;
  const bytes = new Uint8Array(Math.min(section.rawSize, MAX_VENDOR_BYTES));
  const table = bytes.subarray(0, file.read(section.rawOffset, bytes));
  if (table.length < 16) return [];
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const size = view.getUint32(0, true), offset = view.getUint32(8, true);
  const trusted = table.subarray(offset, offset + size);
  try {
    if (trusted.length === 0) return [];
    // a SEQUENCE is a certificate alone
    const certificates = trusted[0] === 0x30 ? [trusted] : parseSignatureLists(trusted).certificates;
    return certificates.map(anchorOf);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}
