import { createHash } from "node:crypto";
import fs from "node:fs";
import { messageOf } from "#contract/errors.ts";
import { FileStorage } from "#torrent/storage/file_storage.ts";
import { type Metainfo, pieceHash } from "#torrent/metainfo/metainfo.ts";
import { DamagedPiece, type PieceStorage } from "#torrent/ports.ts";

/** A piece found intact this recently is not hashed again, unless its files have changed since. */
const FRESH_MS = 10 * 60_000;
/** Interval between checks for changed files. */
const STAT_MS = 1_000;

export interface CheckedStorageOptions {
  /** The paths of the torrent's files, in torrent order. */
  readonly paths: readonly string[];
  /** Called for every damaged piece, once per file that the piece spans. */
  readonly onDamage?: (path: string, what: string) => void;
  readonly now?: () => number;
}

/**
 * The storage of a seed: a piece is hashed before any of it leaves, so that a failing disk is found and named here, and
 * not by every node. The pieces of a missing file count as damaged.
 */
export class CheckedStorage implements PieceStorage, Disposable {
  readonly #metainfo: Metainfo;
  readonly #options: CheckedStorageOptions;
  #files: FileStorage;
  /** Size, inode and times of each file when it was opened. */
  #stamps: string[];
  #statAt: number;
  /** When each piece was last found intact. */
  readonly #intactAt: Float64Array;
  readonly #damage = new Map<number, string>();
  readonly #now: () => number;
  /** Allocated for the first check and reused. */
  #buffer: Uint8Array | undefined;

  constructor(metainfo: Metainfo, options: CheckedStorageOptions) {
    this.#metainfo = metainfo;
    this.#options = options;
    this.#files = FileStorage.openAvailable(metainfo.map, options.paths);
    this.#stamps = options.paths.map(stampOf);
    this.#intactAt = new Float64Array(metainfo.map.pieceCount).fill(-Infinity);
    this.#now = options.now ?? (() => performance.now());
    this.#statAt = this.#now();
  }

  /** Describes the damage in these bytes of the torrent, or undefined if they are intact. */
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
    if (now - (this.#intactAt[piece] ?? -Infinity) < FRESH_MS) return undefined;
    const known = this.#damage.get(piece);
    if (known !== undefined) return known;
    const what = this.#check(piece);
    if (what === undefined) this.#intactAt[piece] = now;
    else {
      this.#damage.set(piece, what);
      for (const file of this.#filesOf(piece)) {
        this.#options.onDamage?.(this.#options.paths[file] ?? "", what);
      }
    }
    return what;
  }

  /** Throws DamagedPiece if any piece of the range is damaged. */
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

  /** Once a file has been changed or put back, everything is checked again. */
  #reopenIfChanged(): void {
    if (this.#now() - this.#statAt < STAT_MS) return;
    this.#statAt = this.#now();
    const { paths } = this.#options;
    const stamps = paths.map(stampOf);
    if (stamps.every((stamp, i) => stamp === this.#stamps[i])) return;
    this.#stamps = stamps;
    this.#files[Symbol.dispose]();
    this.#files = FileStorage.openAvailable(this.#metainfo.map, paths);
    this.#intactAt.fill(-Infinity);
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
    const expected = pieceHash(info.pieceHashes, piece);
    return createHash("sha1").update(bytes).digest().equals(expected)
      ? undefined
      : `${name}: its content is not what was published (piece ${piece} of the torrent)`;
  }

  /** The files that the piece spans. */
  #filesOf(piece: number): number[] {
    const { map } = this.#metainfo;
    return map.rangesAt(map.startOf(piece), map.lengthOf(piece)).map(({ file }) => file);
  }
}

/** Deno reports change times in whole seconds, modification times in milliseconds. */
function stampOf(path: string): string {
  const found = fs.statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "missing" : `${found.size} ${found.ino} ${found.ctimeMs} ${found.mtimeMs}`;
}
