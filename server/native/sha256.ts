/** SHA-256 of many contents, most of them small: by OpenSSL a call costs a third of what node:crypto takes. */
import { createHash } from "node:crypto";
import { nativeSha256 } from "./native_codecs.ts";

const SHA256_BYTES = 32;

/** 32 bytes. */
export function sha256(content: Uint8Array): Buffer<ArrayBuffer> {
  const out = Buffer.from(new ArrayBuffer(SHA256_BYTES));
  const native = nativeSha256();
  if (native) native(content, out);
  else out.set(createHash("sha256").update(content).digest());
  return out;
}
