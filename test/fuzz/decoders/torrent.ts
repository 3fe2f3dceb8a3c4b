/** Decoders of data from peers and trackers, and of torrent files. */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { RackseedError } from "#contract/errors.ts";
import { BencodeError, decodeBencode, encodeBencode } from "#torrent/metainfo/bencode.ts";
import { decodeCompact, parseIp } from "#torrent/tracker/compact_peers.ts";
import {
  decodeExtendedHandshake,
  decodeHandshake,
  encodeExtendedHandshake,
  encodeHandshake,
} from "#torrent/wire/handshake.ts";
import { encodeMetainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { parseHttpAnnounce } from "#torrent/tracker/tracker_client.ts";
import {
  decodeUdpRequest,
  decodeUdpResponse,
  encodeUdpRequest,
  encodeUdpResponse,
} from "#torrent/tracker/udp_tracker_codec.ts";
import {
  encodedLength,
  encodeMessage,
  WireDecoder,
  WireError,
  type WireMessage,
} from "#torrent/wire/wire.ts";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import { handleAnnounce, handleScrape } from "../../../server/swarm/http_tracker.ts";
import { Tracker } from "../../../server/swarm/tracker.ts";
import { UdpTrackerCore } from "../../../server/swarm/udp_tracker.ts";
import { decoder } from "./decoder.ts";
import { refusesBy, refusesInWords } from "./refusals.ts";

const HASH = new Uint8Array(20).fill(7);
const PIECES = 40;
const info = {
  name: "web@3",
  files: [{ name: "manifest.rsm", length: 20_000 }, { name: "a.pack", length: 30_000 }],
  pieceLength: 16_384,
  pieceHashes: new Uint8Array(80).fill(7),
};
const request = {
  infoHash: HASH,
  peerId: HASH,
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 5,
  event: "started",
  numWant: 50,
} as const;
const announced = {
  intervalSeconds: 30,
  complete: 1,
  incomplete: 2,
  peers: Uint8Array.of(10, 0, 0, 1, 0x1a, 0xe1, 10, 0, 0, 2, 0x1a, 0xe1),
  peers6: new Uint8Array(18).fill(1),
};

const messages: readonly WireMessage[] = [
  { type: "keepAlive" },
  { type: "unchoke" },
  { type: "haveAll" },
  { type: "have", piece: 3 },
  { type: "request", piece: 1, begin: 0, length: 16_384 },
  { type: "bitfield", pieces: Bitfield.full(PIECES) },
  { type: "extended", id: 0, payload: encodeExtendedHandshake({ reqq: 250, port: 6881, deals: true }) },
];
const stream = fc.array(fc.constantFrom(...messages), { maxLength: 12 }).map((all) => {
  const bytes = new Uint8Array(all.reduce((sum, message) => sum + encodedLength(message), 0));
  let at = 0;
  for (const message of all) at = encodeMessage(message, { into: new DataView(bytes.buffer), at });
  return bytes;
});

/** Feeds the stream in parts of seven bytes, as a very bad network would. */
function readWire(bytes: Uint8Array): number {
  let count = 0;
  const sink = {
    message: () => void count++,
    blockStart: () => void count++,
    blockData: () => {},
    blockEnd: () => {},
  };
  const wire = new WireDecoder(PIECES, sink);
  for (let at = 0; at < bytes.length; at += 7) wire.push(bytes.subarray(at, at + 7));
  return count;
}

function tracker(): Tracker {
  const tracker = new Tracker(Math.random);
  tracker.add(HASH, [{ hostname: "10.0.0.1", port: 6881 }]);
  return tracker;
}

const from = { hostname: "10.0.0.9", port: 40_000 };
const now = 1_000_000;
const [httpTracker, udpTracker] = [tracker(), new UdpTrackerCore(tracker(), randomBytes(32))];

const escaped = Array.from(HASH, () => "%07").join("");
const queries = fc.constantFrom(
  `http://10.0.0.1:8080/announce?info_hash=${escaped}&peer_id=${escaped}&port=6881&left=5&event=started`,
  `http://10.0.0.1:8080/announce?info_hash=${escaped}&peer_id=${escaped}&port=6881&numwant=99999&compact=1`,
  `http://10.0.0.1:8080/scrape?info_hash=${escaped}&info_hash=${escaped}`,
);
const torrents = fc.nat(3).map((urls) =>
  encodeMetainfo(info, {
    announce: Array.from({ length: urls }, (_, i) => `http://10.0.0.${i}:8080/announce`),
    webSeeds: Array.from({ length: urls }, (_, i) => `http://10.0.0.${i}:8080/webseed/`),
  })
);
const trackerAnswers = fc.constantFrom(
  encodeBencode(
    new Map<string, number | Uint8Array>([
      ["interval", 30],
      ["complete", 1],
      ["peers", announced.peers],
      ["peers6", announced.peers6],
    ]),
  ),
  encodeBencode(new Map([["failure reason", "no such torrent"]])),
);

export const decoders = [
  decoder({
    name: "bencoding",
    inputs: fc.oneof(torrents, trackerAnswers),
    decode: (bytes) => decodeBencode(bytes),
    refuses: refusesBy(BencodeError),
  }),
  decoder({
    name: "torrent file",
    inputs: torrents,
    decode: parseMetainfo,
    refuses: refusesBy(RackseedError),
  }),
  decoder({
    name: "tracker's answer by HTTP",
    inputs: trackerAnswers,
    decode: parseHttpAnnounce,
    refuses: (error) => error instanceof BencodeError || refusesInWords(error),
  }),
  decoder({
    name: "peer's handshake",
    inputs: fc.boolean().map((on) =>
      encodeHandshake({ infoHash: HASH, peerId: HASH, fast: on, extended: !on })
    ),
    decode: decodeHandshake,
  }),
  decoder({
    name: "peer's extension handshake",
    inputs: fc.nat(65_535).map((port) =>
      encodeExtendedHandshake({ reqq: port, port, deals: port % 2 === 0 })
    ),
    decode: decodeExtendedHandshake,
  }),
  decoder({ name: "peer's messages", inputs: stream, decode: readWire, refuses: refusesBy(WireError) }),
  decoder({
    name: "compact peers",
    inputs: fc.uint8Array({ maxLength: 400 }),
    decode: (bytes) => [decodeCompact(bytes, 4), decodeCompact(bytes, 6)],
  }),
  decoder({
    name: "peer's address",
    inputs: fc.oneof(fc.ipV4(), fc.ipV6()),
    decode: parseIp,
  }),
  decoder({
    name: "tracker's UDP request",
    inputs: fc.constantFrom(
      encodeUdpRequest({ action: "connect", transaction: 1 }),
      encodeUdpRequest({ action: "announce", transaction: 1, connection: 2n, request }),
      encodeUdpRequest({ action: "scrape", transaction: 1, connection: 2n, infoHashes: [HASH, HASH] }),
    ),
    decode: (bytes) => [decodeUdpRequest(bytes), udpTracker.answer(bytes, { from, now })],
  }),
  decoder({
    name: "tracker's UDP answer",
    inputs: fc.constantFrom(
      encodeUdpResponse({ action: "connect", transaction: 1, connection: 2n }),
      encodeUdpResponse({ action: "announce", transaction: 1, response: announced }),
      encodeUdpResponse({ action: "error", transaction: 1, message: "no" }),
      encodeUdpResponse({
        action: "scrape",
        transaction: 1,
        counts: [{ complete: 1, downloaded: 2, incomplete: 3 }],
      }),
    ),
    decode: (bytes) => [decodeUdpResponse(bytes, 4), decodeUdpResponse(bytes, 6)],
  }),
  decoder({
    name: "tracker's HTTP request",
    inputs: queries,
    decode: (url) => {
      const parsed = URL.parse(url);
      if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== "") return undefined;
      const request = new Request(`http://10.0.0.1${parsed.pathname}${parsed.search}`);
      return [
        handleAnnounce(request, { hostname: "10.0.0.9", tracker: httpTracker, now }).status,
        handleScrape(request, { tracker: httpTracker, now }).status,
      ];
    },
  }),
];
