import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes, Entry, FrameExtent } from "#contract/format/entry.ts";
import { chunkStream } from "./chunk_stream.ts";
import { encodeSparseMap, joined } from "#tar/sparse_map.ts";
import { END_BYTES, padding, RECORD_BYTES, type Run } from "#tar/ustar.ts";
import { encodeHeader } from "#tar/write_member.ts";
import type { VersionReader } from "./version_reader.ts";

const CHUNK_BYTES = 256 << 10;

/** A version as a pax tar, in the manifest's order. Takes ownership of the reader and disposes it. */
export function exportTar(reader: VersionReader): ReadableStream<Uint8Array> {
  return chunkStream(inChunks(tarOf(reader)), { end: () => reader[Symbol.dispose]() });
}

/** The archive's bytes. Each piece is a view that is valid until the next one is requested. */
function* tarOf(reader: VersionReader): Generator<Uint8Array> {
  let length = 0;
  for (const entry of reader.manifest.entries) {
    for (const piece of memberOf(entry, reader)) {
      length += piece.length;
      yield piece;
    }
  }
  const end = length + END_BYTES;
  yield new Uint8Array(END_BYTES + (RECORD_BYTES - end % RECORD_BYTES) % RECORD_BYTES);
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
      if (file === undefined) throw new RangeError("a hard link refers to a missing file");
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
  const runs = runsOf(file, reader);
  const stored = runs.reduce((sum, run) => sum + run.sizeBytes, 0);
  const sparse = stored < file.sizeBytes;
  let map: Uint8Array = new Uint8Array(0);
  if (sparse) {
    const last = runs.at(-1);
    const end = last ? last.offset + last.sizeBytes : 0;
    // GNU tar takes the end of the last run as the file's end
    map = encodeSparseMap(end < file.sizeBytes ? [...runs, { offset: file.sizeBytes, sizeBytes: 0 }] : runs);
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

/** The file's stored bytes; touching extents are one run. */
function runsOf(
  file: Extract<Entry<FrameExtent>, { type: "file" }>,
  reader: VersionReader,
): Run[] {
  return joined(file.extents.map(({ offset, frame, index }) => {
    const sizeBytes = reader.manifest.frames[frame]?.extents[index]?.sizeBytes ?? 0;
    return { offset, sizeBytes };
  }));
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
