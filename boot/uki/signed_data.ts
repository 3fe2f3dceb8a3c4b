/**
 * PKCS #7 signatures (RFC 2315) by one RSA key with SHA-256: those of EFI images (Authenticode), and those of Secure
 * Boot's variables (UEFI 2.10 §8.2.2).
 */
import { createHash, createPrivateKey, sign } from "node:crypto";
import { parseCertificate } from "./certificate.ts";
import { type Der, der, derValues, joined, NULL, octets, oid, sequence, setOf, tagged } from "./der.ts";

/** Who signs. */
export interface UkiSigner {
  /** X.509, DER. */
  readonly certificate: Uint8Array;
  /** RSASSA-PKCS1-v1_5 with SHA-256 over the bytes. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

export const OID = {
  data: oid("1.2.840.113549.1.7.1"),
  signedData: oid("1.2.840.113549.1.7.2"),
  contentType: oid("1.2.840.113549.1.9.3"),
  messageDigest: oid("1.2.840.113549.1.9.4"),
  rsa: oid("1.2.840.113549.1.1.1"),
  sha256: oid("2.16.840.1.101.3.4.2.1"),
  indirectData: oid("1.3.6.1.4.1.311.2.1.4"),
  peImage: oid("1.3.6.1.4.1.311.2.1.15"),
};
const SHA256 = sequence(OID.sha256, NULL), RSA = sequence(OID.rsa, NULL);
const VERSION_1 = Uint8Array.of(2, 1, 1);

/** `privateKey`: PKCS #8, PEM. */
export function signerOf(
  { privateKey, certificate }: { privateKey: string; certificate: Uint8Array },
): UkiSigner {
  const key = createPrivateKey(privateKey);
  return { certificate, sign: (bytes) => sign("sha256", bytes, key) };
}

/** The signature of an EFI image, given its Authenticode digest. It has no time, so the same image gets the same one. */
export function signImage(digest: Uint8Array, signer: UkiSigner): Der {
  // SpcPeImageData: no flags, and a file name that nobody uses any more
  const obsolete = tagged(2, der(0x80, utf16be("<<<Obsolete>>>")));
  const image = sequence(der(3, Uint8Array.of(0)), tagged(0, obsolete));
  const content = joined([sequence(OID.peImage, image), sequence(SHA256, octets(digest))]);
  const attributes = [
    sequence(OID.contentType, setOf(OID.indirectData)),
    sequence(OID.messageDigest, setOf(octets(createHash("sha256").update(content).digest()))),
  ];
  // Signed as a SET, stored with the tag [0] (RFC 2315 §9.3).
  const info = signerInfo(signer, {
    attributes: tagged(0, ...derValues(setOf(...attributes)).map(({ content }) => content)),
    signature: signer.sign(setOf(...attributes)),
  });
  const data = signedData(signer, {
    content: sequence(OID.indirectData, tagged(0, sequence(content))),
    info,
  });
  return sequence(OID.signedData, tagged(0, data));
}

/** The signature of bytes that are not in it. It is a bare SignedData, which all firmware reads. */
export function signDetached(bytes: Uint8Array, signer: UkiSigner): Der {
  return signedData(signer, {
    content: sequence(OID.data),
    info: signerInfo(signer, { signature: signer.sign(bytes) }),
  });
}

function signedData(
  { certificate }: UkiSigner,
  { content, info }: { readonly content: Der; readonly info: Der },
): Der {
  return sequence(VERSION_1, setOf(SHA256), content, tagged(0, certificate), setOf(info));
}

function signerInfo(
  { certificate }: UkiSigner,
  { attributes, signature }: { readonly attributes?: Der; readonly signature: Uint8Array },
): Der {
  return sequence(
    ...[VERSION_1, issuerAndSerial(certificate), SHA256],
    ...(attributes === undefined ? [] : [attributes]),
    ...[RSA, octets(signature)],
  );
}

function issuerAndSerial(certificate: Uint8Array): Der {
  const { issuer, serial } = parseCertificate(certificate);
  return sequence(issuer, serial);
}

function utf16be(text: string): Uint8Array {
  return Uint8Array.from([...text].flatMap((letter) => [0, letter.charCodeAt(0)]));
}
