import type {
  AnnounceEvent,
  AnnounceRequest,
  AnnounceResponse,
  CompactAnnounceResponse,
} from "./announce.ts";
import { decodeCompact } from "./compact_peers.ts";

/**
 * The UDP tracker protocol (BEP 15). Numbers are big-endian.
 *
 *     connect request    0x41727101980 u64 | 0 u32 | transaction u32
 *     connect response   0 u32 | transaction u32 | connection u64
 *     announce request   connection u64 | 1 u32 | transaction u32 | info hash 20 | peer id 20 |
 *                        downloaded u64 | left u64 | uploaded u64 | event u32 | ip u32 | key u32 |
 *                        num_want i32 | port u16
 *     announce response  1 u32 | transaction u32 | interval u32 | leechers u32 | seeders u32 | peers …
 *     scrape request     connection u64 | 2 u32 | transaction u32 | info hash 20 …
 *     scrape response    2 u32 | transaction u32 | (seeders u32 | completed u32 | leechers u32) …
 *     error              3 u32 | transaction u32 | message
 */
export type UdpRequest =
  | { readonly action: "connect"; readonly transaction: number }
  | ({ readonly transaction: number; readonly connection: bigint } & UdpCall);

type UdpCall =
  | { readonly action: "announce"; readonly request: AnnounceRequest }
  | { readonly action: "scrape"; readonly infoHashes: readonly Uint8Array[] };

/** `Announced`: the announce response as a client reads it, or as the tracker writes it. */
export type UdpResponse<Announced = AnnounceResponse> =
  & { readonly transaction: number }
  & (
    | { readonly action: "connect"; readonly connection: bigint }
    | { readonly action: "announce"; readonly response: Announced }
    | { readonly action: "scrape"; readonly counts: readonly ScrapeCounts[] }
    | { readonly action: "error"; readonly message: string }
  );

export interface ScrapeCounts {
  readonly complete: number;
  readonly downloaded: number;
  readonly incomplete: number;
}

const PROTOCOL = 0x41727101980n;
/** Torrents in one scrape (BEP 15). */
export const MAX_SCRAPE = 74;
const ACTIONS = ["connect", "announce", "scrape", "error"] as const;
const EVENTS: readonly (AnnounceEvent | undefined)[] = [undefined, "completed", "started", "stopped"];

export function encodeUdpRequest(request: UdpRequest): Uint8Array {
  const bytes = new Uint8Array(
    request.action === "announce"
      ? 98
      : request.action === "scrape"
      ? 16 + 20 * request.infoHashes.length
      : 16,
  );
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, request.action === "connect" ? PROTOCOL : request.connection);
  view.setUint32(8, ACTIONS.indexOf(request.action));
  view.setUint32(12, request.transaction);
  if (request.action === "scrape") request.infoHashes.forEach((hash, i) => bytes.set(hash, 16 + 20 * i));
  if (request.action !== "announce") return bytes;
  const { infoHash, peerId, downloaded, left, uploaded, event, numWant, port } = request.request;
  bytes.set(infoHash, 16);
  bytes.set(peerId, 36);
  view.setBigUint64(56, BigInt(downloaded));
  view.setBigUint64(64, BigInt(left));
  view.setBigUint64(72, BigInt(uploaded));
  view.setUint32(80, EVENTS.indexOf(event));
  view.setInt32(92, numWant ?? -1);
  view.setUint16(96, port);
  return bytes;
}

/** Undefined if the datagram is not a request. Bytes after an announce are allowed (BEP 41). */
export function decodeUdpRequest(bytes: Uint8Array): UdpRequest | undefined {
  if (bytes.length < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const connection = view.getBigUint64(0);
  const action = ACTIONS[view.getUint32(8)];
  const transaction = view.getUint32(12);
  if (action === "connect") return connection === PROTOCOL ? { action, transaction } : undefined;
  if (action === "scrape") {
    const count = (bytes.length - 16) / 20;
    if (!Number.isInteger(count) || count < 1 || count > MAX_SCRAPE) return undefined;
    const infoHashes = Array.from({ length: count }, (_, i) => bytes.slice(16 + 20 * i, 36 + 20 * i));
    return { action, transaction, connection, infoHashes };
  }
  if (action !== "announce" || bytes.length < 98) return undefined;
  const event = EVENTS[view.getUint32(80)];
  const numWant = view.getInt32(92);
  const request: AnnounceRequest = {
    infoHash: bytes.slice(16, 36),
    peerId: bytes.slice(36, 56),
    downloaded: Number(view.getBigUint64(56)),
    left: Number(view.getBigUint64(64)),
    uploaded: Number(view.getBigUint64(72)),
    port: view.getUint16(96),
    ...(event ? { event } : {}),
    ...(numWant >= 0 ? { numWant } : {}),
  };
  return { action, transaction, connection, request };
}

/** `family`: the client's address family. Only peers of the same family are written. */
export function encodeUdpResponse(
  response: UdpResponse<CompactAnnounceResponse>,
  family: 4 | 6 = 4,
): Uint8Array<ArrayBuffer> {
  const body = encodeBody(response, family);
  const bytes = new Uint8Array(8 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ACTIONS.indexOf(response.action));
  view.setUint32(4, response.transaction);
  bytes.set(body, 8);
  return bytes;
}

/** Undefined if the datagram is not a response. */
export function decodeUdpResponse(bytes: Uint8Array, family: 4 | 6 = 4): UdpResponse | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const action = ACTIONS[view.getUint32(0)];
  const transaction = view.getUint32(4);
  if (action === "connect" && bytes.length >= 16) {
    return { action, transaction, connection: view.getBigUint64(8) };
  }
  if (action === "announce" && bytes.length >= 20) {
    const response = {
      intervalSeconds: view.getUint32(8),
      incomplete: view.getUint32(12),
      complete: view.getUint32(16),
      peers: decodeCompact(bytes.subarray(20), family),
    };
    return { action, transaction, response };
  }
  if (action === "scrape" && (bytes.length - 8) % 12 === 0) {
    const counts = Array.from({ length: (bytes.length - 8) / 12 }, (_, i) => ({
      complete: view.getUint32(8 + 12 * i),
      downloaded: view.getUint32(12 + 12 * i),
      incomplete: view.getUint32(16 + 12 * i),
    }));
    return { action, transaction, counts };
  }
  if (action === "error") {
    return { action, transaction, message: new TextDecoder().decode(bytes.subarray(8)) };
  }
  return undefined;
}

function encodeBody(response: UdpResponse<CompactAnnounceResponse>, family: 4 | 6): Uint8Array {
  switch (response.action) {
    case "connect": {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, response.connection);
      return bytes;
    }
    case "announce": {
      const { intervalSeconds, incomplete, complete, peers, peers6 } = response.response;
      const compact = family === 4 ? peers : peers6;
      const bytes = new Uint8Array(12 + compact.length);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, intervalSeconds);
      view.setUint32(4, incomplete);
      view.setUint32(8, complete);
      bytes.set(compact, 12);
      return bytes;
    }
    case "scrape": {
      const view = new DataView(new ArrayBuffer(12 * response.counts.length));
      response.counts.forEach(({ complete, downloaded, incomplete }, index) =>
        [complete, downloaded, incomplete].forEach((value, i) => view.setUint32(12 * index + 4 * i, value))
      );
      return new Uint8Array(view.buffer);
    }
    case "error":
      return new TextEncoder().encode(response.message);
  }
}
