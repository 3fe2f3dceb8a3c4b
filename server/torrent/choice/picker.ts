import { ActivePiece } from "./active_piece.ts";
import { Bitfield } from "../wire/bitfield.ts";
import type { PieceMap, PieceRange } from "../metainfo/piece_map.ts";
import { Runs } from "./runs.ts";
import type { Block } from "../wire/wire.ts";

/** More than any availability, and more than any rank without a level. */
const RUN_WEIGHT = 2 ** 17;
const LEVEL_WEIGHT = 2 ** 44;
/**
 * In a swarm of more peers than `few` a piece that one of `share` has is rare, and comes before all runs: where
 * not everyone knows everyone, what is not passed on at once is soon what everyone waits for.
 */
const RARE = { few: 40, share: 4 };

/** What the picker must know of a peer that asks for work. */
export interface PickingPeer {
  readonly pieces: Bitfield;
  /** The largest block that it answers, bytes: a multiple of 16 KiB. */
  readonly maxBlockLength: number;
  /** How little of what it was asked for is still under way, so that it may double other peers' work. */
  readonly isIdle: boolean;
  isRequested(piece: number, begin: number): boolean;
  /** It sits behind a link that is to be spared. */
  readonly isFar?: boolean;
  /** It is a seed that deals its pieces out: it is asked for what it suggests. */
  readonly isDealer?: boolean;
  /** What it suggested and was not asked for yet. The picker takes from it. */
  readonly suggested?: Set<number>;
  /** A piece that it suggested comes from elsewhere by now. */
  decline?(piece: number): void;
}

/**
 * Chooses what to ask of whom. Pure: no clock, no socket; chance comes in as `random`.
 *
 * A peer goes on with the piece it fetches, starts one that it suggested, adopts one that another peer left
 * behind, starts one of the most wanted pieces (of the run that was begun first; else the rarest; ties are broken
 * at random, so that nodes that start together differ), helps with another peer's piece, and at the very end asks
 * again for blocks that are under way elsewhere.
 *
 * While others suffice, a dealer is asked for nothing but what it suggests (`avoidsDealers`), and a far peer,
 * whatever it suggests, for nothing but this node's share of what no near peer has (`avoidsFar`).
 */
export class Picker<P extends PickingPeer> {
  readonly #map: PieceMap;
  readonly #random: () => number;
  readonly #have: Bitfield;
  readonly #wanted: Bitfield | undefined;
  readonly #availability: Uint16Array;
  /** How many near peers have a piece, dealers apart. */
  readonly #nearby: Uint16Array;
  readonly #priority: Uint8Array;
  readonly #active = new Map<number, ActivePiece<P>>();
  /** The pieces that are wanted and neither held nor active. */
  readonly #untouched: Bitfield;
  readonly #runs: Runs;
  /** Untouched pieces of a level above 0. */
  #urgent = 0;
  #missingCount: number;
  /** How many there are, about. */
  peerCount = 0;
  /** Whether scarce links are left to their purpose: not while nothing else brings enough. */
  avoidsDealers = false;
  avoidsFar = false;
  /** Whether some sit in another rack. */
  hasFarPeers = false;
  /** No piece is begun while so many are here or under way. */
  maxBegun = Infinity;
  /** The pieces that this node fetches from far; all where undefined. */
  farShare: Bitfield | undefined;

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
    this.#nearby = new Uint16Array(map.pieceCount);
    this.#priority = new Uint8Array(map.pieceCount);
    this.#runs = new Runs(map);
    this.#untouched = new Bitfield(map.pieceCount);
    for (let piece = 0; piece < map.pieceCount; piece++) {
      if (this.isMissing(piece)) this.#untouched.add(piece);
      else if (have.has(piece)) this.#runs.begin(piece);
    }
    this.#missingCount = this.#untouched.count;
  }

  /** The pieces that are here and verified. */
  get have(): Bitfield {
    return this.#have;
  }

  /** Whether the piece is wanted and not here. */
  isMissing(piece: number): boolean {
    return !this.#have.has(piece) && (this.#wanted?.has(piece) ?? true);
  }

  /** Whether the piece is wanted, and nobody fetches it: it is untouched, or was left behind unfinished. */
  isFree(piece: number): boolean {
    return this.#untouched.has(piece) || this.#orphan(piece) !== undefined;
  }

  /** Whether, in a large swarm, few have the piece. */
  isRare(piece: number): boolean {
    return this.peerCount > RARE.few && this.#availability[piece]! * RARE.share < this.peerCount;
  }

  /** Whether no piece may be begun for now; those that are come whole. */
  get isHeld(): boolean {
    return this.#have.count + this.#active.size >= this.maxBegun;
  }

  /** How many pieces are wanted and not here. */
  get missingCount(): number {
    return this.#missingCount;
  }

  /** Fetches these pieces before all others of a lower level. The level is 0 (the rest) to 255. */
  prioritize({ first, last }: PieceRange, level: number): void {
    this.#priority.fill(level, first, last + 1);
    this.#urgent = this.#priority.reduce(
      (count, level, piece) => level > 0 && this.#untouched.has(piece) ? count + 1 : count,
      0,
    );
  }

  /** The peer has this piece, as it says now. */
  countPiece(piece: number, peer: P): void {
    this.#availability[piece]!++;
    if (!peer.isFar && !peer.isDealer) this.#nearby[piece]!++;
  }

  /** The peer is gone. */
  uncountPeer(peer: P): void {
    const isNear = !peer.isFar && !peer.isDealer;
    for (let piece = 0; piece < peer.pieces.size; piece++) {
      if (!peer.pieces.has(piece)) continue;
      this.#availability[piece]!--;
      if (isNear) this.#nearby[piece]!--;
    }
  }

  /** The next block to ask of `peer`; it counts as asked for from now on. */
  pick(peer: P): Block | undefined {
    let orphan: ActivePiece<P> | undefined;
    let shared: ActivePiece<P> | undefined;
    for (const active of this.#active.values()) {
      if (!active.hasMissing || !peer.pieces.has(active.piece)) continue;
      if (active.owner === peer) return active.requestMissing(peer.maxBlockLength);
      if (!this.#mayStart(active.piece, peer)) continue;
      if (active.owner === undefined) orphan ??= active;
      else if (!active.solo) shared = active;
    }
    const next = this.isHeld ? orphan : this.#startUrgent(peer) ??
      this.#startSuggested(peer) ?? orphan ?? this.#startRarest(peer);
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

  /** `block` may never come: the endgame asks others for it, and what comes first is kept. */
  doubt(block: Block): void {
    this.#active.get(block.piece)?.doubt(block);
  }

  /** The peer fetches nothing more: what it owned is free for others. Call after its blocks are released. */
  releasePieces(peer: P): void {
    for (const active of this.#active.values()) {
      if (active.owner !== peer) continue;
      if (active.solo) this.#activate(active.piece, { solo: true });
      else active.owner = undefined;
    }
  }

  /** A block begins to arrive: how many of its 16 KiB units are to be kept, 0 for none. */
  startBlock(peer: P, block: Block): number {
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
  endBlock(peer: P, end: { block: Block; whole: boolean }): { complete: boolean; contested: boolean } {
    const active = this.#active.get(end.block.piece);
    const contested = active?.end(peer, end) ?? false;
    return { complete: active?.isComplete ?? false, contested };
  }

  /** Whether a request for `block` has become needless. */
  isObsolete(block: Block): boolean {
    return this.#have.has(block.piece) || (this.#active.get(block.piece)?.hasBlock(block) ?? true);
  }

  /** The peer that each 16 KiB unit of an active piece came from. */
  sourcesOf(piece: number): readonly (P | undefined)[] {
    return this.#active.get(piece)?.sources ?? [];
  }

  verified(piece: number): void {
    this.#active.delete(piece);
    if (this.isMissing(piece)) this.#missingCount--;
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

  /** Whether the piece may be asked of this peer, unless it suggested it. */
  #mayStart(piece: number, peer: P): boolean {
    if (this.#priority[piece]! > 0) return true;
    if (this.avoidsDealers && peer.isDealer) return false;
    return this.#mayCross(piece, peer);
  }

  /** Whether the piece may be asked of this peer as far as links between racks go. */
  #mayCross(piece: number, peer: P): boolean {
    if (!this.avoidsFar || !peer.isFar) return true;
    return this.#nearby[piece] === 0 && (this.farShare?.has(piece) ?? true);
  }

  #startUrgent(peer: P): ActivePiece<P> | undefined {
    return this.#urgent > 0 ? this.#startRarest(peer, { urgent: true }) : undefined;
  }

  #startSuggested(peer: P): ActivePiece<P> | undefined {
    const { suggested } = peer;
    if (!suggested) return undefined;
    for (const piece of suggested) {
      suggested.delete(piece);
      if (!peer.pieces.has(piece)) continue;
      if (!this.#mayCross(piece, peer)) {
        peer.decline?.(piece);
        continue;
      }
      if (this.#untouched.has(piece)) return this.#start(piece);
      // else what a dealer began and broke off would wait for it for ever, since it is asked for nothing else
      const orphan = this.#orphan(piece);
      if (orphan) return orphan;
      peer.decline?.(piece);
    }
    return undefined;
  }

  #orphan(piece: number): ActivePiece<P> | undefined {
    const active = this.#active.get(piece);
    return active?.owner === undefined && active?.hasMissing ? active : undefined;
  }

  #startRarest(peer: P, { urgent = false } = {}): ActivePiece<P> | undefined {
    if (this.avoidsDealers && peer.isDealer && !urgent) return undefined;
    const { pieces } = peer;
    let best = -1;
    let bestRank = Infinity;
    let ties = 0;
    const untouched = this.#untouched;
    for (
      let piece = untouched.nextCommon(pieces, 0);
      piece >= 0;
      piece = untouched.nextCommon(pieces, piece + 1)
    ) {
      if (urgent && this.#priority[piece] === 0) continue;
      const rank = this.#rankOf(piece);
      if (rank > bestRank || !this.#mayStart(piece, peer)) continue;
      if (rank < bestRank) {
        bestRank = rank;
        best = piece;
        ties = 1;
      } else if (this.#random() * ++ties < 1) {
        best = piece;
      }
    }
    return best < 0 ? undefined : this.#start(best);
  }

  /**
   * One number to compare, the least comes first: level, then what is rare in a large swarm, then runs in the order
   * of their beginning, then rarity.
   */
  #rankOf(piece: number): number {
    const availability = this.#availability[piece]!;
    const begun = this.isRare(piece) ? 0 : this.#runs.begun(piece) * RUN_WEIGHT;
    return begun + availability - this.#priority[piece]! * LEVEL_WEIGHT;
  }

  #start(piece: number): ActivePiece<P> {
    this.#runs.begin(piece);
    this.#untouched.delete(piece);
    if (this.#priority[piece]! > 0) this.#urgent--;
    return this.#activate(piece, { solo: false });
  }

  /**
   * In the endgame, when there is nothing new to be had, every block may be under way twice. Before it only
   * those are asked for again that nobody is relied on to send.
   */
  #takeAgain(peer: P): Block | undefined {
    if (!peer.isIdle) return undefined;
    const copies = this.#hasNewWork() ? 0 : 1;
    const isRequestedHere = (piece: number) => (begin: number) => peer.isRequested(piece, begin);
    for (const active of this.#active.values()) {
      const { piece, solo } = active;
      if (solo || !peer.pieces.has(piece) || !this.#mayStart(piece, peer)) continue;
      const block = active.requestAgain(peer.maxBlockLength, {
        copies,
        isRequestedHere: isRequestedHere(piece),
      });
      if (block) return block;
    }
    return undefined;
  }

  /** Somebody has a piece that is not even begun. */
  #hasNewWork(): boolean {
    const untouched = this.#untouched;
    let piece = untouched.nextCommon(untouched, 0);
    while (piece >= 0 && this.#availability[piece] === 0) piece = untouched.nextCommon(untouched, piece + 1);
    return piece >= 0;
  }
}
