import { AddressBook } from "#torrent/choice/address_book.ts";
import { BanList } from "#torrent/choice/ban_list.ts";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import { WebSeedFallback } from "#torrent/web_seed/web_seed_fallback.ts";
import { HAVE_BATCH, type Peer } from "#torrent/session/peer.ts";
import type { PeerIdentity } from "#torrent/ports.ts";
import { Picker, type PickingPeer } from "#torrent/choice/picker.ts";
import type { PieceMap } from "#torrent/metainfo/piece_map.ts";
import type { PeerAddress, Random } from "#torrent/ports.ts";
import { RequestBudget } from "#torrent/choice/request_window.ts";
import { UploadStrategy } from "#torrent/session/upload_strategy.ts";
import type { StallWatch } from "#torrent/choice/stall_watch.ts";
import type { Link } from "./link.ts";

/** A node's end of a connection. */
interface End {
  readonly watch: StallWatch;
  /** Messages are waiting. */
  wake(): void;
}

/** What a node needs from its environment. */
export interface Surroundings<E extends End> {
  readonly now: number;
  /** Messages are waiting on this connection. */
  wake(end: E): void;
  /** This connection is no longer useful. */
  drop(end: E): void;
  finished(node: SimulatedNode<E>): void;
  after(ms: number, act: () => void): void;
}

/** A node (or the server, if it has everything from the start): the product's policies over a simulated link. */
export class SimulatedNode<E extends End> {
  readonly identity: PeerIdentity;
  readonly surroundings: Surroundings<E>;
  readonly map: PieceMap;
  readonly link: Link;
  readonly picker: Picker<PickingPeer>;
  readonly uploads: UploadStrategy;
  readonly book = new AddressBook();
  readonly bans = new BanList();
  readonly ends = new Map<Peer, E>();
  /** The ids of its connected peers. */
  readonly neighbours = new Set<string>();
  readonly deals: boolean;
  readonly budget = new RequestBudget();
  readonly #webSeedFallback: WebSeedFallback;
  readonly startedAt: number;
  finishedAt: number | undefined;
  firstPieceAt: number | undefined;
  /** It got so little that it would have used the web seed. */
  wasStarved = false;
  /** It is gone: nothing is sent by it, and nothing received. */
  hasLeft = false;
  #isFlushScheduled = false;

  constructor(
    address: PeerAddress,
    { surroundings, map, link, random, isServer }: {
      surroundings: Surroundings<E>;
      map: PieceMap;
      link: Link;
      random: Random;
      isServer: boolean;
    },
  ) {
    this.identity = { ...address, peerId: address.hostname };
    this.surroundings = surroundings;
    this.startedAt = surroundings.now;
    this.map = map;
    this.link = link;
    this.deals = isServer;
    const have = isServer ? Bitfield.full(map.pieceCount) : new Bitfield(map.pieceCount);
    this.picker = new Picker<PickingPeer>(map, { have, random });
    this.uploads = new UploadStrategy({
      map,
      picker: this.picker,
      peers: () => this.ends.keys(),
      budget: this.budget,
      ownId: this.identity.peerId,
      random,
      deals: isServer,
    });
    this.#webSeedFallback = new WebSeedFallback({ now: surroundings.now, random });
  }

  get isComplete(): boolean {
    return this.picker.missingCount === 0;
  }

  /** Runs once a second, as in the product's swarm. */
  tick(elapsedMs: number): void {
    const { now } = this.surroundings;
    const { receivedBytes: received, sentBytes: sent } = this.link;
    this.uploads.tick(elapsedMs, { received, sent });
    const { isEnding } = this.picker;
    for (const [peer, { watch }] of this.ends) {
      const isFit = watch.tick(peer, {
        now,
        moved: peer.downloaded + peer.wasted,
        isThrottled: false,
        isEnding,
      });
      if (!isFit) this.bans.suspend(peer.identity.peerId, now);
      if (!isFit || (peer.isSeed && this.isComplete)) this.surroundings.drop(this.ends.get(peer)!);
      else peer.refill();
    }
    const hasProvider = this.ends.keys().some((peer) => peer.amInterested);
    if (!this.isComplete && this.#webSeedFallback.tick({ now, received, hasProvider }) > 0) {
      this.wasStarved = true;
    }
  }

  /** As in Swarm. */
  #flushHavesLater(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.surroundings.after(HAVE_BATCH.waitMs, () => {
      this.#isFlushScheduled = false;
      for (const [peer, end] of this.ends) if (peer.outbox.length > 0) end.wake();
    });
  }

  /** As in Swarm when a whole block has arrived. */
  received(
    from: Peer,
    { piece, complete, contested }: { piece: number; complete: boolean; contested: boolean },
  ): void {
    if (contested) {
      for (const peer of this.ends.keys()) if (peer !== from) peer.cancelObsolete(piece);
    }
    if (!complete) return;
    this.firstPieceAt ??= this.surroundings.now;
    this.picker.verified(piece);
    for (const peer of this.ends.keys()) peer.sendHave(piece);
    this.#flushHavesLater();
    if (!this.isComplete) return;
    this.finishedAt = this.surroundings.now;
    this.surroundings.finished(this);
  }
}
