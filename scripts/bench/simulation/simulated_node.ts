import { AddressBook } from "#contract/torrent/address_book.ts";
import { Bitfield } from "#contract/torrent/bitfield.ts";
import type { PeerIdentity } from "#contract/torrent/peer.ts";
import { Picker, type PickingPeer } from "#contract/torrent/picker.ts";
import type { PieceMap } from "#contract/torrent/piece_map.ts";
import type { PeerAddress, Random } from "#contract/torrent/ports.ts";
import { Spread } from "#contract/torrent/spread.ts";
import { MAX_BLOCK_BYTES } from "#contract/torrent/wire.ts";
import type { ConnectionEnd } from "./connection_end.ts";

/** What a node needs of the world it is in. */
export interface Surroundings {
  readonly now: () => number;
  after(ms: number, act: () => void): void;
  /** There is something to send on this connection. */
  wake(end: ConnectionEnd): void;
  finished(node: SimulatedNode): void;
}

/** Bytes a millisecond. */
export interface LinkRate {
  readonly up: number;
  readonly down: number;
}

/** What every block is made of. */
const NOTHING = new Uint8Array(MAX_BLOCK_BYTES);

/** A node, or the server where it has everything from the start: the product's policy over a simulated link. */
export class SimulatedNode {
  readonly identity: PeerIdentity;
  readonly surroundings: Surroundings;
  readonly map: PieceMap;
  readonly picker: Picker<PickingPeer>;
  readonly spread: Spread;
  readonly book = new AddressBook();
  readonly ends = new Set<ConnectionEnd>();
  readonly neighbours = new Set<string>();
  readonly deals: boolean;
  readonly #link: LinkRate;
  /** Connections with blocks to send, each one block at a time. */
  readonly #turns: ConnectionEnd[] = [];
  #isSending = false;
  /** When the downlink has taken in all that was sent to it. */
  #downFreeAt = 0;
  sentBytes = 0;
  receivedBytes = 0;
  finishedAt: number | undefined;

  constructor(
    address: PeerAddress,
    { surroundings, map, link, random, isServer }: {
      surroundings: Surroundings;
      map: PieceMap;
      link: LinkRate;
      random: Random;
      isServer: boolean;
    },
  ) {
    this.identity = { ...address, peerId: address.hostname };
    this.surroundings = surroundings;
    this.map = map;
    this.deals = isServer;
    this.#link = link;
    const have = isServer ? Bitfield.full(map.pieceCount) : new Bitfield(map.pieceCount);
    this.picker = new Picker<PickingPeer>(map, { have, random });
    this.spread = new Spread({
      map,
      picker: this.picker,
      peers: () => this.ends.values().map(({ peer }) => peer),
      ownId: this.identity.peerId,
      random,
      deals: isServer,
    });
  }

  get isComplete(): boolean {
    return this.picker.lacking === 0;
  }

  /** Once a second, as the product's swarm does. */
  tick(count: number, elapsedMs: number): void {
    this.spread.tick(elapsedMs, { received: this.receivedBytes, sent: this.sentBytes });
    for (const end of this.ends) end.peer.refill();
    if (count % 10 === 0) this.spread.chokeRound();
  }

  /** As Swarm does it when a block has come whole. */
  received(
    from: ConnectionEnd,
    { piece, complete, contested }: { piece: number; complete: boolean; contested: boolean },
  ): void {
    if (contested) {
      for (const end of this.ends) if (end !== from) end.peer.cancelObsolete(piece);
    }
    if (!complete) return;
    this.picker.verified(piece);
    for (const { peer } of this.ends) peer.announce(piece);
    if (!this.isComplete) return;
    this.finishedAt = this.surroundings.now();
    this.surroundings.finished(this);
  }

  /** The connection may have blocks to send. */
  offer(end: ConnectionEnd): void {
    if (end.isInTurn || end.peer.uploads.length === 0) return;
    end.isInTurn = true;
    this.#turns.push(end);
    if (!this.#isSending) this.#sendNext();
  }

  #sendNext(): void {
    const end = this.#turns.shift();
    this.#isSending = end !== undefined;
    if (!end) return;
    end.isInTurn = false;
    const block = end.isClosed ? undefined : end.peer.uploads.shift();
    if (!block) return this.#sendNext();
    this.offer(end);
    end.peer.uploaded += block.length;
    this.sentBytes += block.length;
    this.surroundings.after(block.length / this.#link.up, () => {
      const receiver = end.other.node;
      receiver.#take(block.length, () => {
        const { peer, isClosed } = end.other;
        if (isClosed) return;
        receiver.receivedBytes += block.length;
        peer.blockStart(block);
        peer.blockData(NOTHING.subarray(0, block.length));
        peer.blockEnd();
      });
      this.#sendNext();
    });
  }

  /** What was sent to this node arrives when its downlink has room. */
  #take(length: number, arrive: () => void): void {
    const now = this.surroundings.now();
    this.#downFreeAt = Math.max(this.#downFreeAt + length / this.#link.down, now);
    this.surroundings.after(this.#downFreeAt - now, arrive);
  }
}
