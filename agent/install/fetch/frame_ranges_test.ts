import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { PieceMap } from "#torrent/metainfo/piece_map.ts";
import { frameRanges, piecesHolding, wholeFile } from "./frame_ranges.ts";

const PIECE = 16_384;
const packs = ["a".repeat(64), "b".repeat(64)];
const map = new PieceMap([
  { name: "manifest.rsm", length: 100 },
  { name: `${packs[0]}.pack`, length: 3 * PIECE },
  { name: `${packs[1]}.pack`, length: 2 * PIECE },
], PIECE);

const frame = (pack: number, offset: number, sealedBytes: number) => ({
  pack,
  offset,
  sealedBytes,
  rawBytes: 0,
  extents: [],
});
const manifest = {
  header: { packs: packs.map((sha256) => ({ sha256, sizeBytes: 0 })) },
  frames: [
    frame(0, 0, PIECE),
    frame(0, PIECE, PIECE + PIECE / 2),
    frame(0, 2.5 * PIECE, PIECE / 2),
    frame(1, 0, 2 * PIECE),
  ],
} as unknown as Manifest;

const cases: { frames: number[]; pieces: number[] }[] = [
  { frames: [], pieces: [] },
  // the manifest's 100 bytes push every frame over the next piece's start
  { frames: [0], pieces: [0, 1] },
  { frames: [1], pieces: [1, 2] },
  { frames: [2], pieces: [2, 3] },
  { frames: [3], pieces: [3, 4, 5] },
  { frames: [0, 2], pieces: [0, 1, 2, 3] },
  { frames: [0, 1, 2, 3], pieces: [0, 1, 2, 3, 4, 5] },
];
for (const { frames, pieces } of cases) {
  Deno.test(`frames ${frames.join(", ") || "(none)"}: the pieces that hold them`, () => {
    const ranges = frameRanges(map, manifest);
    const held = piecesHolding(map, frames.map((f) => ranges[f]!));
    assert.deepEqual([...Array(map.pieceCount).keys()].filter((p) => held.has(p)), pieces);
    assert.equal(held.count, pieces.length);
  });
}

Deno.test("every byte of a needed frame, and of the manifest, lies in a wanted piece", () => {
  for (const range of [...frameRanges(map, manifest), wholeFile(map, "manifest.rsm")]) {
    const held = piecesHolding(map, [range]);
    const start = map.files.slice(0, range.file).reduce((sum, { length }) => sum + length, range.offset);
    for (const byte of [start, start + range.length - 1]) assert.ok(held.has(Math.floor(byte / PIECE)));
  }
});

Deno.test("a torrent without a pack of the manifest is refused", () => {
  const other = new PieceMap([{ name: "manifest.rsm", length: 100 }], PIECE);
  assert.throws(() => frameRanges(other, manifest), RackseedError);
});
