/**
 * TPM2_MakeCredential without a TPM: seals a value so that only the TPM with this EK opens it, and only for a key of
 * this name that is in the same TPM (TPM 2.0 Library, Part 1 §24 and Annex C.6.4). Pure but for its randomness.
 */
import { createCipheriv, createECDH, createHash, createHmac } from "node:crypto";
import { concat, sized, u32 } from "#contract/tpm/bytes.ts";
import type { Point } from "#contract/tpm/public_key.ts";

const AES_BYTES = 16;
const HASH_BITS = 256;

interface Credential {
  /** TPM2B_ID_OBJECT */
  readonly credential: Uint8Array<ArrayBuffer>;
  /** TPM2B_ENCRYPTED_SECRET */
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** `name`: that of the AK. Throws RangeError if the EK's point is not on the curve. */
export function makeCredential(
  value: Uint8Array,
  { ek, name }: { readonly ek: Point; readonly name: Uint8Array },
): Credential {
  const { seed, ephemeral } = sharedSeed(ek);
  const key = kdfa(seed, { label: "STORAGE", context: name, bits: AES_BYTES * 8 });
  const sealed = encryptCfb(key, sized(value));
  const macKey = kdfa(seed, { label: "INTEGRITY", context: new Uint8Array(), bits: HASH_BITS });
  const mac = createHmac("sha256", macKey).update(sealed).update(name).digest();
  return {
    credential: sized(sized(mac), sealed),
    secret: sized(sized(ephemeral.x), sized(ephemeral.y)),
  };
}

/** Annex C.6.1: by ECDH with a key that is used once. */
function sharedSeed(ek: Point): { seed: Uint8Array; ephemeral: Point } {
  const ecdh = createECDH("prime256v1");
  const own = ecdh.generateKeys();
  const ephemeral = { x: new Uint8Array(own.subarray(1, 33)), y: new Uint8Array(own.subarray(33, 65)) };
  let shared: Uint8Array;
  try {
    shared = ecdh.computeSecret(concat(Uint8Array.of(4), ek.x, ek.y));
  } catch (cause) {
    throw new RangeError("the EK is no point of its curve", { cause });
  }
  return { seed: kdfe(shared, { label: "IDENTITY", u: ephemeral.x, v: ek.x }), ephemeral };
}

/** Part 1 §11.4.10.2, for SP 800-108: one block of HMAC-SHA-256 suffices. */
function kdfa(
  key: Uint8Array,
  { label, context, bits }: { label: string; context: Uint8Array; bits: number },
): Uint8Array {
  const hmac = createHmac("sha256", key).update(u32(1)).update(`${label}\0`).update(context).update(
    u32(bits),
  );
  return hmac.digest().subarray(0, bits / 8);
}

/** Part 1 §11.4.10.3, for SP 800-56A: one block of SHA-256 suffices. */
function kdfe(
  shared: Uint8Array,
  { label, u, v }: { label: string; u: Uint8Array; v: Uint8Array },
): Uint8Array {
  return createHash("sha256").update(u32(1)).update(shared).update(`${label}\0`).update(u).update(v).digest();
}

/** AES-128-CFB with an initial vector of zeros, which not every runtime's cipher list has. */
function encryptCfb(key: Uint8Array, plain: Uint8Array): Uint8Array<ArrayBuffer> {
  const sealed = new Uint8Array(plain.length);
  let feedback: Uint8Array = new Uint8Array(AES_BYTES);
  for (let at = 0; at < plain.length; at += AES_BYTES) {
    const pad = encryptBlock(key, feedback);
    for (let i = at; i < Math.min(at + AES_BYTES, plain.length); i++) sealed[i] = plain[i]! ^ pad[i - at]!;
    feedback = sealed.subarray(at, at + AES_BYTES);
  }
  return sealed;
}

function encryptBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-128-ecb", key, new Uint8Array());
  cipher.setAutoPadding(false);
  return concat(cipher.update(block), cipher.final());
}
