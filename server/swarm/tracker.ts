import type { AnnounceRequest, AnnounceResponse } from "#contract/torrent/announce.ts";
import { toHex } from "#contract/torrent/hex.ts";
import type { PeerAddress, Random } from "#contract/torrent/ports.ts";
import type { ScrapeCounts } from "#contract/torrent/udp_tracker_codec.ts";

/** How long a peer waits before it asks again, and how many such waits until it is forgotten. */
const INTERVAL_SECONDS = 30;
const LIFETIME_MS = 2.5 * INTERVAL_SECONDS * 1000;
const MAX_PEERS_IN_ANSWER = 80;
const DEFAULT_PEERS_IN_ANSWER = 50;
/** A rack is tens of nodes; this only bounds what a hostile network can make us keep. */
const MAX_PEERS_IN_TORRENT = 5_000;

interface TrackedPeer {
  readonly address: PeerAddress;
  readonly complete: boolean;
  /** Ms of the clock; Infinity for our own seeder. */
  readonly expires: number;
}

interface Torrent {
  readonly peers: Map<string, TrackedPeer>;
  downloaded: number;
}

/**
 * Who takes part in which torrent. Knows no transport and no clock: HTTP and UDP call it with the same
 * parameters. Only torrents that were added exist (they are private).
 */
export class Tracker {
  readonly #torrents = new Map<string, Torrent>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Allows a torrent. `seeds` are always in the answers: the server's own seeder. */
  add(infoHash: Uint8Array, seeds: readonly PeerAddress[]): void {
    const peers = new Map<string, TrackedPeer>();
    for (const address of seeds) {
      peers.set(`seed ${address.hostname} ${address.port}`, { address, complete: true, expires: Infinity });
    }
    this.#torrents.set(toHex(infoHash), { peers, downloaded: 0 });
  }

  remove(infoHash: Uint8Array): void {
    this.#torrents.delete(toHex(infoHash));
  }

  /** `hostname` is where the request came from, whatever it says itself. Undefined: unknown torrent. */
  announce(
    request: AnnounceRequest,
    { hostname, now }: { hostname: string; now: number },
  ): AnnounceResponse | undefined {
    const torrent = this.#torrents.get(toHex(request.infoHash));
    if (!torrent) return undefined;
    expire(torrent, now);
    const key = toHex(request.peerId);
    if (request.event === "stopped" || request.port === 0) torrent.peers.delete(key);
    else if (torrent.peers.has(key) || torrent.peers.size < MAX_PEERS_IN_TORRENT) {
      torrent.peers.set(key, {
        address: { hostname, port: request.port },
        complete: request.left === 0,
        expires: now + LIFETIME_MS,
      });
    }
    if (request.event === "completed") torrent.downloaded++;
    const { complete, incomplete } = countsOf(torrent);
    return {
      intervalSeconds: INTERVAL_SECONDS,
      complete,
      incomplete,
      peers: this.#choose(torrent, request),
    };
  }

  /** Undefined: unknown torrent. */
  scrape(infoHash: Uint8Array, now: number): ScrapeCounts | undefined {
    const torrent = this.#torrents.get(toHex(infoHash));
    if (!torrent) return undefined;
    expire(torrent, now);
    return countsOf(torrent);
  }

  /** Our seeder and a random choice of the others; a peer that is complete is told no other complete one. */
  #choose(torrent: Torrent, { peerId, left, event, numWant }: AnnounceRequest): PeerAddress[] {
    if (event === "stopped") return [];
    const self = toHex(peerId);
    const limit = Math.min(numWant ?? DEFAULT_PEERS_IN_ANSWER, MAX_PEERS_IN_ANSWER);
    return [...torrent.peers]
      .filter(([key, peer]) => key !== self && !(left === 0 && peer.complete))
      .map(([, peer]) => ({ peer, rank: peer.expires === Infinity ? -1 : this.#random() }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, limit)
      .map(({ peer }) => peer.address);
  }
}

function expire(torrent: Torrent, now: number): void {
  for (const [key, peer] of torrent.peers) if (peer.expires <= now) torrent.peers.delete(key);
}

function countsOf({ peers, downloaded }: Torrent): ScrapeCounts {
  const complete = peers.values().filter((peer) => peer.complete).toArray().length;
  return { complete, downloaded, incomplete: peers.size - complete };
}
