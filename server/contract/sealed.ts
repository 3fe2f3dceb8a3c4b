/**
 * The sealed container: zstd inside AES-256-GCM (NIST SP 800-38D), one key per image lineage. Frames of a pack
 * and the manifest in the torrent have this form, so that whoever joins the swarm carries ciphertext only.
 *
 *     0  magic "RSF1"
 *     4  raw length, u32 big-endian: bytes after decompression
 *     8  compressed length n, u32 big-endian
 *    12  nonce, 12 bytes, random
 *    24  ciphertext, n bytes
 *  24+n  tag, 16 bytes; bytes 0 to 11 are its additional data
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

export const SEALED_OVERHEAD_BYTES = 24 + 16;
export const SEALED_KEY_BYTES = 32;
const MAGIC = 0x52534631;

/** Largest frame before compression. */
export const MAX_FRAME_BYTES = 4 << 20;

/** Compresses and seals. A random nonce is safe for 2³² seals a key (SP 800-38D §8.3): 16 PiB of frames. */
export function seal(raw: Uint8Array, { key, level }: { key: Uint8Array; level: number }): Uint8Array {
  const { out, packed } = compressed(raw, level);
  const cipher = createCipheriv("aes-256-gcm", key, out.subarray(12, 24));
  cipher.setAAD(out.subarray(0, 12));
  out.set(cipher.update(packed), 24);
  cipher.final();
  out.set(cipher.getAuthTag(), 24 + packed.length);
  return out;
}

/** As `seal`, by WebCrypto: Deno's AES-GCM is two to three times as fast there, and off this thread. */
export async function sealAsync(
  raw: Uint8Array,
  { key, level }: { key: CryptoKey; level: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const { out, packed } = compressed(raw, level);
  const algorithm = { name: "AES-GCM", iv: out.subarray(12, 24), additionalData: out.subarray(0, 12) };
  out.set(new Uint8Array(await crypto.subtle.encrypt(algorithm, key, packed as Uint8Array<ArrayBuffer>)), 24);
  return out;
}

/** The key as `sealAsync` and `openAsync` take it. */
export function importSealedKey(key: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** The container with its head and nonce filled in, and what is to be encrypted into it. */
function compressed(raw: Uint8Array, level: number) {
  const packed = zstdCompressSync(raw, {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    chunkSize: raw.length + (raw.length >> 7) + 1024,
  });
  const out = new Uint8Array(packed.length + SEALED_OVERHEAD_BYTES);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, raw.length);
  view.setUint32(8, packed.length);
  out.set(randomBytes(12), 12);
  return { out, packed };
}

/** What the first 12 bytes say, before anything is believed. Throws RangeError on a foreign or oversized one. */
export function sealedLengths(
  head: Uint8Array,
  { maxRawBytes }: { maxRawBytes: number },
): { rawBytes: number; sealedBytes: number } {
  if (head.length < 12) throw new RangeError("sealed data is cut off");
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getUint32(0) !== MAGIC) throw new RangeError("not sealed data of a known version");
  const rawBytes = view.getUint32(4);
  if (rawBytes > maxRawBytes) {
    throw new RangeError(`sealed data claims ${rawBytes} bytes, more than ${maxRawBytes}`);
  }
  return { rawBytes, sealedBytes: view.getUint32(8) + SEALED_OVERHEAD_BYTES };
}

/**
 * Opens and decompresses. Throws RangeError where the container is malformed and Error where the key is wrong
 * or a bit was changed.
 */
export function open(
  sealed: Uint8Array,
  { key, maxRawBytes = MAX_FRAME_BYTES }: { key: Uint8Array; maxRawBytes?: number },
): Uint8Array {
  const { rawBytes, sealedBytes } = sealedLengths(sealed, { maxRawBytes });
  if (sealedBytes !== sealed.length) throw new RangeError("sealed data is cut off or has a tail");
  const end = sealed.length - 16;
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(12, 24), { authTagLength: 16 });
  decipher.setAAD(sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(end));
  const packed = decipher.update(sealed.subarray(24, end));
  decipher.final();
  return decompressed(packed, rawBytes);
}

/** As `open`, by WebCrypto. */
export async function openAsync(
  sealed: Uint8Array<ArrayBuffer>,
  { key, maxRawBytes = MAX_FRAME_BYTES }: { key: CryptoKey; maxRawBytes?: number },
): Promise<Uint8Array> {
  const { rawBytes } = sealedLengths(sealed, { maxRawBytes });
  return decompressed(await decrypt(sealed, { key, maxRawBytes }), rawBytes);
}

/** Whether these are the bytes that were sealed, to the last bit: throws as `openAsync` does where they are not. */
export async function authenticate(
  sealed: Uint8Array<ArrayBuffer>,
  { key, maxRawBytes = MAX_FRAME_BYTES }: { key: CryptoKey; maxRawBytes?: number },
): Promise<void> {
  await decrypt(sealed, { key, maxRawBytes });
}

async function decrypt(
  sealed: Uint8Array<ArrayBuffer>,
  { key, maxRawBytes }: { key: CryptoKey; maxRawBytes: number },
): Promise<Uint8Array> {
  const { sealedBytes } = sealedLengths(sealed, { maxRawBytes });
  if (sealedBytes !== sealed.length) throw new RangeError("sealed data is cut off or has a tail");
  const algorithm = { name: "AES-GCM", iv: sealed.subarray(12, 24), additionalData: sealed.subarray(0, 12) };
  return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealed.subarray(24)));
}

function decompressed(packed: Uint8Array, rawBytes: number): Uint8Array {
  const raw = zstdDecompressSync(packed, {
    chunkSize: Math.max(rawBytes, 1024),
    maxOutputLength: rawBytes || 1,
  });
  if (raw.length !== rawBytes) throw new RangeError("sealed data has another length than it claims");
  return raw;
}
