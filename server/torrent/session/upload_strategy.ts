import { type ChokeCandidate, slotsFor, turnSlots } from "../choice/choker.ts";
import { Dealer } from "../choice/dealer.ts";
import { gatewayShare } from "../choice/gateway.ts";
import type { Peer } from "./peer.ts";
import type { Picker, PickingPeer } from "../choice/picker.ts";
import type { PieceMap } from "../metainfo/piece_map.ts";
import type { Random } from "../ports.ts";
import type { RequestBudget } from "../choice/request_window.ts";

/** Pieces dealt to a taker and not requested yet: enough that it never runs out before the next deal. */
const DEALT_AHEAD_BYTES = 1024 * 1024;
/** Scarce links are avoided while at least this fraction of the best rate so far comes in. */
const SUFFICIENT = 0.4;
/** The assumed uplink before any measurement, bytes a second: enough to serve a rack. */
const INITIAL_RATE = 8 * 1024 * 1024;
/** The best rate decays by this factor each tick, so that a burst is forgotten. */
const DECAY = 0.98;
/** Every slot passes to another peer once in this time. */
const ROUND_MS = 10_000;

interface UploadStrategyOptions {
  readonly map: PieceMap;
  readonly picker: Picker<PickingPeer>;
  /** The swarm's current peers. */
  readonly peers: () => IteratorObject<Peer>;
  readonly budget: RequestBudget;
  readonly ownId: string;
  readonly random: Random;
  /** As in SwarmOptions. */
  readonly deals?: boolean | undefined;
  readonly rack?: string | undefined;
  readonly rackOf?: ((hostname: string) => string | undefined) | undefined;
}

/**
 * How one node helps the whole swarm to finish: which peers it serves, what it suggests to each as a dealer, and which
 * links it avoids. Pure: the caller passes the elapsed time.
 */
export class UploadStrategy {
  readonly #options: UploadStrategyOptions;
  readonly #dealer: Dealer<Peer> | undefined;
  readonly #interested = new Set<Peer>();
  /** Interested peers that are not choked, longest-served first: they hold the slots. */
  readonly #served = new Set<Peer>();
  /** Slots that are due to pass on. */
  #turnover = 0;
  /** A dealer's current round: how long it has lasted, and what each taker had been sent when it began. */
  #round = { elapsedMs: 0, sentBefore: new Map<Peer, number>() };
  /** The peer ids of this rack for which the far pieces were last split. */
  #neighbours: string | undefined;
  /** Payload bytes so far, the recent rate in bytes a second, and the best recent rate. */
  #received = { total: 0, rate: 0, best: 0 };
  #sent = { total: 0, best: INITIAL_RATE };

  constructor(options: UploadStrategyOptions) {
    const { map, deals, random, picker } = options;
    this.#options = options;
    picker.avoidsFar = true;
    if (!deals) return;
    const ahead = Math.max(2, Math.ceil(DEALT_AHEAD_BYTES / map.pieceLength));
    this.#dealer = new Dealer(map.pieceCount, { ahead, random });
  }

  /** Whether an address is in another rack, behind a scarce link. */
  isFar(hostname: string): boolean {
    const { rack, rackOf } = this.#options;
    if (rack === undefined) return false;
    const theirs = rackOf?.(hostname);
    return theirs !== undefined && theirs !== rack;
  }

  removePeer(peer: Peer): void {
    this.#interested.delete(peer);
    this.#served.delete(peer);
    this.#dealer?.leave(peer);
  }

  gainedPiece(peer: Peer, piece: number): void {
    this.#dealer?.gained(peer, piece);
  }

  requestQueued(peer: Peer, piece: number): void {
    this.#dealer?.requested(peer, piece);
    if (!peer.amChoking) this.#deal(peer);
  }

  suggestionDeclined(peer: Peer, piece: number): void {
    this.#dealer?.declined(peer, piece);
    if (!peer.amChoking) this.#deal(peer);
  }

  /** While there are free slots, a newly interested peer gets one at once. */
  interestChanged(peer: Peer): void {
    if (peer.peerInterested) this.#interested.add(peer);
    else this.#interested.delete(peer);
    if (!peer.peerInterested) {
      this.#served.delete(peer);
      this.#dealer?.fold(peer);
    } else if (!peer.amChoking) this.#served.add(peer);
    else if (this.#freeSlots > 0) this.#setChoking(peer, false);
  }

  /**
   * About once a second, `elapsedMs` after the previous call. `received` and `sent`: payload bytes of all peers, past
   * and present. `isHeld`: nothing new is requested, so the rate says nothing about the peers.
   */
  tick(
    elapsedMs: number,
    { received, sent, isHeld = false }: { received: number; sent: number; isHeld?: boolean },
  ): void {
    if (elapsedMs <= 0) return;
    const { picker, peers, budget } = this.#options;
    let count = 0, hasFarPeers = false;
    for (const peer of peers()) {
      peer.pace(elapsedMs);
      count++;
      hasFarPeers ||= peer.isFar;
    }
    const seconds = elapsedMs / 1000;
    const sending = (sent - this.#sent.total) / seconds;
    this.#sent = { total: sent, best: Math.max(this.#sent.best * DECAY, sending) };
    const before = this.#received;
    const rate = isHeld ? before.rate : (before.rate + (received - before.total) / seconds) / 2;
    const suffices = rate >= before.best * SUFFICIENT;
    this.#received = { total: received, rate, best: Math.max(before.best * DECAY, rate) };
    picker.peerCount = count;
    picker.hasFarPeers = hasFarPeers;
    // a node that fell behind must not ask for less than others, or it stays behind
    budget.pace({ peers: count, rate: Math.max(this.#received.best, this.#sent.best) });
    picker.avoidsFar = suffices;
    picker.avoidsDealers = suffices &&
      peers().some((peer) => peer.amInterested && !peer.peerChoking && !peer.isDealer);
    this.#splitFarPieces();
    this.#turnSlots(elapsedMs);
    if (!this.#dealer) return;
    this.#dealer.includesFar = sending < this.#sent.best * SUFFICIENT;
    this.#dealer.tick();
    for (const peer of peers()) if (!peer.amChoking && peer.peerInterested) this.#deal(peer);
  }

  get #slots(): number {
    const { deals = false, map: { pieceLength }, picker: { have } } = this.#options;
    const { size: takers } = this.#interested;
    return slotsFor({ rate: this.#sent.best, takers, pieceLength, have: have.count, deals });
  }

  get #freeSlots(): number {
    return this.#slots - this.#served.size;
  }

  #turnSlots(elapsedMs: number): void {
    const { deals, random } = this.#options;
    const slots = this.#slots;
    const idle = deals ? this.#idleTakers(elapsedMs) : [];
    this.#turnover = deals ? idle.length : this.#turnover % 1 + slots * elapsedMs / ROUND_MS;
    const waiting = [...this.#interested].filter((peer) => peer.amChoking).map(candidateOf);
    if (waiting.length === 0 && this.#served.size <= slots) return;
    const served = [...new Set([...idle, ...this.#served])].map(candidateOf);
    const turnover = Math.floor(this.#turnover);
    const { choke, unchoke } = turnSlots({ served, waiting }, { slots, turnover, random });
    for (const { peer } of choke) this.#setChoking(peer, true);
    for (const { peer } of unchoke) this.#setChoking(peer, false);
  }

  /**
   * At the end of a dealer's round, the takers that got nothing in it. The others keep their slots, since a piece that
   * breaks off midway has to be dealt again.
   */
  #idleTakers(elapsedMs: number): Peer[] {
    const { sentBefore } = this.#round;
    this.#round.elapsedMs += elapsedMs;
    if (this.#round.elapsedMs < ROUND_MS) return [];
    const served = [...this.#served];
    this.#round = { elapsedMs: 0, sentBefore: new Map(served.map((peer) => [peer, peer.uploaded])) };
    return served.filter((peer) => sentBefore.get(peer) === peer.uploaded);
  }

  #setChoking(peer: Peer, choke: boolean): void {
    if (choke) this.#dealer?.fold(peer);
    // suggestions must arrive before the unchoke that lets the peer request
    else if (peer.peerInterested) this.#deal(peer);
    peer.setChoking(choke);
    if (!choke && peer.peerInterested) this.#served.add(peer);
    else this.#served.delete(peer);
  }

  #deal(peer: Peer): void {
    if (this.#dealer && peer.takesDeals) peer.suggest(this.#dealer.deal(peer));
  }

  /** Splits the pieces that come from other racks among the nodes of this one. */
  #splitFarPieces(): void {
    const { map, picker, ownId, peers, rack, rackOf } = this.#options;
    if (rack === undefined || !rackOf) return;
    const neighbours = peers().filter((peer) => !peer.isFar && !peer.isSeed && peer.takesDeals);
    const neighbourIds = neighbours.map((peer) => peer.identity.peerId).toArray().sort();
    const key = neighbourIds.join(" ");
    if (key === this.#neighbours) return;
    this.#neighbours = key;
    picker.farShare = gatewayShare(map.pieceCount, { ownId, neighbourIds });
  }
}

function candidateOf(peer: Peer): ChokeCandidate & { readonly peer: Peer } {
  const { isFar, uploaded: served, pieces: { count: have } } = peer;
  return { peer, have, served, isFar };
}
