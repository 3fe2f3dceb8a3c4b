/**
 * AES-256-GCM, SHA-256 and zstd from the machine's own OpenSSL and libzstd, if it has them. Every byte of an image
 * passes through all three, and the runtime's own are slow: its AES-GCM reaches 0.2 to 0.6 GB/s, OpenSSL's more than
 * 5; its zstd sets up a new context for every frame, and its hashes cost microseconds a call. Debian has both
 * libraries, and so does the initramfs, because kmod needs them. Signatures: openssl/evp.h (OpenSSL 3), zstd.h (zstd 1).
 */
import { NONCE_BYTES, SEALED_KEY_BYTES, TAG_BYTES } from "#contract/format/sealed.ts";
import { SHA256_BYTES } from "#contract/format/sha256.ts";

interface GcmOptions {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly additionalData: Uint8Array;
  /** 16 bytes: `seal` writes them. */
  readonly tag: Uint8Array;
  /** At least as long as the input. */
  readonly out: Uint8Array;
}

export interface NativeGcm {
  /** Writes ciphertext and tag. */
  seal(plaintext: Uint8Array, options: GcmOptions): void;
  /** Writes the plaintext. Throws if the tag does not match. */
  open(ciphertext: Uint8Array, options: GcmOptions): void;
}

export interface NativeZstd {
  /** The most that `compress` writes for this many bytes. */
  bound(sizeBytes: number): number;
  /** `hashLog`: 0 for the level's own. Returns the bytes written to `out`. Throws if `out` is too small. */
  compress(
    raw: Uint8Array,
    options: { readonly out: Uint8Array; readonly level: number; readonly hashLog: number },
  ): number;
  /** Compresses on another thread; several calls may run at once. `raw` must not change meanwhile. */
  compressAside(
    raw: Uint8Array,
    options: { readonly level: number; readonly hashLog: number },
  ): Promise<Uint8Array>;
  /** Returns the bytes written to `out`. Throws if `packed` is malformed or `out` too small. */
  decompress(packed: Uint8Array, out: Uint8Array): number;
}

/** A hash in progress is plain bytes (SHA256_CTX of openssl/sha.h), so another thread can continue it. */
interface NativeSha256Steps {
  begin(): Uint8Array<ArrayBuffer>;
  update(state: Uint8Array, content: Uint8Array): void;
  /** The SHA-256. Nothing can follow. */
  end(state: Uint8Array): Uint8Array;
}

/** Writes the SHA-256 of `content` to `out`, 32 bytes. */
type NativeSha256 = (content: Uint8Array, out: Uint8Array) => void;

const EVP_CTRL_AEAD_GET_TAG = 0x10, EVP_CTRL_AEAD_SET_TAG = 0x11;
const ZSTD_C_COMPRESSION_LEVEL = 100, ZSTD_C_HASH_LOG = 102;

let gcm: NativeGcm | null | undefined;
let sha256: NativeSha256 | null | undefined;
let sha256Steps: NativeSha256Steps | null | undefined;
let zstd: NativeZstd | null | undefined;

/** Null if the machine has no OpenSSL 3. */
export function nativeGcm(): NativeGcm | null {
  return gcm === undefined ? gcm = ifThere(loadGcm) : gcm;
}

/** Null if the machine has no OpenSSL 3. */
export function nativeSha256(): NativeSha256 | null {
  return sha256 === undefined ? sha256 = ifThere(loadSha256) : sha256;
}

/** Null if the machine has no OpenSSL 3. */
export function nativeSha256Steps(): NativeSha256Steps | null {
  return sha256Steps === undefined ? sha256Steps = ifThere(loadSha256Steps) : sha256Steps;
}

/** Null if the machine has no libzstd. */
export function nativeZstd(): NativeZstd | null {
  return zstd === undefined ? zstd = ifThere(loadZstd) : zstd;
}

function ifThere<T>(load: () => T): T | null {
  try {
    return load();
  } catch {
    return null;
  }
}

function loadGcm(): NativeGcm {
  const init = { parameters: ["pointer", "pointer", "pointer", "buffer", "buffer"], result: "i32" } as const;
  const update = { parameters: ["pointer", "buffer", "buffer", "buffer", "i32"], result: "i32" } as const;
  const final = { parameters: ["pointer", "buffer", "buffer"], result: "i32" } as const;
  const { symbols: ssl } = Deno.dlopen("libcrypto.so.3", {
    EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" },
    EVP_CIPHER_CTX_ctrl: { parameters: ["pointer", "i32", "i32", "buffer"], result: "i32" },
    EVP_aes_256_gcm: { parameters: [], result: "pointer" },
    EVP_EncryptInit_ex: init,
    EVP_EncryptUpdate: update,
    EVP_EncryptFinal_ex: final,
    EVP_DecryptInit_ex: init,
    EVP_DecryptUpdate: update,
    EVP_DecryptFinal_ex: final,
  });
  const cipher = ssl.EVP_aes_256_gcm();
  // one for this thread's lifetime: every call initialises it again
  const context = ssl.EVP_CIPHER_CTX_new();
  const length = new Uint8Array(4), rest = new Uint8Array(16);
  const check = (input: Uint8Array, { key, nonce, tag, out }: GcmOptions) => {
    // OpenSSL reads and writes these lengths, whatever the arrays' own
    const fits = key.length === SEALED_KEY_BYTES && nonce.length === NONCE_BYTES && tag.length === TAG_BYTES;
    if (!fits || out.length < input.length) throw new RangeError("an array has a wrong length");
  };
  const must = (result: number, what: string) => {
    if (result !== 1) throw new Error(what);
  };
  return {
    seal(plaintext, options) {
      check(plaintext, options);
      const { key, nonce, additionalData, tag, out } = options;
      const failed = "OpenSSL cannot encrypt";
      must(ssl.EVP_EncryptInit_ex(context, cipher, null, key, nonce), failed);
      must(ssl.EVP_EncryptUpdate(context, null, length, additionalData, additionalData.length), failed);
      must(ssl.EVP_EncryptUpdate(context, out, length, plaintext, plaintext.length), failed);
      must(ssl.EVP_EncryptFinal_ex(context, rest, length), failed);
      must(ssl.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag), failed);
    },
    open(ciphertext, options) {
      check(ciphertext, options);
      const { key, nonce, additionalData, tag, out } = options;
      const failed = "the data was changed, or the key is wrong";
      must(ssl.EVP_DecryptInit_ex(context, cipher, null, key, nonce), failed);
      must(ssl.EVP_DecryptUpdate(context, null, length, additionalData, additionalData.length), failed);
      must(ssl.EVP_DecryptUpdate(context, out, length, ciphertext, ciphertext.length), failed);
      must(ssl.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag), failed);
      must(ssl.EVP_DecryptFinal_ex(context, rest, length), failed);
    },
  };
}

function loadSha256(): NativeSha256 {
  const { symbols: ssl } = Deno.dlopen("libcrypto.so.3", {
    EVP_MD_fetch: { parameters: ["pointer", "buffer", "pointer"], result: "pointer" },
    EVP_Digest: {
      parameters: ["buffer", "usize", "buffer", "pointer", "pointer", "pointer"],
      result: "i32",
    },
  });
  const method = ssl.EVP_MD_fetch(null, new TextEncoder().encode("SHA256\0"), null);
  if (method === null) throw new Error("OpenSSL has no SHA-256");
  return (content, out) => {
    if (out.length !== SHA256_BYTES) throw new RangeError("an array has a wrong length");
    const done = ssl.EVP_Digest(content, BigInt(content.length), out, null, method, null);
    if (done !== 1) throw new Error("OpenSSL cannot hash");
  };
}

/** Size of SHA256_CTX: 28 numbers of 32 bits. */
const SHA256_STATE_BYTES = 28 * 4;

/** By the low-level functions, since the state of EVP's is out of reach. */
function loadSha256Steps(): NativeSha256Steps {
  const { symbols: ssl } = Deno.dlopen("libcrypto.so.3", {
    SHA256_Init: { parameters: ["buffer"], result: "i32" },
    SHA256_Update: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
    SHA256_Final: { parameters: ["buffer", "buffer"], result: "i32" },
  });
  const must = (result: number) => {
    if (result !== 1) throw new Error("OpenSSL cannot hash");
  };
  const whole = (state: Uint8Array) => {
    if (state.length !== SHA256_STATE_BYTES) throw new RangeError("an array has a wrong length");
    return state;
  };
  return {
    begin() {
      const state = new Uint8Array(SHA256_STATE_BYTES);
      must(ssl.SHA256_Init(state));
      return state;
    },
    update: (state, content) => must(ssl.SHA256_Update(whole(state), content, BigInt(content.length))),
    end(state) {
      const out = new Uint8Array(SHA256_BYTES);
      must(ssl.SHA256_Final(out, whole(state)));
      return out;
    },
  };
}

function loadZstd(): NativeZstd {
  const compress2 = {
    parameters: ["pointer", "buffer", "usize", "buffer", "usize"],
    result: "usize",
  } as const;
  const { symbols: lib } = Deno.dlopen("libzstd.so.1", {
    ZSTD_createCCtx: { parameters: [], result: "pointer" },
    ZSTD_CCtx_setParameter: { parameters: ["pointer", "i32", "i32"], result: "usize" },
    ZSTD_compress2: compress2,
    compressAside: { ...compress2, name: "ZSTD_compress2", nonblocking: true },
    ZSTD_compressBound: { parameters: ["usize"], result: "usize" },
    ZSTD_createDCtx: { parameters: [], result: "pointer" },
    ZSTD_decompressDCtx: { parameters: ["pointer", "buffer", "usize", "buffer", "usize"], result: "usize" },
    ZSTD_isError: { parameters: ["usize"], result: "u32" },
  });
  // created on demand: most threads need only one of them
  let packing: Deno.PointerValue = null, unpacking: Deno.PointerValue = null;
  /** Contexts for `compressAside` that are not in use. */
  const idle: Deno.PointerValue[] = [];
  const bound = (sizeBytes: number) => Number(lib.ZSTD_compressBound(BigInt(sizeBytes)));
  const prepare = (context: Deno.PointerValue, { level, hashLog }: { level: number; hashLog: number }) => {
    lib.ZSTD_CCtx_setParameter(context, ZSTD_C_COMPRESSION_LEVEL, level);
    lib.ZSTD_CCtx_setParameter(context, ZSTD_C_HASH_LOG, hashLog);
  };
  const sizeOf = (result: bigint) => {
    if (lib.ZSTD_isError(result) !== 0) throw new RangeError("the data cannot be compressed");
    return Number(result);
  };
  return {
    bound,
    compress(raw, { out, ...options }) {
      packing ??= lib.ZSTD_createCCtx();
      prepare(packing, options);
      return sizeOf(lib.ZSTD_compress2(packing, out, BigInt(out.length), raw, BigInt(raw.length)));
    },
    async compressAside(raw, options) {
      const context = idle.pop() ?? lib.ZSTD_createCCtx();
      try {
        prepare(context, options);
        const out = new Uint8Array(bound(raw.length));
        const size = await lib.compressAside(context, out, BigInt(out.length), raw, BigInt(raw.length));
        return out.subarray(0, sizeOf(size));
      } finally {
        idle.push(context);
      }
    },
    decompress(packed, out) {
      unpacking ??= lib.ZSTD_createDCtx();
      const room = BigInt(out.length), length = BigInt(packed.length);
      const size = lib.ZSTD_decompressDCtx(unpacking, out, room, packed, length);
      if (lib.ZSTD_isError(size) !== 0) throw new RangeError("the data cannot be decompressed");
      return Number(size);
    },
  };
}
