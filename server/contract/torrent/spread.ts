import { chooseUnchoked, slotsFor } from "./choker.ts";
import { Dealer } from "./dealer.ts";
import { gatewayShare } from "./gateway.ts";
import type { Peer } from "./peer.ts";
import type { Picker, PickingPeer } from "./picker.ts";
import type { PieceMap } from "./piece_map.ts";
import type { Random } from "./ports.ts";

/** What a taker holds in hand of a dealer: enough to ask for more before it runs out. */
const DEALT_AHEAD_BYTES = 1024 * 1024;
/** Scarce links are spared while at least this part of the best rate so far comes in. */
const SUFFICIENT = 0.4;
/** What an uplink is taken to carry before it has shown it, bytes a second: enough to serve a rack. */
const FIRST_RATE = 8 * 1024 * 1024;
/** What of the best rate remains from second to second, so that a burst is forgotten. */
const FADING = 0.98;

export interface SpreadOptions {
  readonly map: PieceMap;
  readonly picker: Picker<PickingPeer>;
  /** The peers of the swarm as they are now. */
  readonly peers: () => IteratorObject<Peer>;
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
export class Spread {
  readonly #options: SpreadOptions;
  readonly #dealer: Dealer<Peer> | undefined;
  #neighbours: string | undefined;
  /** Payload bytes so far, bytes a second of late, and the best of these rates. */
  #received = { total: 0, rate: 0, best: 0 };
  #sent = { total: 0, best: FIRST_RATE };

  constructor(options: SpreadOptions) {
    const { map, deals, random, picker } = options;
    this.#options = options;
    picker.sparesFar = true;
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

  left(peer: Peer): void {
    this.#dealer?.leave(peer);
  }

  learned(peer: Peer, piece: number): void {
    this.#dealer?.has(peer, piece);
  }

  asked(peer: Peer, piece: number): void {
    this.#dealer?.asked(peer, piece);
    if (!peer.amChoking) this.#deal(peer);
  }

  declined(peer: Peer, piece: number): void {
    this.#dealer?.declined(peer, piece);
    if (!peer.amChoking) this.#deal(peer);
  }

  /** A newcomer need not wait for the next round while there are free slots. */
  interestChanged(peer: Peer): void {
    if (!peer.peerInterested) this.#dealer?.fold(peer);
    else if (this.#freeSlots() > 0) this.#setChoking(peer, false);
  }

  chokeRound(): void {
    const candidates = this.#options.peers().map((peer) => {
      const { amChoking, peerInterested, isFar, uploaded: served } = peer;
      return { peer, served, amChoking, peerInterested, isFar };
    }).toArray();
    const { random } = this.#options;
    const chosen = chooseUnchoked(candidates, { slots: slotsFor(this.#sent.best), random });
    for (const candidate of candidates) this.#setChoking(candidate.peer, !chosen.has(candidate));
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
    const { picker, peers } = this.#options;
    for (const peer of peers()) peer.pace(elapsedMs);
    const seconds = elapsedMs / 1000;
    const sending = (sent - this.#sent.total) / seconds;
    this.#sent = { total: sent, best: Math.max(this.#sent.best * FADING, sending) };
    const before = this.#received;
    const rate = isHeld ? before.rate : (before.rate + (received - before.total) / seconds) / 2;
    const suffices = rate >= before.best * SUFFICIENT;
    this.#received = { total: received, rate, best: Math.max(before.best * FADING, rate) };
    picker.sparesFar = suffices;
    picker.sparesDealers = suffices &&
      peers().some((peer) => peer.amInterested && !peer.peerChoking && !peer.isDealer);
    this.#share();
    this.#fillSlots();
    if (!this.#dealer) return;
    this.#dealer.isGenerous = sending < this.#sent.best * SUFFICIENT;
    this.#dealer.tick();
    for (const peer of peers()) if (!peer.amChoking && peer.peerInterested) this.#deal(peer);
  }

  #freeSlots(): number {
    const used = this.#options.peers().filter((peer) => !peer.amChoking && peer.peerInterested);
    return slotsFor(this.#sent.best) - used.toArray().length;
  }

  #fillSlots(): void {
    const waiting = this.#options.peers().filter((peer) => peer.amChoking && peer.peerInterested);
    for (const peer of waiting.take(Math.max(0, this.#freeSlots())).toArray()) this.#setChoking(peer, false);
  }

  #setChoking(peer: Peer, choke: boolean): void {
    if (choke) this.#dealer?.fold(peer);
    // Suggestions go ahead of the unchoke that lets the peer ask.
    else if (peer.peerInterested) this.#deal(peer);
    peer.setChoking(choke);
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
    picker.share = gatewayShare(map.pieceCount, { ownId, neighbourIds });
  }
}
