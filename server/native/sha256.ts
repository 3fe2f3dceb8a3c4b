/** SHA-256 of many contents, most of them small: a call of OpenSSL takes a third of the time of node:crypto. */
import { createHash } from "node:crypto";
import { SHA256_BYTES } from "#contract/format/sha256.ts";
import { nativeSha256 } from "./native_codecs.ts";

/** The raw hash. */
export function sha256(content: Uint8Array): Buffer<ArrayBuffer> {
  const out = Buffer.from(new ArrayBuffer(SHA256_BYTES));
  const native = nativeSha256();
  if (native) native(content, out);
  else out.set(createHash("sha256").update(content).digest());
  return out;
}
