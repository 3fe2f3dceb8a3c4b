import type { Bitfield } from "../wire/bitfield.ts";
import type { FileRange, PieceMap } from "../metainfo/piece_map.ts";

/**
 * Reports which byte ranges (the frames of a pack, say) are complete as pieces arrive. `add` costs one step per piece
 * of the range, `pieceDone` one step per range of the piece.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { PieceMap } from "#torrent/metainfo/piece_map.ts";
 * import { RangeWaiter } from "#torrent/storage/range_waiter.ts";
 * import { Bitfield } from "#torrent/wire/bitfield.ts";
 *
 * const map = new PieceMap([{ name: "a.pack", length: 100 }], 16);
 * const frames = new RangeWaiter<string>(map, new Bitfield(map.pieceCount));
 * assert.equal(frames.add({ file: 0, offset: 10, length: 10 }, "frame 0"), false);
 * assert.deepEqual(frames.pieceDone(1), []);
 * assert.deepEqual(frames.pieceDone(0), ["frame 0"]);
 * ```
 */
export class RangeWaiter<T> {
  readonly #map: PieceMap;
  readonly #have: Bitfield;
  readonly #waiting = new Map<number, { readonly value: T; missing: number }[]>();

  constructor(map: PieceMap, have: Bitfield) {
    this.#map = map;
    this.#have = have;
  }

  /** Waits for a range. Returns true if it is complete already; `pieceDone` will not return its value then. */
  add(range: FileRange, value: T): boolean {
    const { first, last } = this.#map.piecesOf(range);
    const entry = { value, missing: 0 };
    for (let piece = first; piece <= last; piece++) {
      if (this.#have.has(piece)) continue;
      entry.missing++;
      const waiting = this.#waiting.get(piece);
      if (waiting) waiting.push(entry);
      else this.#waiting.set(piece, [entry]);
    }
    return entry.missing === 0;
  }

  /** A piece was verified. Returns the values of the ranges that it completes. */
  pieceDone(piece: number): T[] {
    const waiting = this.#waiting.get(piece) ?? [];
    this.#waiting.delete(piece);
    return waiting.filter((entry) => --entry.missing === 0).map((entry) => entry.value);
  }
}
