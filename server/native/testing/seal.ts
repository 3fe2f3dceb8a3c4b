/** An independent implementation of sealed.ts with node:crypto, synchronous: for tests, and to check the codecs. */
import { createCipheriv } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { newSealed } from "#contract/format/sealed.ts";

export function seal(
  raw: Uint8Array,
  { key, level }: { key: Uint8Array; level: number },
): Uint8Array<ArrayBuffer> {
  const packed = zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  const { sealed, parts } = newSealed({ rawBytes: raw.length, packedBytes: packed.length });
  const cipher = createCipheriv("aes-256-gcm", key, parts.nonce);
  cipher.setAAD(parts.additionalData);
  parts.ciphertext.set(cipher.update(packed));
  cipher.final();
  parts.tag.set(cipher.getAuthTag());
  return sealed;
}
