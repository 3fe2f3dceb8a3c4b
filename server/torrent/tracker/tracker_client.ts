import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { lookup } from "node:dns/promises";
import type { Announce, AnnounceRequest, AnnounceResponse } from "./announce.ts";
import { type Bencoded, decodeBencode, isDictionary } from "../metainfo/bencode.ts";
import { decodeCompact } from "./compact_peers.ts";
import {
  decodeUdpResponse,
  encodeUdpRequest,
  type UdpRequest,
  type UdpResponse,
} from "./udp_tracker_codec.ts";

const TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 1024 * 1024;
/** When to resend a datagram. BEP 15 says 15 s, which suits the Internet; our trackers are in the building. */
const UDP_RETRY_MS = 1_000;
/** Bounds on the interval that a tracker may ask for. */
const INTERVAL_SECONDS = { min: 5, max: 1800 };

/** Announces by the URL's scheme: http, https (BEP 3, 7, 23) or udp (BEP 15). */
export const announce: Announce = async (url, { request, signal }) => {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const response = new URL(url).protocol === "udp:"
    ? await announceUdp(new URL(url), { request, signal: limited })
    : await announceHttp(url, { request, signal: limited });
  const { min, max } = INTERVAL_SECONDS;
  return { ...response, intervalSeconds: Math.min(max, Math.max(min, response.intervalSeconds)) };
};

async function announceHttp(
  url: string,
  { request, signal }: { request: AnnounceRequest; signal: AbortSignal },
): Promise<AnnounceResponse> {
  const response = await fetch(announceUrl(url, request), { signal, redirect: "error" });
  const bytes = await readBounded(response);
  if (!response.ok) throw new Error(`the tracker answered ${response.status}`);
  return parseHttpAnnounce(bytes);
}

/** The GET request of BEP 3. Binary values are percent-encoded byte by byte, which URLSearchParams cannot do. */
export function announceUrl(url: string, request: AnnounceRequest): string {
  const query = [
    `info_hash=${percentEncode(request.infoHash)}`,
    `peer_id=${percentEncode(request.peerId)}`,
    `port=${request.port}`,
    `uploaded=${request.uploaded}`,
    `downloaded=${request.downloaded}`,
    `left=${request.left}`,
    "compact=1",
    ...(request.event ? [`event=${request.event}`] : []),
    ...(request.numWant === undefined ? [] : [`numwant=${request.numWant}`]),
  ].join("&");
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

/** Throws BencodeError for garbage, and an Error with the tracker's reason if it refuses. */
export function parseHttpAnnounce(bytes: Uint8Array): AnnounceResponse {
  const answer = decodeBencode(bytes);
  if (!isDictionary(answer)) throw new Error("the tracker's answer is not a dictionary");
  const failure = answer.get("failure reason");
  if (failure instanceof Uint8Array) {
    throw new Error(`the tracker refused: ${new TextDecoder().decode(failure.subarray(0, 500))}`);
  }
  const [peers, peers6] = [answer.get("peers"), answer.get("peers6")];
  return {
    intervalSeconds: count(answer.get("interval")),
    complete: count(answer.get("complete")),
    incomplete: count(answer.get("incomplete")),
    peers: [
      ...(peers instanceof Uint8Array ? decodeCompact(peers, 4) : []),
      ...(peers6 instanceof Uint8Array ? decodeCompact(peers6, 6) : []),
    ],
  };
}

function count(value: Bencoded | undefined): number {
  return typeof value === "number" ? Math.max(0, value) : 0;
}

function percentEncode(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_RESPONSE_BYTES) {
      throw new Error(`the tracker's answer is over ${MAX_RESPONSE_BYTES} bytes`);
    }
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

async function announceUdp(
  url: URL,
  { request, signal }: { request: AnnounceRequest; signal: AbortSignal },
): Promise<AnnounceResponse> {
  const { address, family } = await lookup(url.hostname.replace(/^\[|\]$/g, ""));
  const socket = dgram.createSocket(family === 6 ? "udp6" : "udp4");
  const tracker = { hostname: address, port: Number(url.port), family: family === 6 ? 6 : 4 } as const;
  try {
    const connected = await exchange(socket, {
      tracker,
      signal,
      request: { action: "connect", transaction: transaction() },
    });
    if (connected.action !== "connect") throw new Error("the tracker did not connect");
    const { connection } = connected;
    const answer = await exchange(socket, {
      tracker,
      signal,
      request: { action: "announce", transaction: transaction(), connection, request },
    });
    if (answer.action !== "announce") throw new Error("the tracker did not answer the announce");
    return answer.response;
  } finally {
    socket.close();
  }
}

function transaction(): number {
  return randomBytes(4).readUInt32BE();
}

/** Sends the request until an answer with the same transaction arrives or `signal` aborts. */
function exchange(
  socket: dgram.Socket,
  { tracker, request, signal }: {
    tracker: { hostname: string; port: number; family: 4 | 6 };
    request: UdpRequest;
    signal: AbortSignal;
  },
): Promise<UdpResponse> {
  const datagram = encodeUdpRequest(request);
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      clearInterval(timer);
      socket.off("message", onMessage);
      socket.off("error", onError);
      signal.removeEventListener("abort", onAbort);
      then();
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onAbort = () =>
      settle(() => reject(new Error("the tracker does not answer", { cause: signal.reason })));
    const onMessage = (bytes: Uint8Array, from: { address: string; port: number }) => {
      if (from.address !== tracker.hostname || from.port !== tracker.port) return;
      const response = decodeUdpResponse(bytes, tracker.family);
      if (response?.transaction !== request.transaction) return;
      if (response.action === "error") {
        onError(new Error(`the tracker refused: ${response.message.slice(0, 500)}`));
      } else settle(() => resolve(response));
    };
    const send = () => socket.send(datagram, tracker.port, tracker.hostname);
    const timer = setInterval(send, UDP_RETRY_MS);
    socket.on("message", onMessage);
    socket.on("error", onError);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else send();
  });
}
