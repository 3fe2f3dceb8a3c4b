import { createHash } from "node:crypto";
import { messageOf } from "#contract/errors.ts";
import { FileStorage } from "#contract/torrent/file_storage.ts";
import type { Metainfo } from "#contract/torrent/metainfo.ts";
import { DamagedPiece, type PieceStorage } from "#contract/torrent/ports.ts";

/** A piece that was whole so lately is not hashed again. */
const FRESH_MS = 60_000;

export interface CheckedStorageOptions {
  /** Places of the torrent's files, in its order. */
  readonly paths: readonly string[];
  /** Told of every damaged piece that is found, once for each file that it lies in. */
  readonly onDamage?: (path: string, what: string) => void;
  readonly now?: () => number;
}

/**
 * A torrent's files as a seed may give them: a piece is hashed before any of it leaves, so that a disk that went
 * bad is found here and named, and not by every node. Files may be missing; their pieces are damaged then.
 */
export class CheckedStorage implements PieceStorage, Disposable {
  readonly #metainfo: Metainfo;
  readonly #options: CheckedStorageOptions;
  readonly #files: FileStorage;
  /** When each piece was found whole. */
  readonly #wholeAt: Float64Array;
  readonly #damage = new Map<number, { readonly at: number; readonly what: string }>();
  readonly #now: () => number;

  constructor(metainfo: Metainfo, options: CheckedStorageOptions) {
    this.#metainfo = metainfo;
    this.#options = options;
    this.#files = FileStorage.openAvailable(metainfo.map, options.paths);
    this.#wholeAt = new Float64Array(metainfo.map.pieceCount).fill(-Infinity);
    this.#now = options.now ?? (() => performance.now());
  }

  /** What is wrong with these bytes of the torrent, in words; undefined where they are whole. */
  damageIn(position: number, length: number): string | undefined {
    const { pieceLength } = this.#metainfo.map;
    const last = Math.floor((position + Math.max(1, length) - 1) / pieceLength);
    for (let piece = Math.floor(position / pieceLength); piece <= last; piece++) {
      const what = this.#damageOf(piece);
      if (what !== undefined) return what;
    }
    return undefined;
  }

  #damageOf(piece: number): string | undefined {
    const now = this.#now();
    if (now - (this.#wholeAt[piece] ?? -Infinity) < FRESH_MS) return undefined;
    const known = this.#damage.get(piece);
    if (known !== undefined && now - known.at < FRESH_MS) return known.what;
    const what = this.#check(piece);
    if (what === undefined) {
      this.#damage.delete(piece);
      this.#wholeAt[piece] = now;
    } else {
      this.#damage.set(piece, { at: now, what });
      for (const file of this.#filesOf(piece)) {
        this.#options.onDamage?.(this.#options.paths[file] ?? "", what);
      }
    }
    return what;
  }

  /** Throws DamagedPiece. */
  read(position: number, into: Uint8Array): void {
    const what = this.damageIn(position, into.length);
    if (what !== undefined) throw new DamagedPiece(what);
    this.#files.read(position, into);
  }

  write(): void {
    throw new RangeError("a seed's files are never written");
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }

  #check(piece: number): string | undefined {
    const { map, info } = this.#metainfo;
    const bytes = new Uint8Array(map.lengthOf(piece));
    const name = this.#filesOf(piece).map((file) => map.files[file]?.name).join(" or ");
    try {
      this.#files.read(map.startOf(piece), bytes);
    } catch (error) {
      return `${name}: ${messageOf(error)}`;
    }
    const expected = info.pieceHashes.subarray(piece * 20, piece * 20 + 20);
    return createHash("sha1").update(bytes).digest().equals(expected)
      ? undefined
      : `${name}: what lies there is not what was published (piece ${piece} of the torrent)`;
  }

  /** The files that the piece lies in. */
  #filesOf(piece: number): number[] {
    const { map } = this.#metainfo;
    return map.rangesAt(map.startOf(piece), map.lengthOf(piece)).map(({ file }) => file);
  }
}
