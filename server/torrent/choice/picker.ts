import { ActivePiece } from "./active_piece.ts";
import { Bitfield } from "../wire/bitfield.ts";
import type { PieceMap, PieceRange } from "../metainfo/piece_map.ts";
import { Runs } from "./runs.ts";
import type { Block } from "../wire/wire.ts";

/** RUN_WEIGHT exceeds any availability, LEVEL_WEIGHT any rank without a level. */
const RUN_WEIGHT = 2 ** 17;
const LEVEL_WEIGHT = 2 ** 44;
/**
 * In a swarm of more than `few` peers, a piece that fewer than one in `share` have is rare and comes before all runs:
 * there a node knows only some of the others, and a rare piece that is not passed on is soon what everyone waits for.
 */
const RARE = { few: 40, share: 4 };

/** A peer as the picker sees it. */
export interface PickingPeer {
  readonly pieces: Bitfield;
  /** The largest block to request from it, bytes: a multiple of 16 KiB. */
  readonly maxBlockLength: number;
  /** It has so little in flight that in the endgame it may fetch what others owe us. */
  readonly isIdle: boolean;
  isRequested(piece: number, begin: number): boolean;
  /** It is in another rack, behind a scarce link. */
  readonly isFar?: boolean;
  /** It is a seed that deals out its pieces: request from it what it suggests. */
  readonly isDealer?: boolean;
  /** Pieces it suggested and that were not requested yet. The picker removes them. */
  readonly suggested?: Set<number>;
  /** Turns down a suggested piece, which comes from elsewhere. */
  decline?(piece: number): void;
}

/**
 * Picks the next block to request from a peer. Pure: no clock, no socket; chance comes in as `random`.
 *
 * In this order, a peer
 * 1. continues the piece it is fetching;
 * 2. starts an urgent piece, see `prioritize`;
 * 3. starts a piece that it suggested;
 * 4. adopts a piece that another peer left unfinished;
 * 5. starts the piece that ranks first: of the run that was begun first, else the rarest. Ties are broken at random, so
 *    that nodes that start together differ;
 * 6. helps with another peer's piece;
 * 7. in the endgame, requests blocks that are in flight elsewhere.
 *
 * While other peers suffice, only suggested pieces are requested from a dealer (`avoidsDealers`). From a far peer,
 * whatever it suggests, only this node's share of the pieces that no near peer has (`avoidsFar`).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Picker } from "#torrent/choice/picker.ts";
 * import { PieceMap } from "#torrent/metainfo/piece_map.ts";
 * import { Bitfield } from "#torrent/wire/bitfield.ts";
 *
 * const map = new PieceMap([{ name: "a.pack", length: 2 * 65_536 }], 65_536);
 * const picker = new Picker(map, { have: new Bitfield(2), random: Math.random });
 * const peer = {
 *   pieces: Bitfield.full(2),
 *   maxBlockLength: 65_536,
 *   isIdle: true,
 *   isRequested: () => false,
 * };
 * const block = picker.pick(peer)!;
 * picker.startBlock(peer, block);
 * assert.ok(picker.endBlock(peer, { block, whole: true }).complete);
 * picker.verified(block.piece);
 * assert.equal(picker.missingCount, 1);
 * ```
 */
export class Picker<P extends PickingPeer> {
  readonly #map: PieceMap;
  readonly #random: () => number;
  readonly #have: Bitfield;
  readonly #wanted: Bitfield | undefined;
  readonly #availability: Uint16Array;
  /** How many near peers, without dealers, have a piece. */
  readonly #nearby: Uint16Array;
  readonly #priority: Uint8Array;
  readonly #active = new Map<number, ActivePiece<P>>();
  /** Wanted pieces that are neither held nor active. */
  readonly #untouched: Bitfield;
  readonly #runs: Runs;
  /** Untouched pieces of a level above 0. */
  #urgent = 0;
  #missingCount: number;
  /** The approximate number of peers. */
  peerCount = 0;
  /** Whether to keep to suggestions and to our share, so that scarce links stay free. Off while too little comes in. */
  avoidsDealers = false;
  avoidsFar = false;
  /** Whether some peers are in another rack. */
  hasFarPeers = false;
  /** No piece is begun while this many are held or active. */
  maxBegun = Infinity;
  /** The pieces that this node fetches from other racks; undefined for all. */
  farShare: Bitfield | undefined;

  constructor(map: PieceMap, { have, wanted, random }: {
    have: Bitfield;
    /** By default all pieces. */
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

  /** The pieces that are stored and verified. */
  get have(): Bitfield {
    return this.#have;
  }

  /** Whether the piece is wanted and not held. */
  isMissing(piece: number): boolean {
    return !this.#have.has(piece) && (this.#wanted?.has(piece) ?? true);
  }

  /** Whether the piece is wanted and no peer is fetching it: it is untouched, or was left unfinished. */
  isFree(piece: number): boolean {
    return this.#untouched.has(piece) || this.#orphan(piece) !== undefined;
  }

  /** Whether few peers of a large swarm have the piece. */
  isRare(piece: number): boolean {
    return this.peerCount > RARE.few && this.#availability[piece]! * RARE.share < this.peerCount;
  }

  /** Whether no piece may be begun for now. Begun pieces are finished. */
  get isHeld(): boolean {
    return this.#have.count + this.#active.size >= this.maxBegun;
  }

  /** Whether every piece that is missing is begun. */
  get isEnding(): boolean {
    return this.#untouched.count === 0;
  }

  /** How many pieces are wanted and not held. */
  get missingCount(): number {
    return this.#missingCount;
  }

  /** Fetches these pieces before all of a lower level. Levels go from 0, the default, to 255. */
  prioritize({ first, last }: PieceRange, level: number): void {
    this.#priority.fill(level, first, last + 1);
    this.#urgent = this.#priority.reduce(
      (count, level, piece) => level > 0 && this.#untouched.has(piece) ? count + 1 : count,
      0,
    );
  }

  /** The peer reported that it has this piece. */
  countPiece(piece: number, peer: P): void {
    this.#availability[piece]!++;
    if (!peer.isFar && !peer.isDealer) this.#nearby[piece]!++;
  }

  /** The peer has left. */
  uncountPeer(peer: P): void {
    const isNear = !peer.isFar && !peer.isDealer;
    for (let piece = 0; piece < peer.pieces.size; piece++) {
      if (!peer.pieces.has(piece)) continue;
      this.#availability[piece]!--;
      if (isNear) this.#nearby[piece]!--;
    }
  }

  /** The next block to request from `peer`. It counts as requested from now on. */
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

  /** `block` will not come: it was rejected, or the peer choked us or left. */
  release(block: Block): void {
    this.#active.get(block.piece)?.release(block);
  }

  /** `block` may never come: the endgame requests it from others, and the first copy is kept. */
  doubt(block: Block): void {
    this.#active.get(block.piece)?.doubt(block);
  }

  /** The peer stops fetching: its pieces are free for others. Release its blocks first. */
  releasePieces(peer: P): void {
    for (const active of this.#active.values()) {
      if (active.owner !== peer) continue;
      if (active.solo) this.#activate(active.piece, { solo: true });
      else active.owner = undefined;
    }
  }

  /** A block starts to arrive. Returns how many of its 16 KiB units to keep. */
  startBlock(peer: P, block: Block): number {
    return this.#active.get(block.piece)?.start(peer, block) ?? 0;
  }

  /** Whether to keep the unit at `begin` of the block that is arriving from this peer. */
  isReceiving(peer: P, { piece, begin }: { piece: number; begin: number }): boolean {
    return this.#active.get(piece)?.isReceiving(peer, begin) ?? false;
  }

  /**
   * The block has ended, whole or broken off. `complete`: its piece has all its blocks and can be verified.
   * `contested`: the block is still requested from other peers.
   */
  endBlock(peer: P, end: { block: Block; whole: boolean }): { complete: boolean; contested: boolean } {
    const active = this.#active.get(end.block.piece);
    const contested = active?.end(peer, end) ?? false;
    return { complete: active?.isComplete ?? false, contested };
  }

  /** Whether a request for `block` is no longer needed. */
  isObsolete(block: Block): boolean {
    return this.#have.has(block.piece) || (this.#active.get(block.piece)?.hasBlock(block) ?? true);
  }

  /** The peer that sent each 16 KiB unit of an active piece. */
  sourcesOf(piece: number): readonly (P | undefined)[] {
    return this.#active.get(piece)?.sources ?? [];
  }

  verified(piece: number): void {
    this.#active.delete(piece);
    if (this.isMissing(piece)) this.#missingCount--;
    this.#have.add(piece);
  }

  /** The piece is corrupt. It is fetched again from a single peer, so that the next failure names the culprit. */
  failed(piece: number): void {
    this.#activate(piece, { solo: true });
  }

  #activate(piece: number, { solo }: { solo: boolean }): ActivePiece<P> {
    const active = new ActivePiece<P>(piece, { length: this.#map.lengthOf(piece), solo });
    this.#active.set(piece, active);
    return active;
  }

  /** Whether the piece may be requested from this peer without its suggestion. */
  #mayStart(piece: number, peer: P): boolean {
    if (this.#priority[piece]! > 0) return true;
    if (this.avoidsDealers && peer.isDealer) return false;
    return this.#mayCross(piece, peer);
  }

  /** Whether the piece may cross the link between racks, if the peer is in another one. */
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
      // without this, a piece that a dealer left unfinished might wait forever: only suggestions are requested from it
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
   * The sort key of a piece, lowest first: by level, then what is rare in a large swarm, then runs in the order in
   * which they were begun, then rarity.
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
   * In the endgame, when no peer has a piece that is not begun, every block may be requested twice. Before that, only
   * blocks that no peer is relied on to send are requested again.
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

  /** Whether no peer has some wanted piece that is not begun. */
  get lacksOffers(): boolean {
    const untouched = this.#untouched;
    let piece = untouched.nextCommon(untouched, 0);
    while (piece >= 0 && this.#availability[piece]! > 0) piece = untouched.nextCommon(untouched, piece + 1);
    return piece >= 0;
  }

  /** Whether some peer has a wanted piece that is not begun. */
  #hasNewWork(): boolean {
    const untouched = this.#untouched;
    let piece = untouched.nextCommon(untouched, 0);
    while (piece >= 0 && this.#availability[piece] === 0) piece = untouched.nextCommon(untouched, piece + 1);
    return piece >= 0;
  }
}
