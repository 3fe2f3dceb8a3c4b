/** A download's frames at a pace at which little of them would be lost with power. */
import type { Manifest } from "#contract/format/manifest.ts";
import type { Bitfield } from "#torrent/wire/bitfield.ts";
import type { FileRange, PieceMap } from "#torrent/metainfo/piece_map.ts";
import { syncAllAside } from "../../sys/kernel.ts";
import type { Download } from "./download.ts";
import { frameRanges } from "./frame_ranges.ts";
import { bytesAtRisk, SafePace } from "./safe_pace.ts";

/** What was begun may hang, and then nothing else tells that it is time for more. */
const WATCH_MS = 1_000;

/** To be disposed when all frames are written, or none will be any more. */
interface SafeFrames extends AsyncDisposable {
  readonly frames: AsyncIterable<number>;
  /** To be told of every frame that is written, or of which nothing had to be. */
  onFrame(frame: number): void;
}

/** Before anything can be written: no more comes than may be lost. */
export function awaitDisk(download: Download): void {
  const { map, have } = download;
  download.beginAtMost(have.count + Math.ceil(bytesAtRisk(map.totalLength) / map.pieceLength));
}

/**
 * For packs that lie in memory. `only`: the frames that are needed, all where absent. `sync`: where the machine has
 * other disks than the target's, what brings this one up to date.
 */
export function safeFrames(
  download: Download,
  { manifest, only, sync = syncAllAside }: {
    manifest: Manifest;
    only?: readonly number[] | undefined;
    sync?: () => Promise<void>;
  },
): SafeFrames {
  const { map } = download;
  const ranges = frameRanges(map, manifest);
  const needed = only ? only.flatMap((frame) => ranges[frame] ?? []) : ranges;
  const safe = new SafePieces(map, { needed, wanted: only && download.have });
  let limit = Infinity;
  const apply = () => download.beginAtMost(safe.count + Math.ceil(limit / map.pieceLength));
  const pace = new SafePace({
    totalBytes: manifest.frames.reduce((sum, { sealedBytes }) => sum + sealedBytes, 0),
    bytesOf: (frame) => ranges[frame]?.length ?? 0,
    sync,
    onLimit: (bytes) => {
      limit = bytes;
      apply();
    },
    onSafe: (frames) => {
      for (const frame of frames) safe.add(ranges[frame]);
      apply();
    },
    isHeld: () => download.isHeld,
  });
  apply();
  const watch = setInterval(() => pace.decide(), WATCH_MS);
  return {
    frames: download.frames(manifest, {
      only,
      onFrame: (frame) => pace.came(frame),
      onPiece: () => pace.decide(),
    }),
    onFrame: (frame) => pace.written(frame),
    async [Symbol.asyncDispose]() {
      clearInterval(watch);
      await pace.end();
    },
  };
}

/** Counts the pieces of which nothing would have to be fetched again: all frames that lie on them are safe. Pure. */
class SafePieces {
  readonly #map: PieceMap;
  /** By piece: how many of the needed frames lie on it and are not safe. */
  readonly #unsafe: Uint32Array;
  #count = 0;

  /** `wanted`: of those on which no needed frame lies, the pieces that are or will be here; all where absent. */
  constructor(
    map: PieceMap,
    { needed, wanted }: { needed: Iterable<FileRange>; wanted?: Bitfield | undefined },
  ) {
    this.#map = map;
    this.#unsafe = new Uint32Array(map.pieceCount);
    for (const range of needed) {
      const { first, last } = map.piecesOf(range);
      for (let piece = first; piece <= last; piece++) this.#unsafe[piece]!++;
    }
    this.#unsafe.forEach((frames, piece) => {
      if (frames === 0 && (wanted?.has(piece) ?? true)) this.#count++;
    });
  }

  get count(): number {
    return this.#count;
  }

  add(frame: FileRange | undefined): void {
    if (!frame) return;
    const { first, last } = this.#map.piecesOf(frame);
    for (let piece = first; piece <= last; piece++) if (--this.#unsafe[piece]! === 0) this.#count++;
  }
}
