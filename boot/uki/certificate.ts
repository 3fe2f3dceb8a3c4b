/** X.509 certificates (RFC 5280 §4.1), as far as Secure Boot is about them. */
import { Buffer } from "node:buffer";
import { createHash, createPublicKey, verify } from "node:crypto";
import { derValues, oid } from "./der.ts";

interface Certificate {
  /** The certificate itself. */
  readonly whole: Uint8Array;
  /** What its issuer has signed. */
  readonly body: Uint8Array;
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * The parts of a certificate, DER. Certificate { TBSCertificate { [0] version, serial, signature, issuer, validity,
 * subject, subjectPublicKeyInfo, … }, algorithm, signature }. Throws RangeError if it is none.
 */
export function parseCertificate(certificate: Uint8Array): Certificate {
  const [whole] = derValues(certificate);
  const [body, algorithm, signature] = derValues(whole?.content ?? new Uint8Array());
  const fields = derValues(body?.content ?? new Uint8Array());
  if (fields[0]?.tag === 0xa0) fields.shift();
  const [serial, , issuer, , subject, publicKey] = fields;
  const isWhole = serial?.tag === 2 && issuer?.tag === 0x30 && subject?.tag === 0x30 &&
    publicKey?.tag === 0x30;
  if (!whole || !body || !algorithm || signature?.tag !== 3 || !isWhole) {
    throw new RangeError("this is not an X.509 certificate");
  }
  return {
    whole: whole.whole,
    body: body.whole,
    serial: serial.whole,
    issuer: issuer.whole,
    subject: subject.whole,
    publicKey: publicKey.whole,
    algorithm: derValues(algorithm.content)[0]?.whole ?? new Uint8Array(),
    // the first byte of a BIT STRING counts its unused bits
    signature: signature.content.subarray(1),
  };
}

const HASHES: ReadonlyMap<string, string> = new Map([
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
  ["1.2.840.113549.1.1.5", "sha1"],
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
].map(([text = "", hash = ""]) => [oid(text).toHex(), hash]));

/** The hash function of an algorithm, given its object identifier in DER; undefined if this code does not know it. */
export function hashOf(algorithm: Uint8Array): string | undefined {
  return HASHES.get(algorithm.toHex());
}

/** Whether the signature is that of the key over the bytes. */
export function verifies(
  bytes: Uint8Array,
  { hash, publicKey, signature }: {
    readonly hash: string;
    readonly publicKey: Uint8Array;
    readonly signature: Uint8Array;
  },
): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
    return verify(hash, bytes, key, signature);
  } catch {
    return false; // a key of another kind
  }
}

export function isIssuedBy(child: Certificate, parent: Certificate): boolean {
  const hash = hashOf(child.algorithm);
  return hash !== undefined && child.issuer.toHex() === parent.subject.toHex() &&
    verifies(child.body, { hash, publicKey: parent.publicKey, signature: child.signature });
}

const COMMON_NAME = oid("2.5.4.3").toHex(), ORGANIZATIONAL_UNIT = oid("2.5.4.11").toHex();

/** A name for people: the common name, or the last part that there is. */
export function nameIn(distinguishedName: Uint8Array): string {
  const parts = new Map<string, string>();
  try {
    for (const set of derValues(derValues(distinguishedName)[0]?.content ?? new Uint8Array())) {
      for (const pair of derValues(set.content)) {
        const [type, value] = derValues(pair.content);
        if (type === undefined || value === undefined) continue;
        const encoding = value.tag === 0x1e ? "utf-16be" : "utf-8";
        parts.set(type.whole.toHex(), new TextDecoder(encoding).decode(value.content));
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  const name = parts.get(COMMON_NAME) ?? parts.get(ORGANIZATIONAL_UNIT) ?? [...parts.values()].at(-1) ?? "";
  // deno-lint-ignore no-control-regex -- what a firmware's variable holds ends up on a console
  return name.replaceAll(/[\u0000-\u001f\u007f]/g, " ").trim().slice(0, 100) ||
    "a certificate without a name";
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
