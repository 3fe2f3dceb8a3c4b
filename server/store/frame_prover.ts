import type { DataDirectory } from "./data_directory.ts";
import type { FramePool } from "./frame_pool.ts";
import type { Lineage } from "./lineages.ts";
import type { Pack, StoredFrame } from "./packs.ts";

/**
 * Reads a lineage's new frames back from the disk, each once, and proves by their seal that they are what a worker
 * sealed after it had hashed every extent. Begun as soon as a frame is registered, it uses the time in which the
 * workers would wait for the sender. Packs are hashed as soon as they are closed, while others are being filled.
 */
interface PackHash {
  /** Hexadecimal. */
  readonly sha256: string;
  /** Of the file. */
  readonly sizeBytes: number;
}

export class FrameProver {
  readonly #lineage: Lineage;
  readonly #options: { pool: FramePool; directory: DataDirectory };
  /** By frame. */
  readonly #proofs = new Map<number, Promise<string | undefined>>();
  /** By pack, with the size that it had when its hash was asked for. */
  readonly #hashes = new Map<number, { readonly sizeBytes: number; readonly hash: Promise<PackHash> }>();

  constructor(
    lineage: Lineage,
    options: { pool: FramePool; directory: DataDirectory },
  ) {
    this.#lineage = lineage;
    this.#options = options;
  }

  /** What is wrong with the frame, in words; undefined where it is whole. */
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
    // whoever asks again learns of a failure; of a capture that has ended nobody asks
    proof.catch(() => {});
    this.#proofs.set(frame.id, proof);
    return proof;
  }

  /** SHA-256 and size of the pack's file; read anew where the pack has grown since. */
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
