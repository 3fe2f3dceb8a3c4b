/**
 * A request to shim to trust a further certificate (MOK): at the next start its MokManager asks a person for a password.
 * The variables are those of `mokutil --import` (shim's PasswordCrypt.h and MokVars.txt):
 *
 *     MokNew    EFI_SIGNATURE_LISTs
 *     MokAuth   2 method  8 rounds  2 length of the salt  32 salt  128 hash
 */
import { createHash } from "node:crypto";
import { joined } from "./der.ts";
import { signatureLists } from "./signature_list.ts";

/** Vendor GUID of shim's variables. */
export const SHIM = "605dab50-e046-4300-abb6-3dd810dd8b23";
/** Non-volatile, at boot and run time. */
const ATTRIBUTES = 7;
const SHA512_CRYPT = 4, ROUNDS = 5000, SALT_AT = 12, HASH_AT = 44, AUTH_BYTES = 172;

interface MokVariable {
  readonly name: "MokNew" | "MokAuth";
  readonly vendor: string;
  readonly attributes: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** `certificate`: DER; `salt`: at most 16 characters of crypt(5). */
export function mokRequest(
  certificate: Uint8Array,
  { password, salt }: { readonly password: string; readonly salt: string },
): MokVariable[] {
  const auth = new Uint8Array(AUTH_BYTES), view = new DataView(auth.buffer);
  view.setUint16(0, SHA512_CRYPT, true);
  view.setBigUint64(2, BigInt(ROUNDS), true);
  view.setUint16(10, salt.length, true);
  auth.set(new TextEncoder().encode(salt), SALT_AT);
  auth.set(sha512Crypt(password, salt), HASH_AT);
  const variable = { vendor: SHIM, attributes: ATTRIBUTES };
  return [
    { name: "MokNew", ...variable, data: signatureLists([{ owner: SHIM, certificate }]) },
    { name: "MokAuth", ...variable, data: auth },
  ];
}

/** The hash of crypt(3) with "$6$" and 5000 rounds (Drepper, "Unix crypt using SHA-256 and SHA-512"), not encoded. */
export function sha512Crypt(password: string, salt: string): Uint8Array {
  const [p, s] = [password, salt].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array];
  const sha = (...parts: readonly Uint8Array[]) => {
    const hash = createHash("sha512");
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  };
  const other = sha(p, s, p), bits: Uint8Array[] = [];
  for (let length = p.length; length > 0; length >>= 1) bits.push(length & 1 ? other : p);
  let result = sha(p, s, repeated(other, p.length), ...bits);
  const passwords = repeated(sha(...new Array<Uint8Array>(p.length).fill(p)), p.length);
  const salts = repeated(sha(...new Array<Uint8Array>(16 + (result[0] ?? 0)).fill(s)), s.length);
  for (let round = 0; round < ROUNDS; round++) {
    const isOdd = round % 2 === 1;
    result = sha(
      isOdd ? passwords : result,
      ...(round % 3 === 0 ? [] : [salts]),
      ...(round % 7 === 0 ? [] : [passwords]),
      isOdd ? result : passwords,
    );
  }
  return result;
}

/** The bytes, over and over. */
function repeated(bytes: Uint8Array, length: number): Uint8Array {
  const count = Math.ceil(length / bytes.length);
  return joined(new Array<Uint8Array>(count).fill(bytes)).subarray(0, length);
}
