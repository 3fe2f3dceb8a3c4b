import type { DownloadSource } from "#contract/api/distribution.ts";
import type { Picker, PickingPeer } from "../choice/picker.ts";
import type { PieceMap } from "../metainfo/piece_map.ts";
import type { PeerIdentity } from "../ports.ts";
import type { WebSeeds } from "../web_seed/web_seeds.ts";
import type { Bitfield } from "../wire/bitfield.ts";
import type { Membership } from "./membership.ts";

export interface SwarmStats {
  readonly pieces: number;
  readonly havePieces: number;
  /** Length of all wanted pieces, and of those still missing. */
  readonly wantedBytes: number;
  readonly leftBytes: number;
  /** Payload received and kept, received in vain, and sent. */
  readonly downloadedBytes: number;
  readonly wastedBytes: number;
  readonly uploadedBytes: number;
  /** The part of `downloadedBytes` that came from web seeds and the HTTPS fallback. */
  readonly webSeedBytes: number;
  readonly source: DownloadSource;
  readonly peers: number;
  readonly seeds: number;
  /** Peers and web seeds that sent corrupt data. A web seed has its URL in place of a peer id. */
  readonly banned: readonly PeerIdentity[];
}

export function swarmStats(
  { map, picker, wanted, membership, webSeeds, banned }: {
    map: PieceMap;
    picker: Picker<PickingPeer>;
    /** By default all pieces. */
    wanted: Bitfield | undefined;
    membership: Membership;
    webSeeds: WebSeeds;
    banned: readonly PeerIdentity[];
  },
): SwarmStats {
  const { have } = picker;
  const webSeedBytes = webSeeds.total("downloaded");
  const last = have.size - 1;
  const short = map.pieceLength - map.lengthOf(last);
  const lengthOf = (pieces: number, withLast: boolean) => pieces * map.pieceLength - (withLast ? short : 0);
  return {
    pieces: have.size,
    havePieces: have.count,
    wantedBytes: lengthOf(wanted?.count ?? have.size, wanted?.has(last) ?? true),
    leftBytes: lengthOf(picker.missingCount, picker.isMissing(last)),
    downloadedBytes: membership.total("downloaded") + webSeedBytes,
    wastedBytes: membership.total("wasted") + webSeeds.total("wasted"),
    uploadedBytes: membership.total("uploaded"),
    webSeedBytes,
    source: sourceOf(membership, webSeeds),
    peers: membership.size,
    seeds: membership.peers.filter((peer) => peer.isSeed).toArray().length,
    banned,
  };
}

function sourceOf(membership: Membership, webSeeds: WebSeeds): DownloadSource {
  const tier = webSeeds.tierInUse;
  if (tier !== undefined) return tier === 0 ? "web seed" : "http";
  return membership.size > 0 ? "peers" : "none";
}
