import type { Random } from "#contract/torrent/ports.ts";

/** A peer as its torrent keeps it: some 300 bytes of memory. */
interface TrackedPeer {
  /** Address and port as they are sent (BEP 23, BEP 7): 6 or 18 bytes. */
  compact: Uint8Array;
  complete: boolean;
  /** Ms of the clock. */
  expires: number;
  /** Its place among the peers that are complete, or among those that are not. */
  index: number;
}

/**
 * The peers of one torrent. All that an announce needs costs the same for ten peers and for a hundred thousand:
 * they are forgotten in the order of their last sign of life, and drawn at random in place.
 */
export class PeerTable {
  /** By peer id, the longest silent first. */
  readonly #byId = new Map<string, TrackedPeer>();
  readonly #complete: TrackedPeer[] = [];
  readonly #incomplete: TrackedPeer[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get complete(): number {
    return this.#complete.length;
  }

  get incomplete(): number {
    return this.#incomplete.length;
  }

  /** A sign of life. A peer that would be one too many is not kept. */
  put(
    id: string,
    { compact, complete, expires }: { compact: Uint8Array; complete: boolean; expires: number },
  ): void {
    const known = this.#byId.get(id);
    if (known) {
      this.#byId.delete(id);
      this.#byId.set(id, known);
      known.compact = compact;
      known.expires = expires;
      if (known.complete === complete) return;
      this.#leave(known);
      known.complete = complete;
      this.#enter(known);
    } else if (this.#byId.size < this.#max) {
      const peer = { compact, complete, expires, index: 0 };
      this.#byId.set(id, peer);
      this.#enter(peer);
    }
  }

  delete(id: string): void {
    const peer = this.#byId.get(id);
    if (!peer) return;
    this.#byId.delete(id);
    this.#leave(peer);
  }

  expire(now: number): void {
    for (const [id, peer] of this.#byId) {
      if (peer.expires > now) return;
      this.delete(id);
    }
  }

  /** Addresses of up to `count` others, each choice as likely as any; a seed is told of no other seed. */
  sample(count: number, { self, isSeed, random }: { self: string; isSeed: boolean; random: Random }) {
    const asking = this.#byId.get(self);
    const draws = [
      new Draw(isSeed ? [] : this.#complete, asking),
      new Draw(this.#incomplete, asking),
    ] as const;
    const chosen: Uint8Array[] = [];
    while (chosen.length < count) {
      const [seeds, others] = draws;
      const left = seeds.left + others.left;
      if (left === 0) break;
      chosen.push((random() * left < seeds.left ? seeds : others).next(random).compact);
    }
    return chosen;
  }

  #listOf({ complete }: TrackedPeer): TrackedPeer[] {
    return complete ? this.#complete : this.#incomplete;
  }

  #enter(peer: TrackedPeer): void {
    peer.index = this.#listOf(peer).push(peer) - 1;
  }

  #leave(peer: TrackedPeer): void {
    const list = this.#listOf(peer);
    swap(list, peer.index, list.length - 1);
    list.pop();
  }
}

/** Draws from a list without putting back: what was drawn gathers at its front (Fisher and Yates, in part). */
class Draw {
  readonly #list: TrackedPeer[];
  #drawn = 0;

  constructor(list: TrackedPeer[], without: TrackedPeer | undefined) {
    this.#list = list;
    if (without && list[without.index] === without) swap(list, without.index, this.#drawn++);
  }

  get left(): number {
    return this.#list.length - this.#drawn;
  }

  next(random: Random): TrackedPeer {
    swap(this.#list, this.#drawn + Math.floor(random() * this.left), this.#drawn);
    return this.#list[this.#drawn++]!;
  }
}

function swap(list: TrackedPeer[], a: number, b: number): void {
  const left = list[a]!;
  const right = list[b]!;
  list[a] = right;
  list[b] = left;
  left.index = b;
  right.index = a;
}
