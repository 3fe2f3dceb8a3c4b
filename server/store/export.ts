import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes, Entry, FrameExtent } from "#contract/format/entry.ts";
import { chunkStream } from "./chunk_stream.ts";
import { encodeHeader, encodeSparseMap, padding, RECORD_BYTES } from "#tar/write_header.ts";
import type { VersionReader } from "./version_reader.ts";

const CHUNK_BYTES = 256 << 10;

/** A version as a pax tar, in the manifest's order. Takes the reader over and disposes it. */
export function exportTar(reader: VersionReader): ReadableStream<Uint8Array> {
  return chunkStream(inChunks(tarOf(reader)), { end: () => reader[Symbol.dispose]() });
}

/** The archive's bytes; pieces are views that hold until the next one is asked for. */
function* tarOf(reader: VersionReader): Generator<Uint8Array> {
  let length = 0;
  for (const entry of reader.manifest.entries) {
    for (const piece of memberOf(entry, reader)) {
      length += piece.length;
      yield piece;
    }
  }
  // two blocks of zeros end the archive
  const end = length + 1024;
  yield new Uint8Array(1024 + (RECORD_BYTES - end % RECORD_BYTES) % RECORD_BYTES);
}

function* memberOf(entry: Entry<FrameExtent>, reader: VersionReader): Generator<Uint8Array> {
  switch (entry.type) {
    case "directory": {
      const path = (entry.path === "" ? "./" : `${entry.path}/`) as BytePath;
      return yield encodeHeader({ ...attributesOf(entry), path, type: "5", sizeBytes: 0 });
    }
    case "file":
      return yield* fileOf(entry, reader);
    case "symlink":
      return yield encodeHeader({ ...attributesOf(entry), type: "2", target: entry.target, sizeBytes: 0 });
    case "link": {
      const file = reader.stat(entry.target);
      if (file === undefined) throw new RangeError("a hard link names a file that is not there");
      const { inode: _, ...own } = attributesOf(file);
      const attributes = { ...own, path: entry.path, xattrs: [] };
      return yield encodeHeader({ ...attributes, type: "1", target: entry.target, sizeBytes: 0 });
    }
    case "char":
    case "block": {
      const type = entry.type === "char" ? "3" : "4";
      const device = [entry.major, entry.minor] as const;
      return yield encodeHeader({ ...attributesOf(entry), type, device, sizeBytes: 0 });
    }
    case "fifo":
      return yield encodeHeader({ ...attributesOf(entry), type: "6", sizeBytes: 0 });
  }
}

function* fileOf(
  file: Extract<Entry<FrameExtent>, { type: "file" }>,
  reader: VersionReader,
): Generator<Uint8Array> {
  const regions = regionsOf(file, reader);
  const stored = regions.reduce((sum, [, size]) => sum + size, 0);
  const sparse = stored < file.sizeBytes;
  let map: Uint8Array = new Uint8Array(0);
  if (sparse) {
    const [offset, size] = regions.at(-1) ?? [0, 0];
    // GNU tar takes the end of the last region for the file's end
    map = encodeSparseMap(offset + size < file.sizeBytes ? [...regions, [file.sizeBytes, 0]] : regions);
  }
  yield encodeHeader({
    ...attributesOf(file),
    type: "0",
    sizeBytes: map.length + stored,
    ...(sparse && { sparseSizeBytes: file.sizeBytes }),
  });
  yield map;
  for (const { bytes } of reader.extents(file)) yield bytes;
  yield padding(stored);
}

/** Where the file has bytes; extents that touch are one region. */
function regionsOf(
  file: Extract<Entry<FrameExtent>, { type: "file" }>,
  reader: VersionReader,
): [offset: number, sizeBytes: number][] {
  const regions: [number, number][] = [];
  for (const { offset, frame, index } of file.extents) {
    const sizeBytes = reader.manifest.frames[frame]?.extents[index]?.sizeBytes ?? 0;
    const last = regions.at(-1);
    if (last !== undefined && last[0] + last[1] === offset) last[1] += sizeBytes;
    else regions.push([offset, sizeBytes]);
  }
  return regions;
}

function attributesOf(entry: Attributes): Attributes {
  const { path, mode, uid, gid, mtimeSec, mtimeNs, xattrs, inode } = entry;
  return { path, mode, uid, gid, mtimeSec, mtimeNs, xattrs, ...(inode && { inode }) };
}

/** Copies pieces into chunks of 256 KiB. */
function* inChunks(pieces: Iterable<Uint8Array>): Generator<Uint8Array, undefined> {
  let chunk = new Uint8Array(CHUNK_BYTES), filled = 0;
  for (let piece of pieces) {
    while (piece.length > 0) {
      const part = piece.subarray(0, CHUNK_BYTES - filled);
      chunk.set(part, filled);
      filled += part.length;
      piece = piece.subarray(part.length);
      if (filled === CHUNK_BYTES) {
        yield chunk;
        chunk = new Uint8Array(CHUNK_BYTES);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}
