/** Opens sealed frames (#contract/sealed.ts) as fast as the machine can, into the same memory every time. */
import {
  importSealedKey,
  MAX_FRAME_BYTES,
  openAsync,
  SEALED_OVERHEAD_BYTES,
  sealedLengths,
} from "#contract/sealed.ts";
import { type NativeGcm, nativeGcm, type NativeZstd, nativeZstd } from "../../sys/native_codecs.ts";

export interface FrameOpener {
  /** The frame's bytes, valid until the next call. Throws where it is malformed, changed or of another key. */
  open(sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

/** `native`: whether the machine's libraries are used where it has them. */
export async function frameOpener(key: Uint8Array, { native = true } = {}): Promise<FrameOpener> {
  const gcm = nativeGcm(), zstd = nativeZstd();
  if (native && gcm && zstd) return nativeOpener(key, { gcm, zstd });
  const imported = await importSealedKey(key);
  return { open: (sealed) => openAsync(sealed, { key: imported }) };
}

/** Magic, lengths and nonce come before the ciphertext, the tag after it; see #contract/sealed.ts. */
const HEAD_BYTES = 24, NONCE_AT = 12, TAG_BYTES = SEALED_OVERHEAD_BYTES - HEAD_BYTES;

function nativeOpener(key: Uint8Array, { gcm, zstd }: { gcm: NativeGcm; zstd: NativeZstd }): FrameOpener {
  const raw = new Uint8Array(MAX_FRAME_BYTES);
  let packed = new Uint8Array(MAX_FRAME_BYTES);
  const open = (sealed: Uint8Array): Uint8Array => {
    const { rawBytes, sealedBytes } = sealedLengths(sealed, { maxRawBytes: MAX_FRAME_BYTES });
    if (sealedBytes !== sealed.length) throw new RangeError("sealed data is cut off or has a tail");
    const end = sealed.length - TAG_BYTES;
    const ciphertext = sealed.subarray(HEAD_BYTES, end);
    if (packed.length < ciphertext.length) packed = new Uint8Array(ciphertext.length);
    gcm.open(ciphertext, {
      key,
      nonce: sealed.subarray(NONCE_AT, HEAD_BYTES),
      additionalData: sealed.subarray(0, NONCE_AT),
      tag: sealed.subarray(end),
      out: packed,
    });
    const size = zstd.decompress(packed.subarray(0, ciphertext.length), raw.subarray(0, rawBytes));
    if (size !== rawBytes) throw new RangeError("sealed data has another length than it claims");
    return raw.subarray(0, rawBytes);
  };
  // not an async function: it would cost a turn per call for nothing
  return {
    open: (sealed) => {
      try {
        return Promise.resolve(open(sealed));
      } catch (error) {
        return Promise.reject(error);
      }
    },
  };
}
