import { createHash, type Hash } from "node:crypto";
import { UNIT_BYTES } from "../choice/active_piece.ts";
import { pieceHash } from "../metainfo/metainfo.ts";
import type { PieceMap } from "../metainfo/piece_map.ts";
import type { PieceStorage } from "../ports.ts";

const READ_BYTES = 256 * 1024;

/**
 * Stores the bytes of arriving blocks and verifies whole pieces. Bytes that arrive in order are hashed while they are
 * still in the processor's cache; the rest of the piece is read back at the end.
 */
export class PieceAssembler {
  readonly #map: PieceMap;
  readonly #hashes: Uint8Array;
  readonly #storage: PieceStorage;
  /** The hash over the first `length` bytes of a piece. The bytes it covers are never written again. */
  readonly #running = new Map<number, { hash: Hash; length: number }>();
  /** Pieces with a part that is written twice: read back whole and hashed at the end. */
  readonly #void = new Set<number>();
  #buffer: Uint8Array | undefined;

  constructor(map: PieceMap, { hashes, storage }: { hashes: Uint8Array; storage: PieceStorage }) {
    this.#map = map;
    this.#hashes = hashes;
    this.#storage = storage;
  }

  write(piece: number, { begin, bytes }: { begin: number; bytes: Uint8Array }): void {
    this.#storage.write(this.#map.startOf(piece) + begin, bytes);
    if (begin === 0 && !this.#running.has(piece) && !this.#void.has(piece)) {
      this.#running.set(piece, { hash: createHash("sha1"), length: 0 });
    }
    const running = this.#running.get(piece);
    if (running?.length !== begin) return;
    running.hash.update(bytes);
    running.length += bytes.length;
  }

  /** A part of the piece will be written again. */
  invalidate(piece: number): void {
    this.#running.delete(piece);
    this.#void.add(piece);
  }

  /** Whether the piece matches its hash. Either way, the next write starts it over. */
  verify(piece: number): boolean {
    const { hash, length } = this.#running.get(piece) ?? { hash: createHash("sha1"), length: 0 };
    this.#running.delete(piece);
    this.#void.delete(piece);
    const end = this.#map.lengthOf(piece);
    for (let at = length; at < end; at += READ_BYTES) {
      hash.update(this.#read(piece, { begin: at, length: Math.min(READ_BYTES, end - at) }));
    }
    return hash.digest().equals(pieceHash(this.#hashes, piece));
  }

  /** SHA-1 of each 16 KiB unit of the piece, hexadecimal. */
  unitDigests(piece: number): string[] {
    const digests: string[] = [];
    const end = this.#map.lengthOf(piece);
    for (let at = 0; at < end; at += UNIT_BYTES) {
      const bytes = this.#read(piece, { begin: at, length: Math.min(UNIT_BYTES, end - at) });
      digests.push(createHash("sha1").update(bytes).digest("hex"));
    }
    return digests;
  }

  #read(piece: number, { begin, length }: { begin: number; length: number }): Uint8Array {
    this.#buffer ??= new Uint8Array(READ_BYTES);
    const bytes = this.#buffer.subarray(0, length);
    this.#storage.read(this.#map.startOf(piece) + begin, bytes);
    return bytes;
  }
}
