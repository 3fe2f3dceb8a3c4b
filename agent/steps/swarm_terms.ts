/** The terms of this node in the swarm: first from its order, then from the server's answers to its reports. */
import type { Order, ReportAnswer } from "#contract/api.ts";
import type { Racks } from "#contract/api/distribution.ts";
import { rackLookup } from "#contract/racks.ts";
import { RateLimit } from "#torrent/rate_limit.ts";

/** The longest time to seed, if the server sets none. */
const SEED_SECONDS = 3600;

export class SwarmTerms {
  /** Limits everything that this node uploads; its rate follows the server. */
  readonly uploadLimit: RateLimit;
  /** The node seeds no longer than this, even if the server falls silent. */
  readonly seedMs: number;
  #racks: Racks | undefined;
  #rackOf: (address: string) => string | undefined = () => undefined;

  constructor({ uploadLimit, racks, seedSeconds }: Order["swarm"]) {
    this.uploadLimit = new RateLimit(uploadLimit ?? Infinity);
    this.seedMs = (seedSeconds ?? SEED_SECONDS) * 1000;
    if (racks) this.#learn(racks);
  }

  follow({ uploadLimit, racks }: ReportAnswer): void {
    const rate = uploadLimit ?? Infinity;
    if (this.uploadLimit.bytesPerSecond !== rate) this.uploadLimit.bytesPerSecond = rate;
    if (racks) this.#learn(racks);
  }

  /** This node's rack; undefined if it has none. */
  get ownRack(): string | undefined {
    return this.#racks?.own;
  }

  /** A peer's rack; undefined if it is not known. Needs no `this`. */
  readonly rackOf = (address: string): string | undefined => this.#rackOf(address);

  /** Sent with reports; undefined if the server knows no racks. */
  get racksRevision(): string | undefined {
    return this.#racks?.revision;
  }

  #learn(racks: Racks): void {
    this.#racks = racks;
    this.#rackOf = rackLookup(racks);
  }
}
