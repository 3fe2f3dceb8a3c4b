/** Under which terms this node takes part in the swarm: as ordered, then as the server answers to its reports. */
import type { Order, ReportAnswer } from "#contract/api.ts";
import type { Racks } from "#contract/api/distribution.ts";
import { rackLookup } from "#contract/racks.ts";
import { RateLimit } from "#torrent/rate_limit.ts";

/** Where the server does not say how long a node seeds at most. */
const SEED_SECONDS = 3600;

export class SwarmTerms {
  /** Of all that this node sends to others; its rate follows the server. */
  readonly uploadLimit: RateLimit;
  /** It seeds no longer than this, also where the server says nothing any more. */
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

  /** The rack of this node; undefined where it has none. */
  get ownRack(): string | undefined {
    return this.#racks?.own;
  }

  /** The rack of a peer; undefined where it is not known. May be passed on as it is. */
  readonly rackOf = (address: string): string | undefined => this.#rackOf(address);

  /** To be sent with reports; undefined where the server knows of no racks. */
  get racksRevision(): string | undefined {
    return this.#racks?.revision;
  }

  #learn(racks: Racks): void {
    this.#racks = racks;
    this.#rackOf = rackLookup(racks);
  }
}
