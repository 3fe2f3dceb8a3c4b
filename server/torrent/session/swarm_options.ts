import type { DownloadSource } from "#contract/distribution.ts";
import type { Announce } from "../tracker/announce.ts";
import type { Bitfield } from "../wire/bitfield.ts";
import type { HttpSource } from "../web_seed/http_range.ts";
import type { Metainfo } from "../metainfo/metainfo.ts";
import type { PeerIdentity } from "../ports.ts";
import type { PeerNetwork } from "./peer_listener.ts";
import type { Clock, PieceStorage, Random } from "../ports.ts";
import type { RateLimit } from "../rate_limit.ts";

export interface SwarmOptions {
  readonly metainfo: Metainfo;
  readonly storage: PieceStorage;
  /** What is in storage and verified: `FileStorage.verify`, or a full one to seed. The swarm fills it. */
  readonly have: Bitfield;
  /** Pieces to fetch; all where absent. The others are neither asked for nor counted as left. */
  readonly wanted?: Bitfield;
  /** A `PeerListener`; it may serve many swarms. */
  readonly network: PeerNetwork;
  /** Tracker URLs, each alone or in a tier (BEP 12); those of the metainfo where absent. */
  readonly trackers?: readonly (string | readonly string[])[];
  /** Web seeds (BEP 19); those of the metainfo where absent. Asked while peers give next to nothing. */
  readonly webSeeds?: readonly string[];
  /** Asked while no web seed is usable: the server's packs over HTTPS. */
  readonly httpsFallback?: HttpSource;
  /** Ends the swarm. */
  readonly signal: AbortSignal;
  /** Called at once for every piece that is verified; must return quickly. */
  readonly onPiece?: (piece: number) => void;
  /** May be shared by several swarms, and changed while they run. */
  readonly uploadLimit?: RateLimit;
  readonly downloadLimit?: RateLimit;
  /** Suggests a different piece to everyone, so that the first copy leaves this uplink once: for the server. */
  readonly deals?: boolean;
  /**
   * The rack of an IP address, undefined where it is not known. Peers in another rack than `rack` are behind
   * a link to be spared: each piece crosses it once, and goes round inside the rack.
   */
  readonly rackOf?: (hostname: string) => string | undefined;
  /** Our own rack. */
  readonly rack?: string;
  readonly peerId?: Uint8Array;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly announce?: Announce;
}

export interface SwarmStats {
  readonly pieces: number;
  readonly havePieces: number;
  /** Length of all pieces that are wanted, and of those of them that are not here. */
  readonly wantedBytes: number;
  readonly leftBytes: number;
  /** Payload received and kept, received in vain, sent. */
  readonly downloadedBytes: number;
  readonly wastedBytes: number;
  readonly uploadedBytes: number;
  /** What of `downloadedBytes` came from web seeds and the HTTPS fallback. */
  readonly webSeedBytes: number;
  readonly source: DownloadSource;
  readonly peers: number;
  readonly seeds: number;
  /** Peers that sent corrupt data; web seeds are among them by their URL in place of a peer id. */
  readonly banned: readonly PeerIdentity[];
}
