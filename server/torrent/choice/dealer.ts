import { Bitfield } from "../wire/bitfield.ts";
import type { Random } from "../ports.ts";

/** A peer that pieces are dealt to. */
interface Taker {
  /** The pieces it says it has. */
  readonly pieces: Bitfield;
  /** It is in another rack, behind a scarce link. */
  readonly isFar: boolean;
}

/** The pieces dealt to one taker. */
interface Hand {
  /** Pieces dealt and not delivered yet; true once they have been requested. */
  readonly dealt: Map<number, boolean>;
  readonly declined: Bitfield;
  unrequested: number;
}

/**
 * Chooses which piece a seed suggests to which peer (BEP 6, suggest piece), so that the first copy of everything
 * leaves its uplink once. As with cards, each piece is dealt to one taker, which then passes it on. A piece that by
 * then has at most one holder is dealt once more, in case its taker is slow. Suggesting pieces, unlike hiding them
 * (BEP 16), starves nobody: a peer that finds nothing else may request anything. Pure.
 */
export class Dealer<T extends Taker> {
  readonly #ahead: number;
  readonly #hands = new Map<T, Hand>();
  /** Per piece: takers that have it, and takers that it was dealt to and that do not have it yet. */
  readonly #copies: Uint16Array;
  readonly #pending: Uint16Array;
  /** Pieces to deal, in this order: adjacent pieces together, as they lie on disk and in frames. */
  #pool: number[];
  readonly #dealtTwice: Bitfield;
  #mayDealTwice = true;
  /** Deal to far takers as well, although there are near ones. */
  includesFar = false;

  /** `ahead`: how many pieces a taker holds in hand before it requests them. */
  constructor(pieceCount: number, { ahead, random }: { ahead: number; random: Random }) {
    this.#ahead = ahead;
    this.#copies = new Uint16Array(pieceCount);
    this.#pending = new Uint16Array(pieceCount);
    this.#dealtTwice = new Bitfield(pieceCount);
    // two seeds of one image start at different pieces
    const first = Math.floor(random() * pieceCount);
    this.#pool = Array.from({ length: pieceCount }, (_, index) => (first + index) % pieceCount);
  }

  /** The taker says that it has this piece. */
  gained(taker: T, piece: number): void {
    this.#copies[piece]!++;
    this.#take(taker, piece);
  }

  /** The taker requested the piece. */
  requested(taker: T, piece: number): void {
    const hand = this.#hands.get(taker);
    if (hand?.dealt.get(piece) !== false) return;
    hand.dealt.set(piece, true);
    hand.unrequested--;
  }

  /** The taker has no use for the piece. */
  declined(taker: T, piece: number): void {
    const hand = this.#hands.get(taker);
    if (!hand?.dealt.has(piece)) return;
    hand.declined.add(piece);
    this.#take(taker, piece);
    this.#giveBack(piece);
  }

  /** The pieces to suggest now to this taker, which has an upload slot. */
  deal(taker: T): number[] {
    if (taker.isFar && !this.includesFar && this.#hands.keys().some((other) => !other.isFar)) return [];
    const hand = this.#hands.get(taker) ?? this.#open(taker);
    const dealt: number[] = [];
    while (hand.unrequested < this.#ahead) {
      const piece = this.#draw(taker, hand);
      if (piece === undefined) break;
      hand.dealt.set(piece, false);
      hand.unrequested++;
      this.#pending[piece]!++;
      dealt.push(piece);
    }
    return dealt;
  }

  /** The taker lost its upload slot: the pieces in its hand go to others. */
  fold(taker: T): void {
    const hand = this.#hands.get(taker);
    if (!hand) return;
    for (const piece of [...hand.dealt.keys()]) {
      this.#take(taker, piece);
      this.#giveBack(piece);
    }
    this.#hands.delete(taker);
  }

  /** The taker has left, and its copies with it. */
  leave(taker: T): void {
    this.fold(taker);
    const orphans: number[] = [];
    for (let piece = 0; piece < taker.pieces.size; piece++) {
      if (!taker.pieces.has(piece)) continue;
      if (--this.#copies[piece]! === 0 && this.#pending[piece] === 0) orphans.push(piece);
    }
    this.#pool = orphans.concat(this.#pool);
  }

  /** Once a second: allows pieces that are still rare to be dealt a second time. */
  tick(): void {
    this.#mayDealTwice = true;
  }

  #open(taker: T): Hand {
    const hand = { dealt: new Map(), declined: new Bitfield(this.#copies.length), unrequested: 0 };
    this.#hands.set(taker, hand);
    return hand;
  }

  #take(taker: T, piece: number): void {
    const hand = this.#hands.get(taker);
    const wasRequested = hand?.dealt.get(piece);
    if (!hand || wasRequested === undefined) return;
    hand.dealt.delete(piece);
    if (!wasRequested) hand.unrequested--;
    this.#pending[piece]!--;
  }

  /** If nobody has the piece or is about to get it, it is the next to be dealt. */
  #giveBack(piece: number): void {
    if (this.#copies[piece] === 0 && this.#pending[piece] === 0) this.#pool.unshift(piece);
  }

  #draw(taker: T, { dealt, declined }: Hand): number | undefined {
    if (this.#pool.length === 0) this.#refill();
    const fits = (piece: number) => !taker.pieces.has(piece) && !dealt.has(piece) && !declined.has(piece);
    for (let index = 0; index < this.#pool.length; index++) {
      const piece = this.#pool[index]!;
      const holders = this.#copies[piece]! + this.#pending[piece]!;
      const isNeedless = holders > (this.#dealtTwice.has(piece) ? 1 : 0);
      if (!isNeedless && !fits(piece)) continue;
      this.#pool.splice(index, 1);
      if (!isNeedless) return piece;
      index--;
    }
    return undefined;
  }

  #refill(): void {
    if (!this.#mayDealTwice) return;
    this.#mayDealTwice = false;
    for (let piece = 0; piece < this.#copies.length; piece++) {
      if (this.#copies[piece]! + this.#pending[piece]! <= 1 && this.#dealtTwice.add(piece)) {
        this.#pool.push(piece);
      }
    }
  }
}
