import assert from "node:assert/strict";
import fc from "fast-check";
import { Bitfield } from "../wire/bitfield.ts";
import { PieceMap } from "./piece_map.ts";
import { RangeWaiter } from "../storage/range_waiter.ts";

const MAP = new PieceMap(
  [{ name: "a", length: 10 }, { name: "b", length: 0 }, { name: "c", length: 25 }],
  8,
);

Deno.test("pieces and positions of a torrent with an empty file", () => {
  assert.equal(MAP.pieceCount, 5);
  assert.equal(MAP.lengthOf(0), 8);
  assert.equal(MAP.lengthOf(4), 3);
  assert.deepEqual(MAP.piecesOf({ file: 0, offset: 0, length: 10 }), { first: 0, last: 1 });
  assert.deepEqual(MAP.piecesOf({ file: 2, offset: 0, length: 6 }), { first: 1, last: 1 });
  assert.deepEqual(MAP.piecesOf({ file: 2, offset: 6, length: 1 }), { first: 2, last: 2 });
  assert.deepEqual(MAP.piecesOf({ file: 1, offset: 0, length: 0 }), { first: 1, last: 0 });
  assert.deepEqual(MAP.rangesAt(8, 8), [{ file: 0, offset: 8, length: 2 }, {
    file: 2,
    offset: 0,
    length: 6,
  }]);
});

for (const range of [[3, 0, 0], [0, 0, 11], [0, -1, 2], [2, 20, 6]] as const) {
  Deno.test(`bytes ${range.join(" ")} are not inside the torrent`, () => {
    const [file, offset, length] = range;
    assert.throws(() => MAP.piecesOf({ file, offset, length }), RangeError);
  });
}

Deno.test("for any torrent, the file ranges cover the requested bytes in order", () => {
  const lengths = fc.array(fc.nat(50), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(lengths, fc.nat(400), fc.nat(400), (files, position, length) => {
      const map = new PieceMap(files.map((length, i) => ({ name: `${i}`, length })), 16);
      fc.pre(position + length <= map.totalLength);
      const starts = files.map((_, i) => files.slice(0, i).reduce((a, b) => a + b, 0));
      const covered = map.rangesAt(position, length).flatMap(({ file, offset, length }) =>
        Array.from({ length }, (_, i) => starts[file]! + offset + i)
      );
      assert.deepEqual(covered, Array.from({ length }, (_, i) => position + i));
    }),
  );
});

Deno.test("a range is reported once, with its last piece, or at once if it is complete already", () => {
  const have = new Bitfield(MAP.pieceCount);
  const waiter = new RangeWaiter<string>(MAP, have);
  assert.equal(waiter.add({ file: 0, offset: 0, length: 10 }, "a"), false);
  assert.equal(waiter.add({ file: 2, offset: 0, length: 6 }, "c"), false);
  const come = (piece: number) => {
    have.add(piece);
    return waiter.pieceDone(piece);
  };
  assert.deepEqual(come(1), ["c"]);
  assert.deepEqual(come(3), []);
  assert.deepEqual(come(0), ["a"]);
  assert.deepEqual(waiter.pieceDone(0), []);
  assert.equal(waiter.add({ file: 0, offset: 2, length: 8 }, "again"), true);
});
