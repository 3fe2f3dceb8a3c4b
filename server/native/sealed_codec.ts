/** Seals and opens containers (#contract/format/sealed.ts) of one key as fast as the machine can. */
import { constants, zstdCompressSync, type ZstdOptions } from "node:zlib";
import { messageOf } from "#contract/errors.ts";
import { type NativeGcm, nativeGcm, type NativeZstd, nativeZstd } from "./native_codecs.ts";
import { MAX_FRAME_BYTES, newSealed, readSealed, unpack } from "#contract/format/sealed.ts";

export interface SealedCodec {
  /** Compresses and seals. */
  seal(raw: Uint8Array, options: { readonly level: number }): Promise<Uint8Array<ArrayBuffer>>;
  /** Seals what `pack` has compressed, here or on a template, and `unpack` has checked. */
  sealPacked(packed: Uint8Array, options: { readonly rawBytes: number }): Promise<Uint8Array<ArrayBuffer>>;
  /** A frame's bytes, valid until the next call. Throws RangeError unless `packed` is `rawBytes` bytes in zstd. */
  unpack(packed: Uint8Array, options: { readonly rawBytes: number }): Uint8Array;
  /**
   * A frame's bytes, valid until the next call. Throws if the container is malformed (RangeError), was changed, or has
   * another key.
   */
  open(sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** Checks that not a bit has changed since sealing; throws as `open` does. */
  authenticate(sealed: Uint8Array<ArrayBuffer>): Promise<void>;
}

/**
 * A codec for one key. `native`: use the machine's libraries if it has them.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { sealedCodec } from "#native/sealed_codec.ts";
 *
 * const codec = await sealedCodec(crypto.getRandomValues(new Uint8Array(32)));
 * const frame = new TextEncoder().encode("the bytes of a frame");
 * const sealed = await codec.seal(frame, { level: 3 });
 * assert.deepEqual(new Uint8Array(await codec.open(sealed)), frame);
 * await assert.rejects(codec.open(sealed.fill(0, 30)));
 * ```
 */
export async function sealedCodec(key: Uint8Array, { native = true } = {}): Promise<SealedCodec> {
  const gcm = nativeGcm(), zstd = nativeZstd();
  return native && gcm && zstd ? nativeCodec(key, { gcm, zstd }) : await runtimeCodec(key);
}

/**
 * Compresses exactly as a codec does, but on another thread if the machine has libzstd. (The runtime's asynchronous
 * zstd works on the calling thread.)
 */
export async function pack(raw: Uint8Array, { level }: { readonly level: number }): Promise<Uint8Array> {
  const zstd = nativeZstd();
  if (zstd) return await zstd.compressAside(raw, { level, hashLog: hashLogOf(level) });
  return zstdCompressSync(raw, zstdOptions(raw, level));
}

function zstdOptions({ length }: Uint8Array, level: number): ZstdOptions {
  return {
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_hashLog]: hashLogOf(level) },
    chunkSize: length + (length >> 7) + 1024,
  };
}

/**
 * The binary logarithm of the size of zstd's hash table, 0 for the level's own. At levels 9 to 12 the default is far
 * too large for a frame's 4 MiB: a half or a quarter of it saves a fifth of the time (a third at level 12) and adds 0.2
 * to 0.5 % to the size.
 */
function hashLogOf(level: number): number {
  return level >= 9 && level <= 12 ? 20 : 0;
}

/** Reuses the same memory for every call. */
function nativeCodec(key: Uint8Array, { gcm, zstd }: { gcm: NativeGcm; zstd: NativeZstd }): SealedCodec {
  const raw = new Uint8Array(MAX_FRAME_BYTES);
  const frame = new Uint8Array(zstd.bound(MAX_FRAME_BYTES));
  /** A manifest may need more than a frame; such memory is not kept. */
  const roomFor = (sizeBytes: number) => sizeBytes <= frame.length ? frame : new Uint8Array(sizeBytes);
  const decrypt = (sealed: Uint8Array) => {
    const { rawBytes, parts } = readSealed(sealed, { maxRawBytes: MAX_FRAME_BYTES });
    const packed = roomFor(parts.ciphertext.length).subarray(0, parts.ciphertext.length);
    gcm.open(parts.ciphertext, { ...parts, key, out: packed });
    return { rawBytes, packed };
  };
  const sealPacked = (packed: Uint8Array, rawBytes: number) => {
    const { sealed, parts } = newSealed({ rawBytes, packedBytes: packed.length });
    gcm.seal(packed, { ...parts, key, out: parts.ciphertext });
    return sealed;
  };
  const decompress = (packed: Uint8Array, rawBytes: number) => {
    const size = zstd.decompress(packed, raw.subarray(0, rawBytes));
    if (size !== rawBytes) throw new RangeError("sealed data does not have the length that it claims");
    return raw.subarray(0, rawBytes);
  };
  return {
    // the work is done before the call returns; only the runtime's codec needs the promise
    seal: (content, { level }) =>
      settled(() => {
        const room = roomFor(zstd.bound(content.length));
        const size = zstd.compress(content, { out: room, level, hashLog: hashLogOf(level) });
        return sealPacked(room.subarray(0, size), content.length);
      }),
    sealPacked: (packed, { rawBytes }) => settled(() => sealPacked(packed, rawBytes)),
    unpack: (packed, { rawBytes }) => decompress(packed, rawBytes),
    open: (sealed) =>
      settled(() => {
        const { rawBytes, packed } = decrypt(sealed);
        return decompress(packed, rawBytes);
      }),
    authenticate: (sealed) => settled(() => void decrypt(sealed)),
  };
}

/** WebCrypto's AES-GCM is two to three times as fast as node:crypto, and runs on another thread. */
async function runtimeCodec(keyBytes: Uint8Array): Promise<SealedCodec> {
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  const key = await crypto.subtle.importKey("raw", new Uint8Array(keyBytes), "AES-GCM", false, usages);
  const decrypt = async (sealed: Uint8Array<ArrayBuffer>) => {
    const { rawBytes, parts } = readSealed(sealed, { maxRawBytes: MAX_FRAME_BYTES });
    const algorithm = { name: "AES-GCM", iv: parts.nonce, additionalData: parts.additionalData };
    // WebCrypto expects the tag after the ciphertext, where the container has it
    const sealedPart = sealed.subarray(parts.ciphertext.byteOffset - sealed.byteOffset);
    return { rawBytes, packed: new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealedPart)) };
  };
  const sealPacked = async (packed: Uint8Array, rawBytes: number) => {
    const { sealed, parts } = newSealed({ rawBytes, packedBytes: packed.length });
    const algorithm = { name: "AES-GCM", iv: parts.nonce, additionalData: parts.additionalData };
    const encrypted = await crypto.subtle.encrypt(algorithm, key, packed as Uint8Array<ArrayBuffer>);
    sealed.set(new Uint8Array(encrypted), parts.ciphertext.byteOffset);
    return sealed;
  };
  return {
    seal: (raw, { level }) => sealPacked(zstdCompressSync(raw, zstdOptions(raw, level)), raw.length),
    sealPacked: (packed, { rawBytes }) => sealPacked(packed, rawBytes),
    unpack(packed, { rawBytes }) {
      try {
        return unpack(packed, rawBytes);
      } catch (error) {
        throw new RangeError(`the data cannot be decompressed: ${messageOf(error)}`, { cause: error });
      }
    },
    async open(sealed) {
      const { rawBytes, packed } = await decrypt(sealed);
      return unpack(packed, rawBytes);
    },
    async authenticate(sealed) {
      await decrypt(sealed);
    },
  };
}

/** An async function would cost an extra turn of the event loop per call. */
function settled<T>(work: () => T): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error);
  }
}
