import type { AnnounceRequest, CompactAnnounceResponse } from "#torrent/tracker/announce.ts";
import { compactPeer, encodeCompact } from "#torrent/tracker/compact_peers.ts";
import type { PeerAddress, Random } from "#torrent/ports.ts";
import type { ScrapeCounts } from "#torrent/tracker/udp_tracker_codec.ts";
import { PeerTable } from "./peer_table.ts";

/** How long a peer waits between announces; it is forgotten after two and a half intervals of silence. */
const INTERVAL_SECONDS = 30;
const LIFETIME_MS = 2.5 * INTERVAL_SECONDS * 1000;
const MAX_PEERS_IN_ANSWER = 80;
const DEFAULT_PEERS_IN_ANSWER = 50;
/** Bounds the memory that a hostile network can make us use: about 30 MB. */
const MAX_PEERS_IN_TORRENT = 100_000;

interface Torrent {
  /** Our own seeder, always in the answers. */
  readonly seeds: { readonly count: number; readonly peers: Uint8Array; readonly peers6: Uint8Array };
  readonly table: PeerTable;
  downloaded: number;
}

/**
 * Keeps track of the peers of each torrent. Independent of transport and clock: the HTTP and UDP trackers call it with
 * the same parameters. Torrents are private: only those added are tracked.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeCompact } from "#torrent/tracker/compact_peers.ts";
 * import { Tracker } from "./tracker.ts";
 *
 * const infoHash = new Uint8Array(20), peerId = new Uint8Array(20);
 * const tracker = new Tracker(Math.random);
 * tracker.add(infoHash, [{ hostname: "10.0.0.1", port: 6881 }]);
 * const request = { infoHash, peerId, port: 6881, uploaded: 0, downloaded: 0, left: 1 };
 * const answer = tracker.announce(request, { hostname: "10.0.0.2", now: 0 });
 * assert.deepEqual(decodeCompact(answer!.peers, 4), [{ hostname: "10.0.0.1", port: 6881 }]);
 * assert.equal(answer!.incomplete, 1);
 * ```
 */
export class Tracker {
  readonly #torrents = new Map<string, Torrent>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Starts tracking a torrent. `seeds`, the server's own seeder, are in every answer. */
  add(infoHash: Uint8Array, seeds: readonly PeerAddress[]): void {
    this.#torrents.set(keyOf(infoHash), {
      seeds: { count: seeds.length, peers: encodeCompact(seeds, 4), peers6: encodeCompact(seeds, 6) },
      table: new PeerTable(MAX_PEERS_IN_TORRENT),
      downloaded: 0,
    });
  }

  remove(infoHash: Uint8Array): void {
    this.#torrents.delete(keyOf(infoHash));
  }

  /** `hostname`: where the request came from, whatever it claims. Undefined if the torrent is unknown. */
  announce(
    request: AnnounceRequest,
    { hostname, now }: { hostname: string; now: number },
  ): CompactAnnounceResponse | undefined {
    const torrent = this.#torrents.get(keyOf(request.infoHash));
    if (!torrent) return undefined;
    const { table, seeds } = torrent;
    table.expire(now);
    const id = keyOf(request.peerId);
    const compact = request.port === 0 ? undefined : compactPeer(hostname, request.port);
    if (request.event === "stopped" || !compact) table.delete(id);
    else table.put(id, { compact, complete: request.left === 0, expires: now + LIFETIME_MS });
    if (request.event === "completed") torrent.downloaded++;
    return {
      intervalSeconds: INTERVAL_SECONDS,
      complete: table.complete + seeds.count,
      incomplete: table.incomplete,
      ...this.#choose(torrent, { request, id }),
    };
  }

  /** Undefined if the torrent is unknown. */
  scrape(infoHash: Uint8Array, now: number): ScrapeCounts | undefined {
    const torrent = this.#torrents.get(keyOf(infoHash));
    if (!torrent) return undefined;
    const { table, seeds, downloaded } = torrent;
    table.expire(now);
    return { complete: table.complete + seeds.count, downloaded, incomplete: table.incomplete };
  }

  /** Our seeder and a random choice of the other peers. A complete peer gets incomplete ones only. */
  #choose(
    { table, seeds }: Torrent,
    { request: { left, event, numWant }, id }: { request: AnnounceRequest; id: string },
  ): Pick<CompactAnnounceResponse, "peers" | "peers6"> {
    if (event === "stopped") return { peers: NONE, peers6: NONE };
    const isSeed = left === 0;
    const limit = Math.min(numWant ?? DEFAULT_PEERS_IN_ANSWER, MAX_PEERS_IN_ANSWER);
    const own = isSeed || limit === 0 ? 0 : seeds.count;
    const others = table.sample(Math.max(0, limit - own), { self: id, isSeed, random: this.#random });
    if (own === 0) return others;
    return { peers: concat(seeds.peers, others.peers), peers6: concat(seeds.peers6, others.peers6) };
  }
}

const NONE = new Uint8Array();

/** 20 bytes as a map key. */
function keyOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0 || second.length === 0) return first.length === 0 ? second : first;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
