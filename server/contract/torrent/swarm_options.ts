import type { Announce } from "./announce.ts";
import type { Bitfield } from "./bitfield.ts";
import type { Metainfo } from "./metainfo.ts";
import type { PeerIdentity } from "./peer.ts";
import type { PeerNetwork } from "./peer_listener.ts";
import type { Clock, PieceStorage, Random } from "./ports.ts";
import type { RateLimit } from "./rate_limit.ts";

export interface SwarmOptions {
  readonly metainfo: Metainfo;
  readonly storage: PieceStorage;
  /** What is in storage and verified: `FileStorage.verify`, or a full one to seed. The swarm fills it. */
  readonly have: Bitfield;
  /** Pieces to fetch; all where absent. The others are neither asked for nor counted as left. */
  readonly wanted?: Bitfield;
  /** A `PeerListener`; it may serve many swarms. */
  readonly network: PeerNetwork;
  /** Tracker URLs; those of the metainfo where absent. */
  readonly trackers?: readonly string[];
  /** Ends the swarm. */
  readonly signal: AbortSignal;
  /** Called at once for every piece that is verified; must return quickly. */
  readonly onPiece?: (piece: number) => void;
  /** May be shared by several swarms. */
  readonly uploadLimit?: RateLimit;
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
  readonly peers: number;
  readonly seeds: number;
  /** Peers that sent corrupt data. */
  readonly banned: readonly PeerIdentity[];
}
