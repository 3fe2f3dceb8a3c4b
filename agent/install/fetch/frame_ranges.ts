/** Maps the frames of a manifest to ranges of its torrent, and ranges to pieces. Pure. */
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import type { FileRange, PieceMap } from "#torrent/metainfo/piece_map.ts";

export const MANIFEST = "manifest.rsm";

/** The range of a whole file of the torrent. Throws RackseedError if there is no file of that name. */
export function wholeFile(map: PieceMap, name: string): FileRange {
  const file = map.files.findIndex((f) => f.name === name);
  const length = map.files[file]?.length;
  if (length !== undefined) return { file, offset: 0, length };
  throw new RackseedError("cannot use the torrent of the image", {
    reason: `it has no ${name}.`,
    remedy: "verify the image on the server, then deploy again.",
  });
}

/** Ranges by frame number. Throws RackseedError if the torrent lacks a pack, RangeError if a pack is too short. */
export function frameRanges(map: PieceMap, { header, frames }: Manifest): FileRange[] {
  const files = header.packs.map(({ sha256 }) => wholeFile(map, `${sha256}.pack`).file);
  return frames.map(({ pack, offset, sealedBytes }) => ({
    file: files[pack] ?? -1,
    offset,
    length: sealedBytes,
  }));
}

/** The pieces that hold any byte of the ranges. */
export function piecesHolding(map: PieceMap, ranges: Iterable<FileRange>): Bitfield {
  const pieces = new Bitfield(map.pieceCount);
  for (const range of ranges) {
    const { first, last } = map.piecesOf(range);
    for (let piece = first; piece <= last; piece++) pieces.add(piece);
  }
  return pieces;
}
