import { ActivePiece } from "./active_piece.ts";
import type { Bitfield } from "./bitfield.ts";
import type { PieceMap, PieceRange } from "./piece_map.ts";
import type { Block } from "./wire.ts";

/** What the picker must know of a peer that asks for work. */
export interface PickingPeer {
  readonly pieces: Bitfield;
  /** The largest block that it answers, bytes: a multiple of 16 KiB. */
  readonly maxBlockLength: number;
  /** How little of what it was asked for is still under way, so that it may double other peers' work. */
  readonly isIdle: boolean;
  isAskedFor(piece: number, begin: number): boolean;
}

/**
 * Chooses what to ask of whom. Pure: no clock, no socket; chance comes in as `random`.
 *
 * A peer goes on with the piece it fetches, adopts one that another peer left behind, starts the rarest of
 * the most wanted pieces (ties are broken at random, so that nodes that start together differ), helps with
 * another peer's piece, and at the very end asks again for blocks that are under way elsewhere.
 */
export class Picker<P extends PickingPeer> {
  readonly #map: PieceMap;
  readonly #random: () => number;
  readonly #have: Bitfield;
  readonly #wanted: Bitfield | undefined;
  readonly #availability: Uint16Array;
  readonly #priority: Uint8Array;
  readonly #active = new Map<number, ActivePiece<P>>();
  /** The pieces that are neither held nor active, in no order. */
  #untouched: number[] = [];
  #lacking: number;

  constructor(map: PieceMap, { have, wanted, random }: {
    have: Bitfield;
    /** All pieces where absent. */
    wanted?: Bitfield | undefined;
    random: () => number;
  }) {
    this.#map = map;
    this.#random = random;
    this.#have = have;
    this.#wanted = wanted;
    this.#availability = new Uint16Array(map.pieceCount);
    this.#priority = new Uint8Array(map.pieceCount);
    for (let piece = 0; piece < map.pieceCount; piece++) if (this.lacks(piece)) this.#untouched.push(piece);
    this.#lacking = this.#untouched.length;
  }

  /** The pieces that are here and verified. */
  get have(): Bitfield {
    return this.#have;
  }

  /** Whether the piece is wanted and not here. */
  lacks(piece: number): boolean {
    return !this.#have.has(piece) && (this.#wanted?.has(piece) ?? true);
  }

  /** How many pieces are wanted and not here. */
  get lacking(): number {
    return this.#lacking;
  }

  /** Fetches these pieces before all others of a lower level. The level is 0 (the rest) to 255. */
  prioritize({ first, last }: PieceRange, level: number): void {
    this.#priority.fill(level, first, last + 1);
  }

  /** One more peer has this piece. */
  countPiece(piece: number): void {
    this.#availability[piece]!++;
  }

  /** A peer that had these pieces is gone. */
  uncountPeer(pieces: Bitfield): void {
    for (let piece = 0; piece < pieces.size; piece++) if (pieces.has(piece)) this.#availability[piece]!--;
  }

  /** The next block to ask of `peer`; it counts as asked for from now on. */
  take(peer: P): Block | undefined {
    let orphan: ActivePiece<P> | undefined;
    let shared: ActivePiece<P> | undefined;
    for (const active of this.#active.values()) {
      if (!active.hasMissing || !peer.pieces.has(active.piece)) continue;
      if (active.owner === peer) return active.requestMissing(peer.maxBlockLength);
      if (active.owner === undefined) orphan ??= active;
      else if (!active.solo) shared = active;
    }
    const next = orphan ?? this.#startRarest(peer.pieces);
    if (next) {
      next.owner = peer;
      return next.requestMissing(peer.maxBlockLength);
    }
    return shared?.requestMissing(peer.maxBlockLength) ?? this.#takeAgain(peer);
  }

  /** `block` will not come: it was rejected, or the peer choked us or is gone. */
  release(block: Block): void {
    this.#active.get(block.piece)?.release(block);
  }

  /** The peer fetches nothing more: what it owned is free for others. Call after its blocks are released. */
  disown(peer: P): void {
    for (const active of this.#active.values()) {
      if (active.owner !== peer) continue;
      if (active.solo) this.#activate(active.piece, { solo: true });
      else active.owner = undefined;
    }
  }

  /** A block begins to arrive: how many of its 16 KiB units are to be kept, 0 for none. */
  start(peer: P, block: Block): number {
    return this.#active.get(block.piece)?.start(peer, block) ?? 0;
  }

  /** Whether the unit at `begin` is to be kept from this peer's block that is arriving now. */
  isReceiving(peer: P, { piece, begin }: { piece: number; begin: number }): boolean {
    return this.#active.get(piece)?.isReceiving(peer, begin) ?? false;
  }

  /**
   * The block has ended, whole or broken off. `complete`: its piece has all its blocks and is to be verified.
   * `contested`: other peers are still asked for it.
   */
  end(peer: P, end: { block: Block; whole: boolean }): { complete: boolean; contested: boolean } {
    const active = this.#active.get(end.block.piece);
    const contested = active?.end(peer, end) ?? false;
    return { complete: active?.isComplete ?? false, contested };
  }

  /** Whether a request for `block` has become needless. */
  isObsolete(block: Block): boolean {
    return this.#have.has(block.piece) || (this.#active.get(block.piece)?.isHeld(block) ?? true);
  }

  /** The peer that each 16 KiB unit of an active piece came from. */
  sourcesOf(piece: number): readonly (P | undefined)[] {
    return this.#active.get(piece)?.sources ?? [];
  }

  verified(piece: number): void {
    this.#active.delete(piece);
    if (this.lacks(piece)) this.#lacking--;
    this.#have.add(piece);
  }

  /** The piece came corrupt; it is fetched again, from a single peer, so that the next failure has a name. */
  failed(piece: number): void {
    this.#activate(piece, { solo: true });
  }

  #activate(piece: number, { solo }: { solo: boolean }): ActivePiece<P> {
    const active = new ActivePiece<P>(piece, { length: this.#map.lengthOf(piece), solo });
    this.#active.set(piece, active);
    return active;
  }

  #startRarest(pieces: Bitfield): ActivePiece<P> | undefined {
    let best = -1;
    let bestRank = Infinity;
    let ties = 0;
    for (let index = 0; index < this.#untouched.length; index++) {
      const piece = this.#untouched[index]!;
      if (!pieces.has(piece)) continue;
      // One number to compare: a higher level wins over any availability.
      const rank = this.#availability[piece]! - this.#priority[piece]! * 0x10000;
      if (rank < bestRank) {
        bestRank = rank;
        best = index;
        ties = 1;
      } else if (rank === bestRank && this.#random() * ++ties < 1) {
        best = index;
      }
    }
    if (best < 0) return undefined;
    const piece = this.#untouched[best]!;
    this.#untouched[best] = this.#untouched[this.#untouched.length - 1]!;
    this.#untouched.pop();
    return this.#activate(piece, { solo: false });
  }

  #takeAgain(peer: P): Block | undefined {
    if (!peer.isIdle) return undefined;
    for (const active of this.#active.values()) {
      if (active.solo || !peer.pieces.has(active.piece)) continue;
      const block = active.requestAgain(
        peer.maxBlockLength,
        (begin) => peer.isAskedFor(active.piece, begin),
      );
      if (block) return block;
    }
    return undefined;
  }
}
