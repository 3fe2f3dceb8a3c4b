import { Bitfield } from "../wire/bitfield.ts";
import type { Random } from "../ports.ts";

/** A peer as the dealing of pieces sees it. */
interface Taker {
  /** What it says it has. */
  readonly pieces: Bitfield;
  /** It sits behind a link that is to be spared. */
  readonly isFar: boolean;
}

interface Hand {
  /** Pieces that were dealt and have not come, and whether they have been asked for. */
  readonly dealt: Map<number, boolean>;
  readonly declined: Bitfield;
  unasked: number;
}

/**
 * Chooses which piece a seed suggests to whom (BEP 6, suggest piece), so that the first copy of everything
 * leaves its uplink once: every piece is dealt to one taker, which passes it on. What then has a single
 * holder, or none yet, is dealt once more, for the case that its taker is slow. Suggesting instead of hiding
 * (BEP 16) starves nobody: a peer that finds nothing else may ask for anything. Pure.
 */
export class Dealer<T extends Taker> {
  readonly #ahead: number;
  readonly #hands = new Map<T, Hand>();
  /** Takers that have the piece, and takers that it was dealt to and that have it not yet. */
  readonly #copies: Uint16Array;
  readonly #pending: Uint16Array;
  /** Pieces to deal, in this order: neighbours together, as they lie on the disk and in frames. */
  #pool: number[];
  readonly #dealtTwice: Bitfield;
  #mayDealTwice = true;
  /** Far takers are dealt to as well as near ones. */
  includesFar = false;

  /** `ahead`: pieces that a taker holds in hand before it asks for them. */
  constructor(pieceCount: number, { ahead, random }: { ahead: number; random: Random }) {
    this.#ahead = ahead;
    this.#copies = new Uint16Array(pieceCount);
    this.#pending = new Uint16Array(pieceCount);
    this.#dealtTwice = new Bitfield(pieceCount);
    // Two seeds of one image start at different pieces.
    const first = Math.floor(random() * pieceCount);
    this.#pool = Array.from({ length: pieceCount }, (_, index) => (first + index) % pieceCount);
  }

  /** The taker has this piece, by its own word. */
  gained(taker: T, piece: number): void {
    this.#copies[piece]!++;
    this.#take(taker, piece);
  }

  /** The taker asked for the piece. */
  requested(taker: T, piece: number): void {
    const hand = this.#hands.get(taker);
    if (hand?.dealt.get(piece) !== false) return;
    hand.dealt.set(piece, true);
    hand.unasked--;
  }

  /** The taker has no use for the piece. */
  declined(taker: T, piece: number): void {
    const hand = this.#hands.get(taker);
    if (!hand?.dealt.has(piece)) return;
    hand.declined.add(piece);
    this.#take(taker, piece);
    this.#giveBack(piece);
  }

  /** The pieces to suggest to this taker now, which may be served. */
  deal(taker: T): number[] {
    if (taker.isFar && !this.includesFar && this.#hands.keys().some((other) => !other.isFar)) return [];
    const hand = this.#hands.get(taker) ?? this.#open(taker);
    const dealt: number[] = [];
    while (hand.unasked < this.#ahead) {
      const piece = this.#draw(taker, hand);
      if (piece === undefined) break;
      hand.dealt.set(piece, false);
      hand.unasked++;
      this.#pending[piece]!++;
      dealt.push(piece);
    }
    return dealt;
  }

  /** The taker is not served any more: what it holds in hand goes to others. */
  fold(taker: T): void {
    const hand = this.#hands.get(taker);
    if (!hand) return;
    for (const piece of [...hand.dealt.keys()]) {
      this.#take(taker, piece);
      this.#giveBack(piece);
    }
    this.#hands.delete(taker);
  }

  /** The taker is gone, with its copies. */
  leave(taker: T): void {
    this.fold(taker);
    const orphans: number[] = [];
    for (let piece = 0; piece < taker.pieces.size; piece++) {
      if (!taker.pieces.has(piece)) continue;
      if (--this.#copies[piece]! === 0 && this.#pending[piece] === 0) orphans.push(piece);
    }
    this.#pool = orphans.concat(this.#pool);
  }

  /** Once a second: pieces that are still rare may be dealt a second time. */
  tick(): void {
    this.#mayDealTwice = true;
  }

  #open(taker: T): Hand {
    const hand = { dealt: new Map(), declined: new Bitfield(this.#copies.length), unasked: 0 };
    this.#hands.set(taker, hand);
    return hand;
  }

  #take(taker: T, piece: number): void {
    const hand = this.#hands.get(taker);
    const wasAsked = hand?.dealt.get(piece);
    if (!hand || wasAsked === undefined) return;
    hand.dealt.delete(piece);
    if (!wasAsked) hand.unasked--;
    this.#pending[piece]!--;
  }

  /** Nobody has the piece or is about to: it is dealt anew, first of all. */
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
