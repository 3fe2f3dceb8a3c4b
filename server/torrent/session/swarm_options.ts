import type { Announce } from "../tracker/announce.ts";
import type { Bitfield } from "../wire/bitfield.ts";
import type { HttpSource } from "../web_seed/http_range.ts";
import type { Metainfo } from "../metainfo/metainfo.ts";
import type { PeerNetwork } from "./peer_listener.ts";
import type { Clock, PieceStorage, Random } from "../ports.ts";
import type { RateLimit } from "../rate_limit.ts";

export interface SwarmOptions {
  readonly metainfo: Metainfo;
  readonly storage: PieceStorage;
  /** The verified pieces in storage: `FileStorage.verify`, or a full set to seed. The swarm adds to it. */
  readonly have: Bitfield;
  /** Pieces to fetch, by default all. The others are neither requested nor counted as left. */
  readonly wanted?: Bitfield;
  /** A `PeerListener`. One may serve many swarms. */
  readonly network: PeerNetwork;
  /** Tracker URLs, each alone or in a tier (BEP 12). By default those of the metainfo. */
  readonly trackers?: readonly (string | readonly string[])[];
  /** Web seeds (BEP 19), used while peers send next to nothing. By default those of the metainfo. */
  readonly webSeeds?: readonly string[];
  /** Use web seeds from the beginning for what no peer has, because perhaps no peer has all pieces. */
  readonly webSeedsFirst?: boolean;
  /** Used while no web seed is usable: the server's packs over HTTPS. */
  readonly httpsFallback?: HttpSource;
  /** Ends the swarm. */
  readonly signal: AbortSignal;
  /** Called synchronously for every verified piece; must return quickly. */
  readonly onPiece?: (piece: number) => void;
  /** Limits may be shared by several swarms, and changed while they run. */
  readonly uploadLimit?: RateLimit;
  readonly downloadLimit?: RateLimit;
  /** For the server: suggests a different piece to each peer, so that the first copy leaves this uplink once. */
  readonly deals?: boolean;
  /**
   * The rack of an IP address, or undefined if unknown. Peers in other racks than `rack` are behind a scarce link:
   * each piece crosses it once and then spreads inside the rack.
   */
  readonly rackOf?: (hostname: string) => string | undefined;
  /** Our own rack. */
  readonly rack?: string;
  readonly peerId?: Uint8Array;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly announce?: Announce;
}
