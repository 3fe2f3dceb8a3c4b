import type { PieceMap } from "../metainfo/piece_map.ts";

/** A run is at least as long as the largest frame of an image, and several pieces long. */
const RUN_BYTES = 4 * 1024 * 1024;
const MIN_RUN_PIECES = 4;

/**
 * The order in which runs of adjacent pieces were begun. Only whole frames are useful, and a frame spans several
 * pieces: a node that finishes the run it began installs early, and loses little if it is interrupted.
 */
export class Runs {
  readonly #runPieces: number;
  /** Per run: 1 for the first one begun, 2 for the second, and so on; 0 if not begun. */
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

  /**
   * The rank of the piece's run by when it was begun; lower is earlier. Runs not begun come last, first among them
   * those next to a begun one.
   */
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
