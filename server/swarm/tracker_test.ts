import assert from "node:assert/strict";
import fc from "fast-check";
import type { AnnounceRequest, CompactAnnounceResponse } from "#torrent/tracker/announce.ts";
import type { PeerAddress } from "#torrent/ports.ts";
import { announce, announceUrl, parseHttpAnnounce } from "#torrent/tracker/tracker_client.ts";
import { decodeCompact, encodeCompact, formatIp, parseIp } from "#torrent/tracker/compact_peers.ts";
import {
  decodeUdpRequest,
  decodeUdpResponse,
  encodeUdpRequest,
  encodeUdpResponse,
} from "#torrent/tracker/udp_tracker_codec.ts";
import { handleAnnounce, handleScrape } from "./http_tracker.ts";
import { Tracker } from "./tracker.ts";
import { UdpTracker, UdpTrackerCore } from "./udp_tracker.ts";

const INFO_HASH = Uint8Array.from({ length: 20 }, (_, i) => i * 13);
const SEED = { hostname: "10.0.0.1", port: 6881 };
const SEED6 = { hostname: "fd00:0:0:0:0:0:0:1", port: 6881 };

function request(id: number, more: Partial<AnnounceRequest> = {}): AnnounceRequest {
  const peerId = new Uint8Array(20).fill(id);
  return { infoHash: INFO_HASH, peerId, port: 6881, uploaded: 0, downloaded: 0, left: 100, ...more };
}

function peersOf(answer: CompactAnnounceResponse | undefined): PeerAddress[] {
  assert.ok(answer);
  return [...decodeCompact(answer.peers, 4), ...decodeCompact(answer.peers6, 6)];
}

function makeTracker(): Tracker {
  const tracker = new Tracker(() => 0.5);
  tracker.add(INFO_HASH, [SEED]);
  return tracker;
}

Deno.test("a peer gets the seeder first, then the others, never itself", () => {
  const tracker = makeTracker();
  assert.deepEqual(peersOf(tracker.announce(request(2), { hostname: "10.0.0.2", now: 0 })), [SEED]);
  const answer = tracker.announce(request(3), { hostname: "10.0.0.3", now: 0 });
  assert.deepEqual(peersOf(answer), [SEED, { hostname: "10.0.0.2", port: 6881 }]);
  assert.deepEqual([answer?.complete, answer?.incomplete], [1, 2]);
});

Deno.test("a torrent that was not added is not tracked", () => {
  const tracker = makeTracker();
  tracker.remove(INFO_HASH);
  assert.equal(tracker.announce(request(2), { hostname: "10.0.0.2", now: 0 }), undefined);
  assert.equal(tracker.scrape(INFO_HASH, 0), undefined);
});

Deno.test("a peer that stops or stays silent too long is forgotten; the seeder never is", () => {
  const tracker = makeTracker();
  for (const id of [2, 3, 4]) tracker.announce(request(id), { hostname: `10.0.0.${id}`, now: 0 });
  tracker.announce(request(2, { event: "stopped" }), { hostname: "10.0.0.2", now: 1 });
  tracker.announce(request(4), { hostname: "10.0.0.4", now: 60_000 });
  const answer = tracker.announce(request(5), { hostname: "10.0.0.5", now: 80_000 });
  assert.deepEqual(peersOf(answer), [SEED, { hostname: "10.0.0.4", port: 6881 }]);
});

Deno.test("a complete peer is counted as complete, and gets no other complete peer", () => {
  const tracker = makeTracker();
  tracker.announce(request(2), { hostname: "10.0.0.2", now: 0 });
  const done = request(3, { left: 0, event: "completed" });
  const answer = tracker.announce(done, { hostname: "10.0.0.3", now: 0 });
  assert.deepEqual(peersOf(answer), [{ hostname: "10.0.0.2", port: 6881 }]);
  assert.deepEqual(tracker.scrape(INFO_HASH, 0), { complete: 2, downloaded: 1, incomplete: 1 });
});

Deno.test("an answer has as many peers as requested, up to a bound", () => {
  const tracker = makeTracker();
  for (let id = 2; id < 200; id++) tracker.announce(request(id), { hostname: `10.0.0.${id}`, now: 0 });
  const ask = (numWant?: number) =>
    peersOf(
      tracker.announce(request(1, numWant === undefined ? {} : { numWant }), {
        hostname: "10.0.1.1",
        now: 0,
      }),
    );
  assert.equal(ask(0).length, 0);
  assert.equal(ask(5).length, 5);
  assert.equal(ask().length, 50);
  const most = ask(1_000_000);
  assert.equal(most.length, 80);
  assert.equal(new Set(most.map(({ hostname }) => hostname)).size, 80, "each is listed once");
});

Deno.test("the HTTP tracker understands our client, whatever the bytes of the hashes", async () => {
  const bytes = fc.uint8Array({ minLength: 20, maxLength: 20 });
  await fc.assert(fc.asyncProperty(bytes, bytes, async (infoHash, peerId) => {
    const tracker = new Tracker(Math.random);
    tracker.add(infoHash, [SEED, { hostname: "fd00::1", port: 6881 }]);
    const url = announceUrl("http://10.0.0.1/announce", request(2, { infoHash, peerId }));
    const response = handleAnnounce(new Request(url), { hostname: "::ffff:10.0.0.2", tracker, now: 0 });
    const answer = parseHttpAnnounce(new Uint8Array(await response.arrayBuffer()));
    assert.deepEqual(answer.peers, [SEED, { hostname: "fd00:0:0:0:0:0:0:1", port: 6881 }]);
    assert.equal(answer.incomplete, 1);
  }));
});

const badQueries = [
  "",
  "?info_hash=abc",
  `?info_hash=${"a".repeat(20)}&peer_id=${"b".repeat(20)}&port=99999`,
];
for (const query of [...badQueries, `?info_hash=${"a".repeat(20)}&peer_id=${"b".repeat(20)}&port=1`]) {
  Deno.test(`the HTTP tracker refuses ${query || "an empty query"} with a reason`, async () => {
    const url = `http://10.0.0.1/announce${query}`;
    const response = handleAnnounce(new Request(url), {
      hostname: "10.0.0.2",
      tracker: makeTracker(),
      now: 0,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.throws(() => parseHttpAnnounce(bytes), /refused/);
  });
}

Deno.test("a scrape covers known torrents only", async () => {
  const hash = Array.from(INFO_HASH, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const url = `http://10.0.0.1/scrape?info_hash=${hash}&info_hash=${"a".repeat(20)}`;
  const response = handleScrape(new Request(url), { tracker: makeTracker(), now: 0 });
  const text = new TextDecoder("latin1").decode(await response.arrayBuffer());
  const key = new TextDecoder("latin1").decode(INFO_HASH);
  assert.equal(text, `d5:filesd20:${key}d8:completei1e10:downloadedi0e10:incompletei0eeee`);
});

const ipv4 = fc.ipV4().map((hostname) => ({ hostname, port: 6881 }));
Deno.test("IPv4 peers survive compact encoding", () => {
  fc.assert(fc.property(fc.array(ipv4), (peers) => {
    assert.deepEqual(decodeCompact(encodeCompact(peers, 4), 4), peers);
    assert.deepEqual(encodeCompact(peers, 6), new Uint8Array());
  }));
});

const ips: [string, string | undefined][] = [
  ["::", "0:0:0:0:0:0:0:0"],
  ["fe80::1", "fe80:0:0:0:0:0:0:1"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["::ffff:10.0.0.9", "10.0.0.9"],
  ["256.1.1.1", undefined],
  ["1:2:3", undefined],
  ["1::2::3", undefined],
  ["1:2:3:4:5:6:7::8", undefined],
  ["fe80::12345", undefined],
  ["localhost", undefined],
];
for (const [text, expected] of ips) {
  Deno.test(`${text} as an IP address is ${expected ?? "none"}`, () => {
    const bytes = parseIp(text);
    assert.equal(bytes && formatIp(bytes), expected);
  });
}

Deno.test("UDP requests and responses survive encoding", () => {
  const infoHashes = [INFO_HASH, new Uint8Array(20)];
  const announced = { intervalSeconds: 30, complete: 1, incomplete: 2, peers: [SEED] };
  const requests = [
    { action: "connect", transaction: 7 },
    {
      action: "announce",
      transaction: 8,
      connection: 2n ** 63n,
      request: request(2, { event: "started", numWant: 9 }),
    },
    { action: "announce", transaction: 8, connection: 1n, request: request(2) },
    { action: "scrape", transaction: 9, connection: 3n, infoHashes },
  ] as const;
  for (const each of requests) assert.deepEqual(decodeUdpRequest(encodeUdpRequest(each)), each);
  const responses = [
    { action: "connect", transaction: 7, connection: 5n },
    { action: "scrape", transaction: 9, counts: [{ complete: 1, downloaded: 2, incomplete: 3 }] },
    { action: "error", transaction: 1, message: "no" },
  ] as const;
  for (const each of responses) assert.deepEqual(decodeUdpResponse(encodeUdpResponse(each)), each);
  const written = { ...announced, peers: encodeCompact([SEED], 4), peers6: encodeCompact([SEED6], 6) };
  for (const [family, peers] of [[4, [SEED]], [6, [SEED6]]] as const) {
    const bytes = encodeUdpResponse({ action: "announce", transaction: 8, response: written }, family);
    const read = { action: "announce", transaction: 8, response: { ...announced, peers } };
    assert.deepEqual(decodeUdpResponse(bytes, family), read);
  }
});

Deno.test("no datagram makes the UDP codec or the tracker throw", () => {
  const core = new UdpTrackerCore(makeTracker(), new Uint8Array(32));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(4), (bytes, action) => {
      decodeUdpResponse(bytes);
      if (bytes.length >= 12) bytes.set([0, 0, 0, action], 8);
      core.answer(bytes, { from: { hostname: "10.0.0.2", port: 1 }, now: 0 });
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a UDP connection id is valid for its own address, for one to two minutes", () => {
  const core = new UdpTrackerCore(makeTracker(), new Uint8Array(32));
  const from = { hostname: "10.0.0.2", port: 5000 };
  const connect = encodeUdpRequest({ action: "connect", transaction: 1 });
  const connected = decodeUdpResponse(core.answer(connect, { from, now: 30_000 })!);
  assert.equal(connected?.action, "connect");
  const { connection } = connected as { connection: bigint };
  const call = encodeUdpRequest({ action: "announce", transaction: 2, connection, request: request(2) });
  const answerAt = (now: number, sender = from) => core.answer(call, { from: sender, now });
  assert.ok(answerAt(31_000));
  assert.ok(answerAt(119_000));
  assert.equal(answerAt(120_000), undefined);
  assert.equal(answerAt(31_000, { ...from, hostname: "10.0.0.3" }), undefined);
});

Deno.test("our client announces over a real UDP socket, and reports the tracker's refusal", async () => {
  using udp = UdpTracker.listen(makeTracker(), { hostname: "127.0.0.1", port: 0 });
  const url = `udp://127.0.0.1:${udp.port}`;
  const { signal } = new AbortController();
  const answer = await announce(url, { request: request(2), signal });
  assert.deepEqual(answer.peers, [SEED]);
  const stranger = request(2, { infoHash: new Uint8Array(20) });
  await assert.rejects(announce(url, { request: stranger, signal }), /not known here/);
});
