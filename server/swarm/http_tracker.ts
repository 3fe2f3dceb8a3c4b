import bencode from "bencode";
import type { AnnounceEvent, AnnounceRequest } from "#contract/torrent/announce.ts";
import { encodeCompact } from "#contract/torrent/compact_peers.ts";
import type { Tracker } from "./tracker.ts";

const EVENTS: readonly string[] = ["started", "stopped", "completed"] satisfies AnnounceEvent[];
const MAX_SCRAPE = 74;

/**
 * The HTTP tracker (BEP 3) with compact peer lists (BEP 23, BEP 7). `hostname` is the client's address.
 * Refusals are bencoded and have status 200, as clients expect.
 */
export function handleAnnounce(
  request: Request,
  { hostname, tracker, now }: { hostname: string; tracker: Tracker; now: number },
): Response {
  const parsed = parseAnnounce(new URL(request.url).search);
  if (typeof parsed === "string") return refuse(parsed);
  const response = tracker.announce(parsed, { hostname, now });
  if (!response) return refuse("this torrent is not known here");
  const peers6 = encodeCompact(response.peers, 6);
  return answer({
    complete: response.complete,
    incomplete: response.incomplete,
    interval: response.intervalSeconds,
    peers: encodeCompact(response.peers, 4),
    ...(peers6.length > 0 ? { peers6 } : {}),
  });
}

/** Scrape: `files` by info hash; unknown torrents are left out, and the full list is given to nobody. */
export function handleScrape(
  request: Request,
  { tracker, now }: { tracker: Tracker; now: number },
): Response {
  const infoHashes = parseQuery(new URL(request.url).search).get("info_hash") ?? [];
  const files = new Map<Uint8Array, Record<string, number>>();
  for (const infoHash of infoHashes.slice(0, MAX_SCRAPE)) {
    const counts = tracker.scrape(infoHash, now);
    if (counts) files.set(infoHash, { ...counts });
  }
  return new Response(encodeScrape(files), { headers: HEADERS });
}

/** The request's parameters, or what is wrong with them. */
function parseAnnounce(search: string): AnnounceRequest | string {
  const query = parseQuery(search);
  const bytes = (name: string) => query.get(name)?.[0];
  const text = (name: string) => new TextDecoder("latin1").decode(bytes(name) ?? new Uint8Array());
  const count = (name: string) => /^\d{1,15}$/.test(text(name)) ? Number(text(name)) : undefined;
  const infoHash = bytes("info_hash");
  const peerId = bytes("peer_id");
  const port = count("port");
  if (infoHash?.length !== 20) return "info_hash is not 20 bytes";
  if (peerId?.length !== 20) return "peer_id is not 20 bytes";
  if (port === undefined || port > 65_535) return "port is not a port number";
  const event = text("event");
  const numWant = count("numwant");
  return {
    infoHash,
    peerId,
    port,
    uploaded: count("uploaded") ?? 0,
    downloaded: count("downloaded") ?? 0,
    // A client that does not say is not taken for a seed.
    left: count("left") ?? 1,
    ...(EVENTS.includes(event) ? { event: event as AnnounceEvent } : {}),
    ...(numWant === undefined ? {} : { numWant }),
  };
}

/** Query values as bytes: info_hash and peer_id are percent-encoded binary, which URLSearchParams spoils. */
function parseQuery(search: string): Map<string, Uint8Array[]> {
  const query = new Map<string, Uint8Array[]>();
  for (const pair of search.slice(1).split("&")) {
    const [name = "", value = ""] = pair.split("=", 2);
    query.set(name, [...(query.get(name) ?? []), percentDecode(value)]);
  }
  return query;
}

function percentDecode(text: string): Uint8Array {
  const binary = text.replaceAll("+", " ")
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

const HEADERS = { "content-type": "text/plain", "cache-control": "no-store" };

function answer(value: Record<string, unknown>): Response {
  return new Response(new Uint8Array(bencode.encode(value)), { headers: HEADERS });
}

function refuse(reason: string): Response {
  return answer({ "failure reason": reason });
}

/** `{ files: { info hash: counts } }`: the keys are binary, which bencode of an object cannot write. */
function encodeScrape(files: ReadonlyMap<Uint8Array, Record<string, number>>): Uint8Array<ArrayBuffer> {
  const sorted = [...files].sort(([a], [b]) => compare(a, b));
  const text = new TextEncoder();
  const parts: Uint8Array[] = [text.encode("d5:filesd")];
  for (const [infoHash, counts] of sorted) {
    parts.push(text.encode("20:"), infoHash, bencode.encode(counts));
  }
  parts.push(text.encode("ee"));
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const index = a.findIndex((byte, i) => byte !== b[i]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}
