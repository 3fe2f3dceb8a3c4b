/** A key for Secure Boot with its certificate, signed by itself. */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { type Der, der, NULL, octets, oid, sequence, setOf, tagged } from "./der.ts";

interface SecureBootKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** X.509, DER. */
  readonly certificate: Der;
}

const SHA256_WITH_RSA = sequence(oid("1.2.840.113549.1.1.11"), NULL);
/** Firmware does not look at the time, and its clock may be dead. */
const VALID = sequence(time("19700102000000Z"), time("21990101000000Z"));
const BASIC_CONSTRAINTS = oid("2.5.29.19"), TRUE = Uint8Array.of(1, 1, 255);

/** RSA with 2048 bits: more than that, or another algorithm, is not sure to be known to firmware (UEFI 2.10 §32.4.1). */
export function makeSecureBootKey({ commonName }: { readonly commonName: string }): SecureBootKey {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const name = sequence(setOf(sequence(oid("2.5.4.3"), der(12, new TextEncoder().encode(commonName)))));
  const serial = Uint8Array.from(randomBytes(16));
  serial[0] = (serial[0] ?? 0) & 0x3f | 0x40;
  const body = sequence(
    ...[tagged(0, Uint8Array.of(2, 1, 2)), der(2, serial), SHA256_WITH_RSA, name, VALID, name],
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    tagged(3, sequence(sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE))))),
  );
  const signature = sign("sha256", body, privateKey);
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    certificate: sequence(body, SHA256_WITH_RSA, der(3, Uint8Array.of(0), signature)),
  };
}

/** UTCTime until 2049, GeneralizedTime after it (RFC 5280 §4.1.2.5). */
function time(text: string): Der {
  const isUtc = text < "2050";
  return der(isUtc ? 0x17 : 0x18, new TextEncoder().encode(isUtc ? text.slice(2) : text));
}
