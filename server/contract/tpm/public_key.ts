/**
 * The two keys of a quote, as TPMT_PUBLIC (TPM 2.0 Library, Part 2 §12.2.4):
 *
 *     type 2 | nameAlg 2 | attributes 4 | authPolicy 2+n | symmetric 2(+4) | scheme 2(+2) | curve 2 | kdf 2 | x 2+n | y 2+n
 *
 * EK, the endorsement key, is made from a secret of the TPM by the template L-2 of the TCG EK Credential Profile: it is
 * always the same, and so tells one TPM from all others. It only decrypts.
 *
 * AK, the attestation key, is made from a secret that the TPM changes at each start. It signs only what the TPM itself
 * says ("restricted").
 */
import { createHash } from "node:crypto";
import { concat, sized, TpmReader, u16, u32 } from "./bytes.ts";

export const TPM_ALG = { aes: 0x0006, sha256: 0x000b, null: 0x0010, ecdsa: 0x0018, ecc: 0x0023, cfb: 0x0043 };
const NIST_P256 = 0x0003;
const COORDINATE_BYTES = 32;

/** TPMA_OBJECT (Part 2 §8.3). */
const ATTRIBUTE = {
  fixedTpm: 1 << 1,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  adminWithPolicy: 1 << 7,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
};

/** PolicySecret with the endorsement hierarchy, from the EK Credential Profile. */
const EK_POLICY = Buffer.from("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa", "hex");

export type TpmKey = "ek" | "ak";

/** A point of the curve P-256; each coordinate has 32 bytes. */
export interface Point {
  readonly x: Uint8Array<ArrayBuffer>;
  readonly y: Uint8Array<ArrayBuffer>;
}

/** Everything before the point. */
function headOf(key: TpmKey): Uint8Array<ArrayBuffer> {
  const { fixedTpm, fixedParent, sensitiveDataOrigin, userWithAuth, adminWithPolicy } = ATTRIBUTE;
  const origin = fixedTpm | fixedParent | sensitiveDataOrigin | ATTRIBUTE.restricted;
  const none = u16(TPM_ALG.null);
  const [attributes, policy, symmetric, scheme] = key === "ek"
    ? [
      origin | adminWithPolicy | ATTRIBUTE.decrypt,
      EK_POLICY,
      concat(u16(TPM_ALG.aes), u16(128), u16(TPM_ALG.cfb)),
      none,
    ]
    : [
      origin | userWithAuth | ATTRIBUTE.sign,
      new Uint8Array(),
      none,
      concat(u16(TPM_ALG.ecdsa), u16(TPM_ALG.sha256)),
    ];
  const kinds = [u16(TPM_ALG.ecc), u16(TPM_ALG.sha256), u32(attributes)];
  return concat(...kinds, sized(policy), symmetric, scheme, u16(NIST_P256), none);
}

/** What TPM2_CreatePrimary makes the key from. */
export function templateOf(key: TpmKey): Uint8Array<ArrayBuffer> {
  // the profile fills the EK's point with zeros; any other would make another key
  const coordinate = sized(new Uint8Array(key === "ek" ? COORDINATE_BYTES : 0));
  return concat(headOf(key), coordinate, coordinate);
}

/** The key's point. Throws RangeError unless the bytes are a key of exactly this template. */
export function pointOf(publicArea: Uint8Array, key: TpmKey): Point {
  const reader = new TpmReader(publicArea), head = headOf(key);
  if (!Buffer.from(reader.take(head.length)).equals(head)) {
    throw new RangeError(`the ${key.toUpperCase()} was not made by the expected template`);
  }
  const point = { x: coordinate(reader.sized()), y: coordinate(reader.sized()) };
  reader.end();
  return point;
}

/** Some TPMs leave leading zeros out. */
function coordinate(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0 || bytes.length > COORDINATE_BYTES) {
    throw new RangeError(`a coordinate of the TPM's key has ${bytes.length} bytes`);
  }
  return concat(new Uint8Array(COORDINATE_BYTES - bytes.length), bytes);
}

/** The Name of a key (Part 1 §16): the hash of its public area. */
export function nameOf(publicArea: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(u16(TPM_ALG.sha256), createHash("sha256").update(publicArea).digest());
}

/** By which people and the database know a TPM: SHA-256 of its EK's public area, in hex. */
export function fingerprintOf(ek: Uint8Array): string {
  return createHash("sha256").update(ek).digest("hex");
}
