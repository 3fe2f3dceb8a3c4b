/**
 * The sealed container: zstd inside AES-256-GCM (NIST SP 800-38D), one key per image lineage. The frames of a pack and
 * the manifest in the torrent have this form, so that peers of the swarm carry only ciphertext.
 *
 *     0  magic "RSF1"
 *     4  raw length, u32 big-endian: bytes after decompression
 *     8  compressed length n, u32 big-endian
 *    12  nonce, 12 bytes, random
 *    24  ciphertext, n bytes
 *  24+n  tag, 16 bytes; bytes 0 to 11 are its additional data
 *
 * A random nonce is safe for 2³² seals per key (SP 800-38D §8.3): 16 PiB of frames. #native/ seals and opens.
 */
import { randomBytes } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";

const NONCE_AT = 12;
export const NONCE_BYTES = 12;
const HEAD_BYTES = NONCE_AT + NONCE_BYTES;
export const TAG_BYTES = 16;
export const SEALED_OVERHEAD_BYTES = HEAD_BYTES + TAG_BYTES;
export const SEALED_KEY_BYTES = 32;
const MAGIC = 0x52534631;

/** Largest frame before compression. */
export const MAX_FRAME_BYTES = 4 << 20;

/** Views into one container. */
export interface SealedParts {
  readonly additionalData: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
  readonly tag: Uint8Array<ArrayBuffer>;
}

/** A container with its head and nonce filled in, and views for ciphertext and tag. */
export function newSealed({ rawBytes, packedBytes }: { rawBytes: number; packedBytes: number }): {
  readonly sealed: Uint8Array<ArrayBuffer>;
  readonly parts: SealedParts;
} {
  const sealed = new Uint8Array(packedBytes + SEALED_OVERHEAD_BYTES);
  const view = new DataView(sealed.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, rawBytes);
  view.setUint32(8, packedBytes);
  sealed.set(randomBytes(NONCE_BYTES), NONCE_AT);
  return { sealed, parts: partsOf(sealed) };
}

/** The lengths that the first 12 bytes claim. Throws RangeError if it is not a container, or an oversized one. */
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

/** The parts of a container, not yet authenticated. Throws RangeError if it is malformed or oversized. */
export function readSealed(
  sealed: Uint8Array,
  { maxRawBytes }: { maxRawBytes: number },
): { readonly rawBytes: number; readonly parts: SealedParts } {
  const { rawBytes, sealedBytes } = sealedLengths(sealed, { maxRawBytes });
  if (sealedBytes !== sealed.length) throw new RangeError("sealed data is cut off or has a tail");
  return { rawBytes, parts: partsOf(sealed) };
}

function partsOf(sealed: Uint8Array): SealedParts {
  const end = sealed.length - TAG_BYTES;
  const part = (from: number, to?: number) => sealed.subarray(from, to) as Uint8Array<ArrayBuffer>;
  return {
    additionalData: part(0, NONCE_AT),
    nonce: part(NONCE_AT, HEAD_BYTES),
    ciphertext: part(HEAD_BYTES, end),
    tag: part(end),
  };
}

/** Decompresses the opened content with the runtime's zstd. Throws if its length is not the claimed one. */
export function unpack(packed: Uint8Array, rawBytes: number): Uint8Array {
  const raw = zstdDecompressSync(packed, {
    chunkSize: Math.max(rawBytes, 1024),
    maxOutputLength: rawBytes || 1,
  });
  if (raw.length !== rawBytes) throw new RangeError("sealed data does not have the length that it claims");
  return raw;
}
