/** Encodes a file's bytes for the wire, and computes its checksums. */
import { createHash } from "node:crypto";
import { constants, deflateRawSync } from "node:zlib";
import { int32 } from "#rsync/integers.ts";
import { md4 } from "./md4.ts";

const MAX_LITERAL_BYTES = 32 * 1024;
/** The length of a chunk of deflated data has 14 bits. */
const MAX_DEFLATED_BYTES = 16_383;
const DEFLATED = 0x40;
/** The end that a flush leaves on deflated data. The receiver adds it itself (token.c). */
const FLUSH_BYTES = 4;

/** Uncompressed: chunks, each after its length, and a length of 0 at the end (simple_send_token). */
export function* literals(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MAX_LITERAL_BYTES) {
    const part = bytes.subarray(at, at + MAX_LITERAL_BYTES);
    yield int32(part.length);
    yield part;
  }
  yield int32(0);
}

/** Raw deflate in chunks, each after a two-byte head (bits 01, then a 14-bit length); 0 ends (send_deflated_token). */
export function* deflated(bytes: Uint8Array): Generator<Uint8Array> {
  if (bytes.length > 0) {
    const whole = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
    const data = whole.subarray(0, -FLUSH_BYTES);
    for (let at = 0; at < data.length; at += MAX_DEFLATED_BYTES) {
      const part = data.subarray(at, at + MAX_DEFLATED_BYTES);
      yield Uint8Array.of(DEFLATED | part.length >> 8, part.length & 0xff);
      yield part;
    }
  }
  yield Uint8Array.of(0);
}

/** The checksum in the file list (checksum.c: file_checksum). */
export function listChecksum(bytes: Uint8Array, { protocol }: { protocol: number }): Uint8Array {
  return protocol >= 30 ? createHash("md5").update(bytes).digest() : md4(bytes);
}

/** The checksum that follows a file's bytes (checksum.c: sum_init, sum_end). MD4 starts with the session's seed. */
export function transferChecksum(
  bytes: Uint8Array,
  { protocol, seed }: { protocol: number; seed: number },
): Uint8Array {
  return protocol >= 30 ? listChecksum(bytes, { protocol }) : md4(int32(seed), bytes);
}
