import { createHash } from "node:crypto";
import fs from "node:fs";
import { messageOf } from "#contract/errors.ts";
import { FileStorage } from "#torrent/storage/file_storage.ts";
import type { Metainfo } from "#torrent/metainfo/metainfo.ts";
import { DamagedPiece, type PieceStorage } from "#torrent/ports.ts";

/** A piece that was whole so lately is not hashed again, unless its files have changed since. */
const FRESH_MS = 10 * 60_000;
/** How often is looked whether they have. */
const LOOK_MS = 1_000;

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
  #files: FileStorage;
  /** Size, inode and times of each file, as they were when it was opened. */
  #stamps: string[];
  #lookedAt: number;
  /** When each piece was found whole. */
  readonly #wholeAt: Float64Array;
  readonly #damage = new Map<number, string>();
  readonly #now: () => number;
  /** Made for the first check, and used again. */
  #buffer: Uint8Array | undefined;

  constructor(metainfo: Metainfo, options: CheckedStorageOptions) {
    this.#metainfo = metainfo;
    this.#options = options;
    this.#files = FileStorage.openAvailable(metainfo.map, options.paths);
    this.#stamps = options.paths.map(stampOf);
    this.#wholeAt = new Float64Array(metainfo.map.pieceCount).fill(-Infinity);
    this.#now = options.now ?? (() => performance.now());
    this.#lookedAt = this.#now();
  }

  /** What is wrong with these bytes of the torrent, in words; undefined where they are whole. */
  damageIn(position: number, length: number): string | undefined {
    this.#reopenIfChanged();
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
    if (known !== undefined) return known;
    const what = this.#check(piece);
    if (what === undefined) this.#wholeAt[piece] = now;
    else {
      this.#damage.set(piece, what);
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

  /** A file that was damaged, or put back, is judged again. */
  #reopenIfChanged(): void {
    if (this.#now() - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = this.#now();
    const { paths } = this.#options;
    const stamps = paths.map(stampOf);
    if (stamps.every((stamp, i) => stamp === this.#stamps[i])) return;
    this.#stamps = stamps;
    this.#files[Symbol.dispose]();
    this.#files = FileStorage.openAvailable(this.#metainfo.map, paths);
    this.#wholeAt.fill(-Infinity);
    this.#damage.clear();
  }

  #check(piece: number): string | undefined {
    const { map, info } = this.#metainfo;
    this.#buffer ??= new Uint8Array(map.pieceLength);
    const bytes = this.#buffer.subarray(0, map.lengthOf(piece));
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

/** The runtime tells change times in whole seconds, and times of modification in milliseconds. */
function stampOf(path: string): string {
  const found = fs.statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "missing" : `${found.size} ${found.ino} ${found.ctimeMs} ${found.mtimeMs}`;
}
