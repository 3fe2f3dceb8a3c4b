import type { Random } from "#torrent/ports.ts";
import { AddressList } from "./address_list.ts";

/** Interval between sweeps for silent peers. Each sweep visits all peers. */
const SWEEP_MS = 5_000;

interface TrackedPeer {
  list: AddressList<TrackedPeer>;
  /** Its place in the list. */
  index: number;
  /** Clock ms. */
  expires: number;
}

type Lists = readonly [four: AddressList<TrackedPeer>, six: AddressList<TrackedPeer>];

/**
 * The peers of one torrent, some 200 bytes each. The cost of an announce does not grow with their number: peers are
 * drawn at random from flat lists that stay in the processor's cache.
 */
export class PeerTable {
  readonly #byId = new Map<string, TrackedPeer>();
  readonly #complete: Lists = [new AddressList(6), new AddressList(18)];
  readonly #incomplete: Lists = [new AddressList(6), new AddressList(18)];
  readonly #max: number;
  #sweepAt = -Infinity;
  /** For each place: the number of the last draw that took it. */
  #taken = new Uint32Array(64);
  #draw = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get complete(): number {
    return lengthOf(this.#complete);
  }

  get incomplete(): number {
    return lengthOf(this.#incomplete);
  }

  /**
   * The peer announced itself. `compact`: its address and port as they are sent, 6 or 18 bytes (BEP 23, BEP 7). A full
   * table ignores new peers.
   */
  put(
    id: string,
    { compact, complete, expires }: { compact: Uint8Array; complete: boolean; expires: number },
  ): void {
    const list = (complete ? this.#complete : this.#incomplete)[compact.length === 6 ? 0 : 1];
    const known = this.#byId.get(id);
    if (known) {
      known.expires = expires;
      if (known.list === list) return list.set(known, compact);
      known.list.delete(known);
      known.list = list;
      list.add(known, compact);
    } else if (this.#byId.size < this.#max) {
      const peer = { list, index: 0, expires };
      this.#byId.set(id, peer);
      list.add(peer, compact);
    }
  }

  delete(id: string): void {
    const peer = this.#byId.get(id);
    if (!peer) return;
    this.#byId.delete(id);
    peer.list.delete(peer);
  }

  /** Removes expired peers, up to 5 s late. */
  expire(now: number): void {
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_MS;
    for (const [id, peer] of this.#byId) if (peer.expires <= now) this.delete(id);
  }

  /** Up to `count` other peers in compact form, each equally likely. A seed gets no other seeds. */
  sample(
    count: number,
    { self, isSeed, random }: { self: string; isSeed: boolean; random: Random },
  ): { peers: Uint8Array; peers6: Uint8Array } {
    const lists: readonly AddressList<TrackedPeer>[] = isSeed
      ? this.#incomplete
      : [...this.#complete, ...this.#incomplete];
    const total = lists.reduce((sum, { length }) => sum + length, 0);
    const asking = this.#placeOf(this.#byId.get(self), lists) ?? total;
    const others = asking < total ? total - 1 : total;
    const most = Math.min(count, others);
    this.#beginDraw(others);
    const peers = new Uint8Array(most * 6);
    const hasIpv6 = this.#complete[1].length + this.#incomplete[1].length > 0;
    const peers6 = new Uint8Array(hasIpv6 ? most * 18 : 0);
    let length = 0;
    let length6 = 0;
    for (let drawn = 0; drawn < most; drawn++) {
      let index = this.#take(Math.floor(random() * others), others);
      if (index >= asking) index++;
      let at = 0;
      while (index >= lists[at]!.length) index -= lists[at++]!.length;
      // the second list of each pair is IPv6
      if (at % 2 === 0) length = lists[at]!.copy(index, { into: peers, at: length });
      else length6 = lists[at]!.copy(index, { into: peers6, at: length6 });
    }
    return { peers: peers.subarray(0, length), peers6: peers6.subarray(0, length6) };
  }

  #beginDraw(places: number): void {
    if (places > this.#taken.length) this.#taken = new Uint32Array(2 * places);
    if (++this.#draw <= 0xffffffff) return;
    this.#taken.fill(0);
    this.#draw = 1;
  }

  /** Takes this place or, if it is taken, the next free one, going around. All places remain equally likely. */
  #take(place: number, places: number): number {
    while (this.#taken[place] === this.#draw) place = place + 1 === places ? 0 : place + 1;
    this.#taken[place] = this.#draw;
    return place;
  }

  #placeOf(peer: TrackedPeer | undefined, lists: readonly AddressList<TrackedPeer>[]): number | undefined {
    let place = 0;
    for (const list of lists) {
      if (peer?.list === list) return place + peer.index;
      place += list.length;
    }
    return undefined;
  }
}

function lengthOf([four, six]: Lists): number {
  return four.length + six.length;
}
