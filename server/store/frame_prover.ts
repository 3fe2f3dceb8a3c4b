import { nativeSha256Steps } from "#native/native_codecs.ts";
import type { DataDirectory } from "./data_directory.ts";
import type { FramePool } from "./frame_pool.ts";
import type { Lineage } from "./lineages.ts";
import type { Packs, StoredFrame } from "./packs.ts";

interface ProvenPack {
  /** Hexadecimal. */
  readonly sha256: string;
  /** Size of the file. */
  readonly sizeBytes: number;
  /** Frames that are not what was written. */
  readonly damaged: readonly StoredFrame[];
}

interface Options {
  readonly pool: Pick<FramePool, "prove" | "hashFile">;
  readonly directory: DataDirectory;
  readonly packs: Packs;
}

/** How far a pack has been read back. */
interface Progress {
  endBytes: number;
  /** The hash up to there; absent if threads cannot pass it on. */
  hash: Uint8Array | undefined;
  readonly damaged: StoredFrame[];
  /** The last stretch that was begun. */
  last: Promise<void>;
}

/**
 * Reads what is written to a lineage's packs back from the disk, once, stretch by stretch as frames are registered:
 * checks by its seal that each frame is what a worker sealed after it had hashed every extent, and hashes the pack.
 * It runs while the workers would wait for the sender.
 */
export class FrameProver {
  readonly #lineage: Lineage;
  readonly #options: Options;
  /** By pack. */
  readonly #progress = new Map<number, Progress>();

  constructor(lineage: Lineage, options: Options) {
    this.#lineage = lineage;
    this.#options = options;
  }

  /** Begins with what was registered in the pack since the last call. */
  advance(id: number): void {
    const { pool, directory, packs } = this.#options;
    const pack = packs.get(id), progress = this.#progressOf(id), from = progress.endBytes;
    if (pack === undefined || pack.sizeBytes === from) return;
    const to = progress.endBytes = pack.sizeBytes, frames = packs.frames(id, { from });
    const { key } = this.#lineage, path = directory.pack(pack);
    const prove = async () => {
      const { damaged, hash } = await pool.prove({ path, key, from, to, frames, hash: progress.hash });
      progress.hash = hash;
      progress.damaged.push(...frames.filter((_, i) => damaged.includes(i)));
    };
    progress.last = progress.last.then(prove);
    // `finish` gets the failure; after the capture has ended nobody asks
    progress.last.catch(() => {});
  }

  /** Resolves when everything that is registered in the pack has been read back. */
  async finish(id: number): Promise<ProvenPack> {
    this.advance(id);
    const { pool, directory, packs } = this.#options, pack = packs.get(id);
    if (pack === undefined) throw new Error(`pack ${id} is not in the database`);
    const path = directory.pack(pack), progress = this.#progressOf(id);
    await progress.last;
    const { hash, damaged, endBytes } = progress;
    const steps = nativeSha256Steps(), { size: sizeBytes } = await Deno.stat(path);
    // what a file has beyond its registered frames belongs to its hash too
    if (!hash || !steps || sizeBytes !== endBytes) return { ...await pool.hashFile(path), damaged };
    return { sha256: Buffer.from(steps.end(hash.slice())).toString("hex"), sizeBytes, damaged };
  }

  #progressOf(id: number): Progress {
    const known = this.#progress.get(id);
    if (known) return known;
    const hash = nativeSha256Steps()?.begin();
    const fresh = { endBytes: 0, hash, damaged: [], last: Promise.resolve() };
    this.#progress.set(id, fresh);
    return fresh;
  }
}
