import type { AnnounceEvent, AnnounceRequest, CompactAnnounceResponse } from "#torrent/tracker/announce.ts";
import { bencodeKey, encodeBencode } from "#torrent/metainfo/bencode.ts";
import { MAX_SCRAPE, type ScrapeCounts } from "#torrent/tracker/udp_tracker_codec.ts";
import type { Tracker } from "./tracker.ts";

const EVENTS: readonly string[] = ["started", "stopped", "completed"] satisfies AnnounceEvent[];

/**
 * The announce URL of the HTTP tracker (BEP 3), with compact peer lists (BEP 23, BEP 7). `hostname` is the client's
 * address. A refusal is bencoded and has status 200, as clients expect.
 */
export function handleAnnounce(
  request: Request,
  { hostname, tracker, now }: { hostname: string; tracker: Tracker; now: number },
): Response {
  const parsed = parseAnnounce(request.url);
  if (typeof parsed === "string") return refuse(parsed);
  const response = tracker.announce(parsed, { hostname, now });
  return response ? answer(encodeAnnounced(response)) : refuse("this torrent is not known here");
}

/** The scrape URL: `files` by info hash. Omits unknown torrents, and never lists all of them. */
export function handleScrape(
  request: Request,
  { tracker, now }: { tracker: Tracker; now: number },
): Response {
  const infoHashes = valuesOf(request.url, "info_hash");
  const files = new Map<string, ReadonlyMap<string, number>>();
  for (const infoHash of infoHashes.slice(0, MAX_SCRAPE)) {
    const counts = tracker.scrape(infoHash, now);
    if (counts) files.set(bencodeKey(infoHash), dictionaryOf(counts));
  }
  return answer(encodeBencode(new Map([["files", files]])));
}

/** The request's parameters, or what is wrong with them. */
function parseAnnounce(url: string): AnnounceRequest | string {
  const query = parseQuery(url);
  const bytes = (name: string) => bytesOf(query.get(name) ?? "");
  const count = (name: string) => {
    const text = query.get(name) ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const infoHash = bytes("info_hash");
  const peerId = bytes("peer_id");
  const port = count("port");
  if (infoHash?.length !== 20) return "info_hash is not 20 bytes";
  if (peerId?.length !== 20) return "peer_id is not 20 bytes";
  if (port === undefined || port > 65_535) return "port is not a port number";
  const event = query.get("event") ?? "";
  const numWant = count("numwant");
  return {
    infoHash,
    peerId,
    port,
    uploaded: count("uploaded") ?? 0,
    downloaded: count("downloaded") ?? 0,
    // without the parameter, a client does not count as a seed
    left: count("left") ?? 1,
    ...(EVENTS.includes(event) ? { event: event as AnnounceEvent } : {}),
    ...(numWant === undefined ? {} : { numWant }),
  };
}

/** The last value of each parameter, still percent-encoded. */
function parseQuery(url: string): Map<string, string> {
  return new Map(pairsOf(url));
}

function valuesOf(url: string, name: string): Uint8Array[] {
  return pairsOf(url).filter(([key]) => key === name).flatMap(([, value]) => bytesOf(value) ?? []);
}

function pairsOf(url: string): [name: string, value: string][] {
  const start = url.indexOf("?");
  if (start < 0) return [];
  return url.slice(start + 1).split("&").map((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
  });
}

const PERCENT = 0x25, PLUS = 0x2b, SPACE = 0x20;

/**
 * Decodes a percent-encoded value to bytes: info_hash and peer_id are binary, which URLSearchParams would mangle.
 * Undefined if the text is badly encoded, or longer than any value we accept.
 */
function bytesOf(text: string): Uint8Array | undefined {
  if (text.length > 60) return undefined;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let byte = text.charCodeAt(at);
    if (byte === PLUS) byte = SPACE;
    else if (byte === PERCENT) {
      byte = hexDigit(text.charCodeAt(at + 1)) * 16 + hexDigit(text.charCodeAt(at + 2));
      at += 2;
    }
    if (!(byte < 256)) return undefined;
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

/** NaN if it is not a digit. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NaN;
}

const HEADERS = { "content-type": "text/plain", "cache-control": "no-store" };

function answer(bencoded: Uint8Array<ArrayBuffer>): Response {
  return new Response(bencoded, { headers: HEADERS });
}

function refuse(reason: string): Response {
  return answer(encodeBencode(new Map([["failure reason", reason]])));
}

/** Written by hand, since a large swarm asks the tracker for little else. Keys are sorted, as bencoding requires. */
function encodeAnnounced(
  { complete, incomplete, intervalSeconds, peers, peers6 }: CompactAnnounceResponse,
): Uint8Array<ArrayBuffer> {
  const figures = `8:completei${complete}e10:incompletei${incomplete}e8:intervali${intervalSeconds}e`;
  return latin1([
    `d${figures}5:peers${peers.length}:`,
    peers,
    ...(peers6.length > 0 ? [`6:peers6${peers6.length}:`, peers6] : []),
    "e",
  ]);
}

function latin1(parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    if (typeof part !== "string") bytes.set(part, at);
    else for (let i = 0; i < part.length; i++) bytes[at + i] = part.charCodeAt(i);
    at += part.length;
  }
  return bytes;
}

function dictionaryOf({ complete, downloaded, incomplete }: ScrapeCounts): ReadonlyMap<string, number> {
  return new Map([["complete", complete], ["downloaded", downloaded], ["incomplete", incomplete]]);
}
