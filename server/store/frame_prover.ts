import type { DataDirectory } from "./data_directory.ts";
import type { FramePool } from "./frame_pool.ts";
import type { Lineage } from "./lineages.ts";
import type { Pack, StoredFrame } from "./packs.ts";

interface PackHash {
  /** Hexadecimal. */
  readonly sha256: string;
  /** Size of the file. */
  readonly sizeBytes: number;
}

/**
 * Reads each of a lineage's new frames back from the disk and checks by its seal that it is what a worker sealed after
 * it had hashed every extent. That starts as soon as a frame is registered, while the workers would wait for the sender.
 * Packs are hashed as soon as they are closed, while others are being filled.
 */
export class FrameProver {
  readonly #lineage: Lineage;
  readonly #options: { pool: FramePool; directory: DataDirectory };
  /** By frame. */
  readonly #proofs = new Map<number, Promise<string | undefined>>();
  /** By pack, with its size when the hash began. */
  readonly #hashes = new Map<number, { readonly sizeBytes: number; readonly hash: Promise<PackHash> }>();

  constructor(
    lineage: Lineage,
    options: { pool: FramePool; directory: DataDirectory },
  ) {
    this.#lineage = lineage;
    this.#options = options;
  }

  /** What is wrong with the frame, as text; undefined if it is intact. */
  prove(pack: Pack, frame: StoredFrame): Promise<string | undefined> {
    const known = this.#proofs.get(frame.id);
    if (known) return known;
    const { pool, directory } = this.#options;
    const proof = pool.check({
      path: directory.pack(pack),
      at: frame.at,
      sealedBytes: frame.sealedBytes,
      key: this.#lineage.key,
    });
    // a later caller gets the failure; after the capture has ended there may be none
    proof.catch(() => {});
    this.#proofs.set(frame.id, proof);
    return proof;
  }

  /** SHA-256 and size of the pack's file; read again if the pack has grown since. */
  hash(pack: Pack): Promise<PackHash> {
    const known = this.#hashes.get(pack.id);
    if (known?.sizeBytes === pack.sizeBytes) return known.hash;
    const { pool, directory } = this.#options;
    const hash = pool.hashFile(directory.pack(pack));
    hash.catch(() => {});
    this.#hashes.set(pack.id, { sizeBytes: pack.sizeBytes, hash });
    return hash;
  }
}
