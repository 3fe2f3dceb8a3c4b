/** Opens single containers (#contract/format/sealed.ts); sealed_codec.ts opens many with one key. */
import { createDecipheriv } from "node:crypto";
import { MAX_FRAME_BYTES, readSealed, type SealedParts, TAG_BYTES, unpack } from "#contract/format/sealed.ts";
import { nativeGcm } from "./native_codecs.ts";

/**
 * Opens and decompresses a container. Throws RangeError if it is malformed, and Error if the key is wrong or a bit was
 * changed.
 */
export function open(
  sealed: Uint8Array,
  { key, maxRawBytes = MAX_FRAME_BYTES }: { key: Uint8Array; maxRawBytes?: number },
): Uint8Array {
  const { rawBytes, parts } = readSealed(sealed, { maxRawBytes });
  return unpack(decrypt(parts, key), rawBytes);
}

function decrypt({ additionalData, nonce, ciphertext, tag }: SealedParts, key: Uint8Array): Uint8Array {
  const gcm = nativeGcm();
  if (gcm) {
    const out = new Uint8Array(ciphertext.length);
    gcm.open(ciphertext, { key, nonce, additionalData, tag, out });
    return out;
  }
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(tag);
  const packed = decipher.update(ciphertext);
  decipher.final();
  return packed;
}
