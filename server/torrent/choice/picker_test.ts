import assert from "node:assert/strict";
import fc from "fast-check";
import { Bitfield } from "../wire/bitfield.ts";
import { Picker, type PickingPeer } from "./picker.ts";
import { PieceMap } from "../metainfo/piece_map.ts";
import type { Block } from "../wire/wire.ts";

const KIB = 1024;
const PIECE = 64 * KIB;

class FakePeer implements PickingPeer {
  readonly asked: Block[] = [];
  readonly pieces: Bitfield;
  readonly maxBlockLength: number;
  readonly suggested = new Set<number>();
  isFar = false;
  isDealer = false;

  constructor(pieces: Bitfield, maxBlockLength = PIECE) {
    this.pieces = pieces;
    this.maxBlockLength = maxBlockLength;
  }

  get isIdle(): boolean {
    return this.asked.length === 0;
  }

  isRequested(piece: number, begin: number): boolean {
    return this.asked.some((block) =>
      block.piece === piece && begin >= block.begin && begin < block.begin + block.length
    );
  }
}

/** A picker without any piece. Every tie goes to the first piece. */
function emptyPicker(pieceCount: number): Picker<FakePeer> {
  const map = new PieceMap([{ name: "a", length: pieceCount * PIECE - 10 * KIB }], PIECE);
  return new Picker(map, { have: new Bitfield(pieceCount), random: () => 0.999999 });
}

function take(picker: Picker<FakePeer>, peer: FakePeer): Block | undefined {
  const block = picker.pick(peer);
  if (block) peer.asked.push(block);
  return block;
}

function deliver(
  picker: Picker<FakePeer>,
  peer: FakePeer,
  block: Block,
): { complete: boolean; contested: boolean } {
  peer.asked.splice(peer.asked.indexOf(block), 1);
  picker.startBlock(peer, block);
  return picker.endBlock(peer, { block, whole: true });
}

Deno.test("the rarest piece comes first, but a piece of a higher level before it", () => {
  const picker = emptyPicker(3);
  const all = Bitfield.full(3);
  const peer = new FakePeer(all);
  for (const piece of [0, 1, 2, 0, 2]) picker.countPiece(piece, peer);
  assert.equal(take(picker, peer)?.piece, 1);
  picker.prioritize({ first: 2, last: 2 }, 1);
  assert.equal(take(picker, peer)?.piece, 2);
  assert.equal(take(picker, peer)?.piece, 0);
});

Deno.test("a begun run is finished before a rarer piece starts, and the next run is adjacent to it", () => {
  // 64 KiB a piece: 64 of them are a run
  const picker = emptyPicker(256);
  const everywhere = new FakePeer(Bitfield.full(256));
  const common = new FakePeer(Bitfield.full(256));
  for (let piece = 0; piece < 256; piece++) {
    picker.countPiece(piece, everywhere);
    if (piece !== 130 && piece !== 5) picker.countPiece(piece, common);
  }
  const runs: number[] = [];
  for (let count = 0; count < 192; count++) {
    const block = take(picker, everywhere)!;
    deliver(picker, everywhere, block);
    picker.verified(block.piece);
    runs.push(Math.floor(block.piece / 64));
    if (count === 0) assert.equal(block.piece, 5, "the first of the rarest");
  }
  assert.deepEqual([...new Set(runs)], [0, 1, 2]);
  assert.deepEqual(runs, runs.toSorted());
});

Deno.test("ties are broken at random, evenly", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const counts = [0, 0, 0, 0];
  const map = new PieceMap([{ name: "a", length: 4 * PIECE }], PIECE);
  for (let round = 0; round < 4000; round++) {
    const picker = new Picker<FakePeer>(map, { have: new Bitfield(4), random });
    counts[picker.pick(new FakePeer(Bitfield.full(4)))!.piece]!++;
  }
  for (const count of counts) assert.ok(count > 850 && count < 1150, `${counts}`);
});

Deno.test("a peer's suggestion comes before the rarest piece, unless it is held or in progress", () => {
  const picker = emptyPicker(4);
  const [peer, other] = [new FakePeer(Bitfield.full(4)), new FakePeer(Bitfield.full(4))];
  for (const piece of [1, 2, 3]) picker.countPiece(piece, peer);
  assert.equal(take(picker, other)?.piece, 0);
  for (const piece of [0, 3]) peer.suggested.add(piece);
  assert.equal(take(picker, peer)?.piece, 3);
  assert.equal(peer.suggested.size, 0);
});

Deno.test("when no more pieces may be begun, those in progress are finished, by another peer if need be", () => {
  const picker = emptyPicker(6);
  const [stock, other] = [new FakePeer(Bitfield.full(6), PIECE / 4), new FakePeer(Bitfield.full(6))];
  const first = picker.pick(stock)!;
  picker.maxBegun = 1;
  assert.ok(picker.isHeld);
  assert.equal(picker.pick(stock)?.piece, first.piece);
  picker.release(first);
  picker.releasePieces(stock);
  other.suggested.add(first.piece === 5 ? 0 : 5);
  assert.equal(picker.pick(other)?.piece, first.piece);
  while (picker.pick(other)?.piece === first.piece);
  picker.maxBegun = 2;
  assert.ok(!picker.isHeld);
  assert.equal(picker.pick(other)?.piece, first.piece === 5 ? 0 : 5, "its suggestion was not forgotten");
  assert.ok(picker.isHeld);
});

Deno.test("an avoided dealer is asked only for suggestions and urgent pieces, not in the endgame", () => {
  const picker = emptyPicker(4);
  const dealer = new FakePeer(Bitfield.full(4));
  dealer.isDealer = true;
  picker.avoidsDealers = true;
  assert.equal(take(picker, dealer), undefined);
  dealer.suggested.add(2);
  assert.equal(take(picker, dealer)?.piece, 2);
  picker.prioritize({ first: 1, last: 1 }, 1);
  assert.equal(take(picker, dealer)?.piece, 1);
  assert.equal(take(picker, dealer), undefined);
  picker.avoidsDealers = false;
  assert.notEqual(take(picker, dealer), undefined);
});

Deno.test("a far peer is asked only for our share of what no near peer has, while far links are avoided", () => {
  const picker = emptyPicker(4);
  const [near, far] = [new FakePeer(new Bitfield(4)), new FakePeer(Bitfield.full(4))];
  far.isFar = true;
  near.pieces.add(1);
  for (let piece = 0; piece < 4; piece++) picker.countPiece(piece, far);
  picker.countPiece(1, near);
  const share = new Bitfield(4);
  for (const piece of [1, 2]) share.add(piece);
  picker.farShare = share;
  picker.avoidsFar = true;
  // its suggestions are no exception
  far.suggested.add(0);
  assert.equal(take(picker, far)?.piece, 2);
  assert.equal(far.suggested.size, 0);
  assert.equal(take(picker, far), undefined);
  picker.uncountPeer(near);
  assert.equal(take(picker, far)?.piece, 1);
  picker.avoidsFar = false;
  assert.notEqual(take(picker, far), undefined);
});

Deno.test("nothing is requested twice while some peer has a new piece", () => {
  const picker = emptyPicker(2);
  const [one, idle, rich] = [[0], [0], [0, 1]].map((pieces) => {
    const field = new Bitfield(2);
    for (const piece of pieces) field.add(piece);
    const peer = new FakePeer(field);
    for (const piece of pieces) picker.countPiece(piece, peer);
    return peer;
  }) as [FakePeer, FakePeer, FakePeer];
  assert.equal(take(picker, one)?.piece, 0);
  assert.equal(take(picker, idle), undefined);
  assert.equal(take(picker, rich)?.piece, 1);
  assert.equal(take(picker, idle)?.piece, 0);
});

Deno.test("a stock client is asked for 16 KiB blocks, and for the short last block of the torrent", () => {
  const picker = emptyPicker(1);
  const peer = new FakePeer(Bitfield.full(1), 16 * KIB);
  const blocks = Array.from({ length: 4 }, () => take(picker, peer)!);
  assert.deepEqual(blocks.map(({ begin, length }) => [begin / KIB, length / KIB]), [
    [0, 16],
    [16, 16],
    [32, 16],
    [48, 6],
  ]);
  assert.equal(take(picker, peer), undefined);
});

Deno.test("another peer takes over an unfinished piece, without the blocks that are held", () => {
  const picker = emptyPicker(1);
  const gone = new FakePeer(Bitfield.full(1), 16 * KIB);
  const first = take(picker, gone)!;
  const second = take(picker, gone)!;
  deliver(picker, gone, first);
  picker.release(second);
  picker.releasePieces(gone);
  const block = take(picker, new FakePeer(Bitfield.full(1)))!;
  assert.deepEqual(block, { piece: 0, begin: 16 * KIB, length: 38 * KIB });
});

Deno.test("in the endgame one idle peer duplicates another's request, and the later copy is not kept", () => {
  const picker = emptyPicker(1);
  const [slow, fast, third] = [1, 2, 3].map(() => new FakePeer(Bitfield.full(1))) as [
    FakePeer,
    FakePeer,
    FakePeer,
  ];
  const slowBlock = take(picker, slow)!;
  const fastBlock = take(picker, fast)!;
  assert.deepEqual(fastBlock, slowBlock);
  assert.equal(take(picker, third), undefined);
  assert.deepEqual(deliver(picker, fast, fastBlock), { complete: true, contested: true });
  assert.equal(picker.isObsolete(slowBlock), true);
  assert.equal(picker.startBlock(slow, slowBlock), 0);
});

Deno.test("a block that breaks off is requested again", () => {
  const picker = emptyPicker(1);
  const peer = new FakePeer(Bitfield.full(1));
  const block = take(picker, peer)!;
  picker.startBlock(peer, block);
  picker.endBlock(peer, { block, whole: false });
  picker.releasePieces(peer);
  assert.deepEqual(take(picker, new FakePeer(Bitfield.full(1))), block);
});

Deno.test("a corrupt piece is fetched again from a single peer", () => {
  const picker = emptyPicker(1);
  const [one, two] = [new FakePeer(Bitfield.full(1), 16 * KIB), new FakePeer(Bitfield.full(1), 16 * KIB)];
  for (const peer of [one, two, one, two]) deliver(picker, peer, take(picker, peer)!);
  assert.deepEqual(new Set(picker.sourcesOf(0)), new Set([one, two]));
  picker.failed(0);
  const late = { piece: 0, begin: 16 * KIB, length: 16 * KIB };
  const first = take(picker, one)!;
  assert.equal(take(picker, two), undefined);
  assert.equal(picker.startBlock(two, late), 0);
  deliver(picker, one, first);
  picker.releasePieces(one);
  const again = take(picker, two)!;
  assert.equal(again.begin, 0, "another peer starts it over");
});

Deno.test("whatever peers do, every piece completes exactly once", () => {
  const plan = fc.array(
    fc.record({ peer: fc.nat(2), act: fc.constantFrom("take", "deliver", "break", "leave") }),
    {
      maxLength: 300,
    },
  );
  fc.assert(
    fc.property(plan, (steps) => {
      const picker = emptyPicker(6);
      const peers = [16, 64, 32].map((kib) => new FakePeer(Bitfield.full(6), kib * KIB));
      let completed = 0;
      const act = (peer: FakePeer, what: string) => {
        const block = peer.asked[0];
        if (what === "take") take(picker, peer);
        else if (what === "leave") {
          for (const asked of peer.asked.splice(0)) picker.release(asked);
          picker.releasePieces(peer);
        } else if (block) {
          peer.asked.shift();
          if (picker.startBlock(peer, block) === 0) return picker.release(block);
          const { complete } = picker.endBlock(peer, { block, whole: what === "deliver" });
          if (!complete) return;
          assert.equal(picker.have.has(block.piece), false);
          picker.verified(block.piece);
          completed++;
        }
      };
      for (const { peer, act: what } of steps) act(peers[peer]!, what);
      for (let left = 400; left > 0 && !picker.have.isFull; left--) {
        for (const peer of peers) {
          act(peer, "take");
          act(peer, "deliver");
        }
      }
      assert.equal(completed, 6);
      assert.ok(picker.have.isFull);
    }),
  );
});

Deno.test("a rare piece comes before the begun run in a large swarm, and after it in a small one", () => {
  for (const { peers, expected } of [{ peers: 8, expected: [3, 4] }, { peers: 100, expected: [200, 201] }]) {
    const picker = emptyPicker(256);
    picker.peerCount = peers;
    const all = new FakePeer(Bitfield.full(256));
    for (let piece = 0; piece < 256; piece++) {
      const holders = piece === 200 ? 1 : piece === 201 ? 2 : 30;
      for (let holder = 0; holder < holders; holder++) picker.countPiece(piece, all);
    }
    const first = new Bitfield(256);
    for (const piece of [0, 1, 2]) first.add(piece);
    const starter = new FakePeer(first);
    for (let count = 0; count < 3; count++) take(picker, starter);
    assert.deepEqual([take(picker, all)?.piece, take(picker, all)?.piece], expected);
  }
});
