/** Paces a download so that a power cut costs little of it. */
import type { Manifest } from "#contract/format/manifest.ts";
import type { Bitfield } from "#torrent/wire/bitfield.ts";
import type { FileRange, PieceMap } from "#torrent/metainfo/piece_map.ts";
import { syncAllAside } from "../../sys/kernel.ts";
import type { Download } from "./download.ts";
import { frameRanges } from "./frame_ranges.ts";
import { bytesAtRisk, SafePace } from "./safe_pace.ts";

/** Interval of a check for when transfers hang and no other event triggers one. */
const WATCH_MS = 1_000;

/** Dispose it once all frames are written, or no more will be. */
interface SafeFrames extends AsyncDisposable {
  readonly frames: AsyncIterable<number>;
  /** Call it for every frame that is written, or of which nothing was needed. */
  onFrame(frame: number): void;
}

/** Until the disk can be written, fetches no more than may be lost. */
export function awaitDisk(download: Download): void {
  const { map, have } = download;
  download.beginAtMost(have.count + Math.ceil(bytesAtRisk(map.totalLength) / map.pieceLength));
}

/**
 * For packs in memory. `only`: the frames that are needed; default: all. `sync`: flushes the target's disk; default:
 * all disks of the machine.
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

/** Counts the pieces that need never be fetched again, because all frames on them are safely on disk. Pure. */
class SafePieces {
  readonly #map: PieceMap;
  /** By piece: how many needed frames on it are not safe yet. */
  readonly #unsafe: Uint32Array;
  #count = 0;

  /** `wanted`: which of the pieces without needed frames are fetched all the same; default: all. */
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
