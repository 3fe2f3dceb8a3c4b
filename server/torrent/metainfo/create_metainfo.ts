import { createHash } from "node:crypto";
import { choosePieceLength, type Info, PIECE_HASH_BYTES, validateInfo } from "./metainfo.ts";

/** A file on disk, and its name in the torrent. */
interface SourceFile {
  readonly name: string;
  readonly path: string;
}

const READ_BYTES = 1024 * 1024;

/** An existing torrent that has its first `bytes` bytes in common with the new one. */
export interface CommonPrefix {
  readonly info: Info;
  readonly bytes: number;
}

/**
 * Reads the files once, in order, and hashes their pieces (SHA-1 runs at about 1.5 GB/s per core). Pieces inside the
 * `common` prefix are neither read nor hashed. Throws if a file becomes shorter meanwhile. Memory: one read buffer and
 * 20 bytes per piece.
 */
export async function createInfo(
  name: string,
  { files, pieceLength, common, signal }: {
    files: readonly SourceFile[];
    pieceLength?: number;
    common?: CommonPrefix | undefined;
    signal?: AbortSignal;
  },
): Promise<Info> {
  const entries = await Promise.all(
    files.map(async (file) => ({ name: file.name, length: (await Deno.stat(file.path)).size })),
  );
  const total = entries.reduce((sum, file) => sum + file.length, 0);
  const hasher = new PieceHasher(pieceLength ?? choosePieceLength(total), total);
  let known = common === undefined ? 0 : hasher.take(common);
  const buffer = new Uint8Array(READ_BYTES);
  for (const [index, { path }] of files.entries()) {
    let left = entries[index]?.length ?? 0;
    const skipped = Math.min(known, left);
    known -= skipped;
    left -= skipped;
    if (left === 0) continue;
    using source = await Deno.open(path);
    await source.seek(skipped, Deno.SeekMode.Start);
    while (left > 0) {
      signal?.throwIfAborted();
      const got = await source.read(buffer.subarray(0, Math.min(left, buffer.length)));
      if (got === null) throw new Error(`${path} became shorter while it was read`);
      hasher.update(buffer.subarray(0, got));
      left -= got;
    }
  }
  const info = { name, files: entries, pieceLength: hasher.pieceLength, pieceHashes: hasher.finish() };
  validateInfo(info);
  return info;
}

class PieceHasher {
  readonly pieceLength: number;
  readonly #hashes: Uint8Array;
  #piece = 0;
  #filled = 0;
  #hash = createHash("sha1");

  constructor(pieceLength: number, totalLength: number) {
    this.pieceLength = pieceLength;
    this.#hashes = new Uint8Array(Math.ceil(totalLength / pieceLength) * PIECE_HASH_BYTES);
  }

  /** Copies the hashes of the common pieces, if both torrents have the same piece length. Returns the bytes covered. */
  take({ info, bytes }: CommonPrefix): number {
    const pieces = info.pieceLength === this.pieceLength ? Math.floor(bytes / this.pieceLength) : 0;
    this.#hashes.set(info.pieceHashes.subarray(0, pieces * PIECE_HASH_BYTES));
    this.#piece = pieces;
    return pieces * this.pieceLength;
  }

  update(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const take = Math.min(bytes.length - at, this.pieceLength - this.#filled);
      this.#hash.update(bytes.subarray(at, at + take));
      this.#filled += take;
      at += take;
      if (this.#filled === this.pieceLength) this.#close();
    }
  }

  finish(): Uint8Array {
    if (this.#filled > 0) this.#close();
    return this.#hashes;
  }

  #close(): void {
    this.#hashes.set(this.#hash.digest(), this.#piece++ * PIECE_HASH_BYTES);
    this.#hash = createHash("sha1");
    this.#filled = 0;
  }
}
