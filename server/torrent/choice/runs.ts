import type { PieceMap } from "../metainfo/piece_map.ts";

/** A run is as long as the largest frame of an image, at least, and several pieces. */
const RUN_BYTES = 4 * 1024 * 1024;
const MIN_RUN_PIECES = 4;

/**
 * The order in which pieces that lie together were begun. What is fetched is of use in whole frames, which lie on
 * several pieces: a node that finishes what it began installs early, and loses little when it is broken off.
 */
export class Runs {
  readonly #runPieces: number;
  /** By run: 1 for the first that was begun, and so on; 0 for none. */
  readonly #begun: Uint32Array;
  #count = 0;

  constructor({ pieceCount, pieceLength }: PieceMap) {
    this.#runPieces = Math.max(MIN_RUN_PIECES, Math.ceil(RUN_BYTES / pieceLength));
    this.#begun = new Uint32Array(Math.ceil(pieceCount / this.#runPieces));
  }

  begin(piece: number): void {
    const run = this.#runOf(piece);
    if (this.#begun[run] === 0) this.#begun[run] = ++this.#count;
  }

  /** How early the piece's run was begun, the less the earlier; one that was not begun is better beside one that was. */
  begun(piece: number): number {
    const run = this.#runOf(piece);
    const begun = this.#begun[run]!;
    if (begun > 0) return begun;
    const isBeside = (this.#begun[run - 1] ?? 0) > 0 || (this.#begun[run + 1] ?? 0) > 0;
    return this.#begun.length + (isBeside ? 1 : 2);
  }

  #runOf(piece: number): number {
    return Math.floor(piece / this.#runPieces);
  }
}
