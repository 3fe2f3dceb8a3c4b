import type { Block } from "../wire/wire.ts";

/** Pieces are requested in units of 16 KiB; a request covers one or more consecutive units. */
export const UNIT_BYTES = 16 * 1024;

const MISSING = 0;
const REQUESTED = 1;
const RECEIVING = 2;
const HELD = 3;

/**
 * A piece in progress: some of its units are requested or received. `S` is the type of the peer that a unit comes from.
 * A unit is received from one peer at a time, even if it was requested from several.
 */
export class ActivePiece<S> {
  readonly piece: number;
  /** The peer that fetches this piece. Others help only when they have nothing else to do. */
  owner: S | undefined;
  /** Fetch it from its owner alone: from several peers it came corrupt, and one of them is to blame. */
  readonly solo: boolean;
  readonly #length: number;
  readonly #state: Uint8Array;
  /** Unanswered requests per unit. */
  readonly #copies: Uint8Array;
  readonly #sources: (S | undefined)[];
  #missing: number;
  /** No unit before this one is missing. */
  #firstMissing = 0;
  /** Requested units that no peer is relied on to send. */
  #doubted = 0;
  #held = 0;

  constructor(piece: number, { length, solo = false }: { length: number; solo?: boolean }) {
    const units = Math.ceil(length / UNIT_BYTES);
    this.piece = piece;
    this.solo = solo;
    this.#length = length;
    this.#state = new Uint8Array(units);
    this.#copies = new Uint8Array(units);
    this.#sources = new Array<S | undefined>(units).fill(undefined);
    this.#missing = units;
  }

  /** Whether a unit is neither held nor requested. */
  get hasMissing(): boolean {
    return this.#missing > 0;
  }

  get isComplete(): boolean {
    return this.#held === this.#state.length;
  }

  /** The peer that sent each unit. */
  get sources(): readonly (S | undefined)[] {
    return this.#sources;
  }

  /** Requests the first run of missing units, at most `maxLength` bytes. */
  requestMissing(maxLength: number): Block | undefined {
    const units = this.#state.length;
    while (this.#firstMissing < units && this.#state[this.#firstMissing] !== MISSING) this.#firstMissing++;
    if (this.#firstMissing === units) return undefined;
    return this.#request(maxLength, {
      first: this.#firstMissing,
      fits: (unit) => this.#state[unit] === MISSING,
    });
  }

  /** Requests again the first run of units that at most `copies` other peers are relied on to send. */
  requestAgain(
    maxLength: number,
    { copies, isRequestedHere }: { copies: number; isRequestedHere: (begin: number) => boolean },
  ): Block | undefined {
    if (copies === 0 && this.#doubted === 0) return undefined;
    const fits = (unit: number) =>
      this.#state[unit] === REQUESTED && this.#copies[unit]! <= copies && !isRequestedHere(unit * UNIT_BYTES);
    for (let first = 0; first < this.#state.length; first++) {
      if (fits(first)) return this.#request(maxLength, { first, fits });
    }
    return undefined;
  }

  /** A request that will not be answered. */
  release(block: Block): void {
    const { first, end } = unitsOf(block);
    for (let unit = first; unit < end; unit++) this.#dropCopy(unit);
  }

  /** A request that we no longer rely on. It may still be answered. */
  doubt(block: Block): void {
    const { first, end } = unitsOf(block);
    for (let unit = first; unit < end; unit++) {
      if (this.#copies[unit] === 0) continue;
      if (--this.#copies[unit]! === 0 && this.#state[unit] === REQUESTED) this.#doubted++;
    }
  }

  /** A block starts to arrive. Assigns the units that no other peer is delivering to `source`; returns how many. */
  start(source: S, block: Block): number {
    if (this.solo && source !== this.owner) return 0;
    const { first, end } = unitsOf(block);
    let taken = 0;
    for (let unit = first; unit < end; unit++) {
      const state = this.#state[unit];
      if (state === HELD || state === RECEIVING) continue;
      if (state === MISSING) this.#missing--;
      else if (this.#copies[unit] === 0) this.#doubted--;
      this.#state[unit] = RECEIVING;
      this.#sources[unit] = source;
      taken++;
    }
    return taken;
  }

  isReceiving(source: S, begin: number): boolean {
    const unit = Math.floor(begin / UNIT_BYTES);
    return this.#state[unit] === RECEIVING && this.#sources[unit] === source;
  }

  /**
   * The block has arrived or, if `whole` is false, broke off midway. True if a part of it is still requested from
   * another peer.
   */
  end(source: S, { block, whole }: { block: Block; whole: boolean }): boolean {
    const range = unitsOf(block);
    let contested = false;
    for (let unit = range.first; unit < range.end; unit++) {
      if (this.#state[unit] === RECEIVING && this.#sources[unit] === source) {
        this.#state[unit] = whole ? HELD : REQUESTED;
        if (whole) this.#held++;
        else {
          this.#sources[unit] = undefined;
          if (this.#copies[unit] === 0) this.#doubted++;
        }
      }
      this.#dropCopy(unit);
      if (this.#copies[unit]! > 0) contested = true;
    }
    return contested;
  }

  /** Whether every unit of `block` is held: then requests for it can be cancelled. */
  hasBlock(block: Block): boolean {
    const { first, end } = unitsOf(block);
    for (let unit = first; unit < end; unit++) if (this.#state[unit] !== HELD) return false;
    return true;
  }

  /** Removes one request for the unit. Without any left, the unit is missing again. */
  #dropCopy(unit: number): void {
    const copies = this.#copies[unit]!;
    const isRequested = this.#state[unit] === REQUESTED;
    if (copies > 0) this.#copies[unit] = copies - 1;
    if (copies > 1 || !isRequested) return;
    if (copies === 0) this.#doubted--;
    this.#state[unit] = MISSING;
    this.#missing++;
    this.#firstMissing = Math.min(this.#firstMissing, unit);
  }

  /** Requests the run of units from `first` on that fit. `first` itself fits. */
  #request(maxLength: number, { first, fits }: { first: number; fits: (unit: number) => boolean }): Block {
    const limit = Math.min(this.#state.length, first + Math.floor(maxLength / UNIT_BYTES));
    let end = first;
    while (end < limit && fits(end)) {
      const state = this.#state[end];
      if (state === MISSING) this.#missing--;
      else if (this.#copies[end] === 0) this.#doubted--;
      this.#state[end] = REQUESTED;
      this.#copies[end]!++;
      end++;
    }
    const begin = first * UNIT_BYTES;
    return { piece: this.piece, begin, length: Math.min(end * UNIT_BYTES, this.#length) - begin };
  }
}

function unitsOf({ begin, length }: Block): { first: number; end: number } {
  return { first: Math.floor(begin / UNIT_BYTES), end: Math.ceil((begin + length) / UNIT_BYTES) };
}
