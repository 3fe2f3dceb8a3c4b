import assert from "node:assert/strict";
import fc from "fast-check";
import { Bitfield } from "../wire/bitfield.ts";
import { Dealer } from "./dealer.ts";

const PIECES = 40;

interface FakeTaker {
  readonly pieces: Bitfield;
  readonly isFar: boolean;
}

function taker({ isFar = false, pieces = new Bitfield(PIECES) } = {}): FakeTaker {
  return { pieces, isFar };
}

function dealer(): Dealer<FakeTaker> {
  return new Dealer(PIECES, { ahead: 2, random: () => 0 });
}

/** The taker requests a piece, gets it and reports it. */
function complete(from: Dealer<FakeTaker>, by: FakeTaker, piece: number): void {
  from.requested(by, piece);
  by.pieces.add(piece);
  from.gained(by, piece);
}

Deno.test("every piece is dealt once before any is dealt twice, and no hand exceeds its size", () => {
  const seed = dealer();
  const takers = [taker(), taker(), taker()];
  const dealt: number[] = [];
  for (let turn = 0; dealt.length < PIECES; turn++) {
    const each = takers[turn % 3]!;
    const hand = seed.deal(each);
    assert.ok(hand.length <= 2);
    assert.deepEqual(seed.deal(each), [], "the hand is full");
    for (const piece of hand) complete(seed, each, piece);
    dealt.push(...hand);
  }
  assert.deepEqual(dealt.toSorted((a, b) => a - b), Array.from({ length: PIECES }, (_, i) => i));
});

Deno.test("a lone taker is dealt everything", () => {
  const seed = dealer();
  const alone = taker();
  let count = 0;
  for (let hand = seed.deal(alone); hand.length > 0; hand = seed.deal(alone)) {
    for (const piece of hand) complete(seed, alone, piece);
    count += hand.length;
  }
  assert.equal(count, PIECES);
});

Deno.test("when a taker leaves, its pieces are the next to be dealt", () => {
  const seed = dealer();
  const [gone, other] = [taker(), taker()];
  const hand = seed.deal(gone);
  complete(seed, gone, hand[0]!);
  seed.leave(gone);
  assert.deepEqual(new Set(seed.deal(other)), new Set(hand));
});

Deno.test("once everything is dealt, pieces in a slow taker's hand are dealt to another taker too", () => {
  const seed = dealer();
  const [slow, quick] = [taker(), taker()];
  const held = seed.deal(slow);
  for (const piece of held) seed.requested(slow, piece);
  const had: number[] = [];
  for (let hand = seed.deal(quick); hand.length > 0; hand = seed.deal(quick)) {
    for (const piece of hand) complete(seed, quick, piece);
    had.push(...hand);
  }
  assert.equal(had.length, PIECES);
  assert.ok(held.every((piece) => had.includes(piece)));
});

Deno.test("pieces that two takers have are not dealt to a latecomer", () => {
  const seed = dealer();
  const others = [taker(), taker()];
  for (let piece = 0; piece < PIECES; piece++) {
    for (const other of others) if (other.pieces.add(piece)) seed.gained(other, piece);
  }
  assert.deepEqual(seed.deal(taker()), []);
});

Deno.test("a declined piece is dealt to others, and never again to the same taker", () => {
  const seed = dealer();
  const [picky, other] = [taker(), taker()];
  const hand = seed.deal(picky);
  for (const piece of hand) seed.declined(picky, piece);
  assert.ok(seed.deal(picky).every((piece) => !hand.includes(piece)));
  assert.deepEqual(new Set(seed.deal(other)), new Set(hand));
});

Deno.test("far takers are dealt to only while there is no near one, or when told to include them", () => {
  const seed = dealer();
  const [far, near] = [taker({ isFar: true }), taker()];
  assert.equal(seed.deal(far).length, 2);
  seed.fold(far);
  assert.equal(seed.deal(near).length, 2);
  assert.deepEqual(seed.deal(far), []);
  seed.includesFar = true;
  assert.equal(seed.deal(far).length, 2);
});

Deno.test("whatever takers do, a piece that nobody has is always dealt to those that stay", () => {
  const act = fc.record({ who: fc.nat(3), act: fc.constantFrom("deal", "have", "decline", "fold", "leave") });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (steps) => {
      const seed = dealer();
      const takers = [0, 1, 2, 3].map(() => ({ taker: taker(), hand: [] as number[] }));
      for (const { who, act } of steps) {
        const each = takers[who]!;
        const piece = each.hand.pop();
        if (act === "deal") each.hand.push(...seed.deal(each.taker));
        else if (act === "have" && piece !== undefined) complete(seed, each.taker, piece);
        else if (act === "decline" && piece !== undefined) seed.declined(each.taker, piece);
        else if (act === "fold") {
          seed.fold(each.taker);
          each.hand = [];
        } else if (act === "leave") {
          seed.leave(each.taker);
          takers[who] = { taker: taker(), hand: [] };
        }
      }
      const held = takers.map(({ taker }) => taker.pieces);
      for (const { taker } of takers) seed.leave(taker);
      const last = taker();
      let count = 0;
      for (let hand = seed.deal(last); hand.length > 0; hand = seed.deal(last)) {
        for (const piece of hand) complete(seed, last, piece);
        count += hand.length;
      }
      assert.equal(count, PIECES, `${held.length} takers had left`);
    }),
  );
});
