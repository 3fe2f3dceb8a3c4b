import { type ChokeCandidate, slotsFor, turnSlots } from "../choice/choker.ts";
import { Dealer } from "../choice/dealer.ts";
import { gatewayShare } from "../choice/gateway.ts";
import type { Peer } from "./peer.ts";
import type { Picker, PickingPeer } from "../choice/picker.ts";
import type { PieceMap } from "../metainfo/piece_map.ts";
import type { Random } from "../ports.ts";
import type { RequestBudget } from "../choice/request_window.ts";

/** What a taker holds in hand of a dealer: enough to ask for more before it runs out. */
const DEALT_AHEAD_BYTES = 1024 * 1024;
/** Scarce links are spared while at least this part of the best rate so far comes in. */
const SUFFICIENT = 0.4;
/** What an uplink is taken to carry before it has shown it, bytes a second: enough to serve a rack. */
const FIRST_RATE = 8 * 1024 * 1024;
/** What of the best rate remains from second to second, so that a burst is forgotten. */
const FADING = 0.98;
/** In this time every slot passes on once. */
const ROUND_MS = 10_000;

interface UploadStrategyOptions {
  readonly map: PieceMap;
  readonly picker: Picker<PickingPeer>;
  /** The peers of the swarm as they are now. */
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
 * How one node helps the whole swarm to its end: whom it serves, what it suggests to whom as a dealer, and
 * which links it spares. Pure: the time that has passed is told to it.
 */
export class UploadStrategy {
  readonly #options: UploadStrategyOptions;
  readonly #dealer: Dealer<Peer> | undefined;
  readonly #interested = new Set<Peer>();
  /** Who is interested and not choked, those longest first: they hold the slots. */
  readonly #served = new Set<Peer>();
  /** Slots that are due to pass on. */
  #turnover = 0;
  /** What a dealer's takers had when the last round began. */
  #taken = { at: 0, bytes: new Map<Peer, number>() };
  #neighbours: string | undefined;
  /** Payload bytes so far, bytes a second of late, and the best of these rates. */
  #received = { total: 0, rate: 0, best: 0 };
  #sent = { total: 0, best: FIRST_RATE };

  constructor(options: UploadStrategyOptions) {
    const { map, deals, random, picker } = options;
    this.#options = options;
    picker.avoidsFar = true;
    if (!deals) return;
    const ahead = Math.max(2, Math.ceil(DEALT_AHEAD_BYTES / map.pieceLength));
    this.#dealer = new Dealer(map.pieceCount, { ahead, random });
  }

  /** Whether an address is behind a link that is to be spared. */
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

  /** A newcomer need not wait for the next round while there are free slots. */
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
   * About once a second, `elapsedMs` after the last time. `received` and `sent`: payload bytes of all peers
   * there ever were. `isHeld`: nothing is asked for, so that nothing can be learnt of what would come.
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
    this.#sent = { total: sent, best: Math.max(this.#sent.best * FADING, sending) };
    const before = this.#received;
    const rate = isHeld ? before.rate : (before.rate + (received - before.total) / seconds) / 2;
    const suffices = rate >= before.best * SUFFICIENT;
    this.#received = { total: received, rate, best: Math.max(before.best * FADING, rate) };
    picker.peerCount = count;
    picker.hasFarPeers = hasFarPeers;
    budget.pace({ peers: count, rate: this.#received.best });
    picker.avoidsFar = suffices;
    picker.avoidsDealers = suffices &&
      peers().some((peer) => peer.amInterested && !peer.peerChoking && !peer.isDealer);
    this.#share();
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
   * Whom a dealer has sent nothing for a whole round. The others stay, since what breaks off half-way is dealt
   * anew.
   */
  #idleTakers(elapsedMs: number): Peer[] {
    const { bytes } = this.#taken;
    this.#taken.at += elapsedMs;
    if (this.#taken.at < ROUND_MS) return [];
    this.#taken = { at: 0, bytes: new Map([...this.#served].map((peer) => [peer, peer.uploaded])) };
    return [...this.#served].filter((peer) => bytes.get(peer) === peer.uploaded);
  }

  #setChoking(peer: Peer, choke: boolean): void {
    if (choke) this.#dealer?.fold(peer);
    // Suggestions go ahead of the unchoke that lets the peer ask.
    else if (peer.peerInterested) this.#deal(peer);
    peer.setChoking(choke);
    if (!choke && peer.peerInterested) this.#served.add(peer);
    else this.#served.delete(peer);
  }

  #deal(peer: Peer): void {
    if (this.#dealer && peer.takesDeals) peer.suggest(this.#dealer.deal(peer));
  }

  /** Splits what comes from other racks among the nodes of this one. */
  #share(): void {
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
