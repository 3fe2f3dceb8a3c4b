import type { AnnounceRequest, CompactAnnounceResponse } from "#torrent/tracker/announce.ts";
import { compactPeer, encodeCompact } from "#torrent/tracker/compact_peers.ts";
import type { PeerAddress, Random } from "#torrent/ports.ts";
import type { ScrapeCounts } from "#torrent/tracker/udp_tracker_codec.ts";
import { PeerTable } from "./peer_table.ts";

/** How long a peer waits before it asks again, and how many such waits until it is forgotten. */
const INTERVAL_SECONDS = 30;
const LIFETIME_MS = 2.5 * INTERVAL_SECONDS * 1000;
const MAX_PEERS_IN_ANSWER = 80;
const DEFAULT_PEERS_IN_ANSWER = 50;
/** Bounds what a hostile network can make us keep: about 30 MB. */
const MAX_PEERS_IN_TORRENT = 100_000;

interface Torrent {
  /** Our own seeder, always in the answers. */
  readonly seeds: { readonly count: number; readonly peers: Uint8Array; readonly peers6: Uint8Array };
  readonly table: PeerTable;
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
    this.#torrents.set(keyOf(infoHash), {
      seeds: { count: seeds.length, peers: encodeCompact(seeds, 4), peers6: encodeCompact(seeds, 6) },
      table: new PeerTable(MAX_PEERS_IN_TORRENT),
      downloaded: 0,
    });
  }

  remove(infoHash: Uint8Array): void {
    this.#torrents.delete(keyOf(infoHash));
  }

  /** `hostname` is where the request came from, whatever it says itself. Undefined: unknown torrent. */
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

  /** Undefined: unknown torrent. */
  scrape(infoHash: Uint8Array, now: number): ScrapeCounts | undefined {
    const torrent = this.#torrents.get(keyOf(infoHash));
    if (!torrent) return undefined;
    const { table, seeds, downloaded } = torrent;
    table.expire(now);
    return { complete: table.complete + seeds.count, downloaded, incomplete: table.incomplete };
  }

  /** Our seeder and a random choice of the others; a peer that is complete is told no other complete one. */
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

/** 20 bytes as the text that keys maps. */
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
