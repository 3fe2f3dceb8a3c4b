import assert from "node:assert/strict";
import { Bitfield } from "../wire/bitfield.ts";
import { HAVE_BATCH, Peer, type PeerEffects } from "./peer.ts";
import { Picker } from "../choice/picker.ts";
import { PieceMap } from "../metainfo/piece_map.ts";
import { type Block, WireError, type WireMessage } from "../wire/wire.ts";

const KIB = 1024;
const MAP = new PieceMap([{ name: "a", length: 4 * 64 * KIB }], 64 * KIB);

class Fixture {
  readonly stored: { piece: number; begin: number; length: number }[] = [];
  readonly received: number[] = [];
  readonly picker: Picker<Peer>;
  wakes = 0;

  constructor(have = new Bitfield(4), { wanted, map = MAP }: { wanted?: Bitfield; map?: PieceMap } = {}) {
    this.picker = new Picker(map, { have, wanted, random: () => 0 });
  }

  peer({ fast = true, own = true, map = MAP } = {}): Peer {
    const effects: PeerEffects = {
      wake: () => this.wakes++,
      interestChanged: () => {},
      listensOn: () => {},
      closed: () => {},
      gainedPiece: () => {},
      requestQueued: () => {},
      suggestionDeclined: () => {},
      store: (piece, { begin, bytes }) => this.stored.push({ piece, begin, length: bytes.length }),
      blockAborted: () => {},
      blockReceived: (piece, { complete }) => complete && this.received.push(piece),
    };
    const identity = { hostname: "10.0.0.2", port: 6881, peerId: "someone" };
    return new Peer(identity, { map, picker: this.picker, effects, fast, own });
  }
}

function types(peer: Peer): string[] {
  return peer.outbox.splice(0).map(({ type }) => type);
}

function requests(peer: Peer): Block[] {
  return peer.outbox.splice(0).flatMap((message) =>
    message.type === "request" ? [{ piece: message.piece, begin: message.begin, length: message.length }] : []
  );
}

function deliver(peer: Peer, block: Block): void {
  peer.blockStart(block);
  peer.blockData(new Uint8Array(block.length));
  peer.blockEnd();
}

Deno.test("we are interested in a peer that has a piece, and request it once the peer unchokes us", () => {
  const peer = new Fixture().peer();
  peer.open(6881);
  assert.deepEqual(types(peer), ["haveNone", "extended"]);
  peer.message({ type: "have", piece: 2 });
  assert.deepEqual(types(peer), ["interested"]);
  peer.message({ type: "unchoke" });
  assert.deepEqual(requests(peer), [{ piece: 2, begin: 0, length: 64 * KIB }]);
});

Deno.test("we are not interested in a peer that has no wanted piece", () => {
  const wanted = new Bitfield(4);
  wanted.add(1);
  const peer = new Fixture(new Bitfield(4), { wanted }).peer();
  peer.message({ type: "have", piece: 2 });
  assert.deepEqual(types(peer), []);
  peer.message({ type: "haveAll" });
  assert.deepEqual(types(peer), ["interested"]);
  peer.message({ type: "unchoke" });
  assert.deepEqual(requests(peer).map(({ piece }) => piece), [1]);
});

Deno.test("a second bitfield adds its new pieces: aria2 sends one in place of many have messages", () => {
  const peer = new Fixture().peer();
  for (const known of [[1], [1, 3]]) {
    const pieces = new Bitfield(4);
    for (const piece of known) pieces.add(piece);
    peer.message({ type: "bitfield", pieces });
  }
  assert.deepEqual([0, 1, 2, 3].map((piece) => peer.pieces.has(piece)), [false, true, false, true]);
});

const openings: [string, Bitfield, boolean, string[]][] = [
  ["everything, to a fast peer", Bitfield.full(4), true, ["haveAll"]],
  ["everything, to a plain peer", Bitfield.full(4), false, ["bitfield"]],
  ["nothing, to a plain peer", new Bitfield(4), false, []],
];
for (const [what, have, fast, expected] of openings) {
  Deno.test(`the first message says that we have ${what}`, () => {
    const peer = new Fixture(have).peer({ fast });
    peer.open(undefined);
    assert.deepEqual(types(peer), expected);
  });
}

Deno.test("a stock client gets requests of 16 KiB, and no more of them than it says it queues", () => {
  const peer = new Fixture().peer({ own: false });
  peer.message({ type: "haveAll" });
  peer.message({ type: "extended", id: 0, payload: new TextEncoder().encode("d1:md1:xi1ee4:reqqi5ee") });
  peer.outbox.length = 0;
  peer.message({ type: "unchoke" });
  const asked = requests(peer);
  assert.equal(asked.length, 5);
  assert.ok(asked.every(({ length }) => length === 16 * KIB));
  deliver(peer, asked[0]!);
  assert.equal(requests(peer).length, 1);
});

Deno.test("a dealer's suggestion is requested first, or declined if it is of no use", () => {
  const wanted = new Bitfield(4);
  for (const piece of [0, 2]) wanted.add(piece);
  const fixture = new Fixture(new Bitfield(4), { wanted });
  const peer = fixture.peer();
  const payload = new TextEncoder().encode("d1:md1:xi1ee8:rk_dealsi1ee");
  peer.message({ type: "haveAll" });
  peer.message({ type: "extended", id: 0, payload });
  assert.equal(peer.isDealer, true);
  peer.message({ type: "suggest", piece: 2 });
  peer.message({ type: "suggest", piece: 3 });
  assert.deepEqual(types(peer), ["interested", "reject"]);
  peer.message({ type: "unchoke" });
  assert.deepEqual(requests(peer).map(({ piece }) => piece), [2, 0]);
  peer.close();
  assert.equal(
    fixture.picker.isFree(2),
    true,
    "others may take it over, and the dealer may suggest it again",
  );
});

Deno.test("a dealer learns of every piece that we get, and of suggestions that others delivered", () => {
  const fixture = new Fixture();
  const [dealer, other] = [fixture.peer(), fixture.peer()];
  const payload = new TextEncoder().encode("d1:md1:xi1ee8:rk_dealsi1ee");
  dealer.message({ type: "haveAll" });
  dealer.message({ type: "extended", id: 0, payload });
  dealer.message({ type: "suggest", piece: 2 });
  other.message({ type: "have", piece: 2 });
  other.message({ type: "unchoke" });
  dealer.outbox.length = 0;
  dealer.message({ type: "unchoke" });
  assert.equal(types(dealer)[0], "reject");
  fixture.picker.verified(2);
  dealer.outbox.length = 0;
  dealer.sendHave(2);
  assert.deepEqual(types(dealer), ["have"], "although it has the piece");
});

Deno.test("a peer with enough to request gets have messages in batches, one that waits gets them at once", () => {
  const map = new PieceMap([{ name: "a", length: 64 * 64 * KIB }], 64 * KIB);
  const fixture = new Fixture(new Bitfield(64), { map });
  const peer = fixture.peer({ map });
  const wakesBy = (act: () => void) => {
    const before = fixture.wakes;
    act();
    return fixture.wakes - before;
  };
  const announce = (first: number, count: number) => () => {
    for (let piece = first; piece < first + count; piece++) peer.sendHave(piece);
  };
  assert.equal(wakesBy(announce(0, 1)), 1, "it is not interested yet");
  peer.outbox.length = 0;
  peer.message({ type: "interested" });
  assert.equal(wakesBy(announce(1, HAVE_BATCH.maxCount - 1)), 0);
  assert.equal(wakesBy(announce(HAVE_BATCH.maxCount, 1)), 1, "the batch is full");
  assert.deepEqual(types(peer), Array(HAVE_BATCH.maxCount).fill("have"));
  fixture.picker.peerCount = 50;
  assert.equal(wakesBy(announce(20, 1)), 1, "it is rare in a large swarm");
  fixture.picker.peerCount = 0;
  peer.outbox.length = 0;
  fixture.picker.hasFarPeers = true;
  assert.equal(wakesBy(announce(21, 1)), 1, "it would fetch the piece from another rack");
  fixture.picker.hasFarPeers = false;
  for (let piece = 0; piece < 48; piece++) peer.message({ type: "have", piece });
  peer.outbox.length = 0;
  assert.equal(wakesBy(announce(50, 1)), 1, "it lacks few pieces");
});

Deno.test("suggestions are bounded, and one for a piece that does not exist breaks the protocol", () => {
  const peer = new Fixture().peer();
  for (let count = 0; count < 1000; count++) peer.message({ type: "suggest", piece: count % 4 });
  assert.ok(peer.suggested.size <= 4);
  assert.throws(() => peer.message({ type: "suggest", piece: 4 }), WireError);
});

Deno.test("slow peers are asked for smaller blocks", () => {
  const peer = new Fixture().peer();
  peer.message({ type: "haveAll" });
  peer.message({ type: "unchoke" });
  assert.equal(requests(peer)[0]?.length, 64 * KIB);
  assert.equal(peer.maxBlockLength, 256 * KIB);
  for (let second = 0; second < 10; second++) peer.pace(1000);
  assert.equal(peer.maxBlockLength, 128 * KIB);
});

Deno.test("a choke frees all requests: at once from a plain peer, with each reject from a fast one", () => {
  for (const fast of [false, true]) {
    const fixture = new Fixture();
    const [peer, other] = [fixture.peer({ fast }), fixture.peer()];
    for (const each of [peer, other]) each.message({ type: "have", piece: 0 });
    peer.message({ type: "unchoke" });
    const [block] = requests(peer);
    peer.message({ type: "choke" });
    if (fast) peer.message({ type: "reject", ...block! });
    other.message({ type: "unchoke" });
    assert.deepEqual(requests(other), [block]);
    deliver(peer, block!);
    assert.deepEqual(fixture.stored, [], "a late block is not kept");
    assert.equal(peer.wasted, 64 * KIB);
  }
});

Deno.test("unrequested blocks are dropped, and too many of them end the connection", () => {
  const fixture = new Fixture();
  const peer = fixture.peer();
  const flood = () => {
    for (let count = 0; count < 2000; count++) deliver(peer, { piece: 0, begin: 0, length: 64 * KIB });
  };
  assert.throws(flood, WireError);
  assert.deepEqual(fixture.stored, []);
});

Deno.test("requests are served while the peer is unchoked, and rejected otherwise", () => {
  const peer = new Fixture(Bitfield.full(4)).peer();
  const block = { piece: 1, begin: 16 * KIB, length: 16 * KIB };
  peer.message({ type: "request", ...block });
  assert.deepEqual(types(peer), ["reject"]);
  peer.setChoking(false);
  peer.message({ type: "request", ...block });
  peer.message({ type: "request", ...block, begin: 0 });
  assert.deepEqual(peer.uploads, [block, { ...block, begin: 0 }]);
  peer.message({ type: "cancel", ...block });
  assert.deepEqual(peer.uploads, [{ ...block, begin: 0 }]);
  peer.setChoking(true);
  assert.deepEqual(peer.uploads, []);
  assert.deepEqual(types(peer), ["unchoke", "reject", "choke", "reject"]);
});

const violations: [string, WireMessage[]][] = [
  ["has a piece that does not exist", [{ type: "have", piece: 4 }]],
  ["requests a piece that does not exist", [{ type: "request", piece: 4, begin: 0, length: 1 }]],
  ["requests bytes past the end of a piece", [{
    type: "request",
    piece: 3,
    begin: 60 * KIB,
    length: 16 * KIB,
  }]],
  ["requests zero bytes", [{ type: "request", piece: 0, begin: 0, length: 0 }]],
  ["requests more than a block", [{ type: "request", piece: 0, begin: 0, length: 300 * KIB }]],
];
for (const [what, messages] of violations) {
  Deno.test(`a peer that ${what} breaks the protocol`, () => {
    const peer = new Fixture(Bitfield.full(4)).peer();
    assert.throws(() => messages.forEach((message) => peer.message(message)), WireError);
  });
}

Deno.test("in the endgame the slower peer's request is cancelled when the faster one has delivered", () => {
  const fixture = new Fixture();
  const [slow, fast] = [fixture.peer(), fixture.peer()];
  for (const peer of [slow, fast]) {
    peer.message({ type: "have", piece: 3 });
    peer.message({ type: "unchoke" });
  }
  const [block] = requests(fast);
  assert.deepEqual(requests(slow), [block]);
  deliver(fast, block!);
  assert.deepEqual(fixture.received, [3]);
  slow.cancelObsolete(3);
  assert.deepEqual(types(slow), ["cancel"]);
  assert.equal(slow.owesData, false);
});

Deno.test("others are asked for what a stalled peer owes, and it is asked again once it owes nothing", () => {
  const fixture = new Fixture();
  const [slow, other, third] = [fixture.peer(), fixture.peer(), fixture.peer()];
  for (const peer of [slow, other]) {
    peer.message({ type: "have", piece: 3 });
    peer.message({ type: "unchoke" });
  }
  const [block] = requests(slow);
  assert.deepEqual(requests(other), [block], "the endgame duplicates it once");
  slow.blockStart(block!);
  slow.blockData(new Uint8Array(1000));
  assert.deepEqual([slow.stall(), other.stall(), slow.stall()], [true, true, false]);
  for (const peer of [slow, other]) {
    peer.message({ type: "have", piece: 2 });
    assert.deepEqual(requests(peer), [], "nothing more is requested from it");
  }
  third.message({ type: "have", piece: 3 });
  third.message({ type: "unchoke" });
  assert.deepEqual(requests(third), [block]);
  deliver(third, block!);
  assert.deepEqual(fixture.received, [3]);
  other.cancelObsolete(3);
  assert.deepEqual(types(other), ["cancel", "request"]);
});

Deno.test("a stalled peer's late block is kept", () => {
  const fixture = new Fixture();
  const slow = fixture.peer();
  slow.message({ type: "have", piece: 3 });
  slow.message({ type: "unchoke" });
  const [block] = requests(slow);
  slow.stall();
  deliver(slow, block!);
  assert.deepEqual(fixture.received, [3]);
});

Deno.test("a peer that keeps rejecting what it says it has is dropped as a liar", () => {
  const fixture = new Fixture();
  const liar = fixture.peer();
  liar.message({ type: "haveAll" });
  liar.message({ type: "unchoke" });
  const refuse = () => {
    for (let round = 0; round < 65; round++) {
      for (const block of requests(liar)) liar.message({ type: "reject", ...block });
      liar.refill();
    }
  };
  assert.throws(refuse, WireError);
});

Deno.test("of a block that another peer delivered in part, only the rest is kept", () => {
  const fixture = new Fixture();
  const [own, stock] = [fixture.peer(), fixture.peer({ own: false })];
  for (const peer of [own, stock]) {
    peer.message({ type: "have", piece: 0 });
    peer.message({ type: "unchoke" });
  }
  const [whole] = requests(own);
  const [part] = requests(stock);
  assert.deepEqual([whole?.length, part?.length], [64 * KIB, 16 * KIB]);
  deliver(stock, part!);
  fixture.stored.length = 0;
  deliver(own, whole!);
  assert.equal(fixture.stored.reduce((sum, { length }) => sum + length, 0), 48 * KIB);
  assert.ok(fixture.stored.every(({ begin }) => begin >= 16 * KIB));
  assert.deepEqual(fixture.received, [0]);
});

Deno.test("when a peer leaves midway through a block, others fetch it", () => {
  const fixture = new Fixture();
  const [gone, other] = [fixture.peer(), fixture.peer()];
  for (const peer of [gone, other]) peer.message({ type: "have", piece: 0 });
  gone.message({ type: "unchoke" });
  const [block] = requests(gone);
  gone.blockStart(block!);
  gone.blockData(new Uint8Array(1000));
  gone.close();
  gone.blockData(new Uint8Array(1000));
  gone.blockEnd();
  other.message({ type: "unchoke" });
  assert.deepEqual(requests(other), [block]);
  assert.equal(fixture.stored.length, 1);
});
