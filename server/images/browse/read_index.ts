/** Makes a version's index out of its manifest. */
import { createHash } from "node:crypto";
import { parseFrameSlice } from "#contract/format/entry.ts";
import { type Header, MAX_MANIFEST_BYTES } from "#contract/format/manifest.ts";
import { open } from "#native/open_sealed.ts";
import type { PublishedVersion } from "../../store/versions.ts";
import { Turns } from "./turns.ts";
import { type FrameTables, VersionIndex } from "./version_index.ts";

/** Hashed at a time. */
const PART_BYTES = 1 << 20;
const LINE_END = 10;
const HASH_BYTES = 32;

/**
 * Reads the manifest, checks it against the version's id, and makes its index in turns. Throws what reading and opening
 * throw, and RangeError if the manifest is not the one that was published.
 */
export async function readIndex({ payload, key, id, header }: PublishedVersion): Promise<VersionIndex> {
  const turns = new Turns();
  const sealed = await Deno.readFile(payload[0]?.path ?? "");
  const bytes = open(sealed, { key, maxRawBytes: MAX_MANIFEST_BYTES });
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    hash.update(bytes.subarray(at, at + PART_BYTES));
    await turns.rest();
  }
  if (hash.digest("hex") !== id) throw new RangeError("the manifest is not the one that was published");
  return await indexOf(bytes, { header, turns });
}

/** Of a manifest's text. Throws RangeError, or SyntaxError, if it is none. */
export async function indexOf(
  bytes: Uint8Array,
  { header, turns = new Turns() }: { header: Header; turns?: Turns },
): Promise<VersionIndex> {
  const lines = new Lines(bytes);
  lines.skip();
  const frames = await readFrames(lines, { count: header.frames, turns });
  return await readEntries(lines, { count: header.totals.entries, frames, turns });
}

class Lines {
  readonly #bytes: Buffer;
  position = 0;

  constructor({ buffer, byteOffset, length }: Uint8Array) {
    this.#bytes = Buffer.from(buffer, byteOffset, length);
  }

  next(): Record<string, unknown> {
    const start = this.position;
    this.skip();
    return JSON.parse(this.#bytes.toString("utf8", start, this.position));
  }

  skip(): void {
    const end = this.#bytes.indexOf(LINE_END, this.position);
    if (end < 0) throw new RangeError("the manifest is cut off");
    this.position = end + 1;
  }

  /** A copy, so that what comes before it can be forgotten. */
  from(position: number): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(position));
  }
}

async function readFrames(
  lines: Lines,
  { count, turns }: { count: number; turns: Turns },
): Promise<FrameTables> {
  const packs = new Uint32Array(count), sealedBytes = new Uint32Array(count);
  const offsets = new Float64Array(count), slices = new Uint32Array(count + 1);
  const found: { offset: number; sizeBytes: number; sha256: Uint8Array }[][] = [];
  for (let i = 0; i < count; i++) {
    const { pack, at, size, extents } = lines.next();
    packs[i] = Number(pack);
    offsets[i] = Number(at);
    sealedBytes[i] = Number(size);
    if (!Array.isArray(extents)) throw new RangeError("a frame without extents");
    found.push(extents.map((json) => {
      const { sha256, offset, sizeBytes } = parseFrameSlice(json);
      return { offset, sizeBytes, sha256: Buffer.from(sha256, "base64url") };
    }));
    slices[i + 1] = (slices[i] ?? 0) + extents.length;
    await turns.rest();
  }
  const total = slices[count] ?? 0;
  const sliceOffsets = new Uint32Array(total), sliceBytes = new Uint32Array(total);
  const hashes = new Uint8Array(total * HASH_BYTES);
  let n = 0;
  for (const extents of found) {
    for (const { offset, sizeBytes, sha256 } of extents) {
      sliceOffsets[n] = offset;
      sliceBytes[n] = sizeBytes;
      hashes.set(sha256, HASH_BYTES * n++);
    }
    await turns.rest();
  }
  return { packs, offsets, sealedBytes, slices, sliceOffsets, sliceBytes, hashes };
}

async function readEntries(
  lines: Lines,
  { count, frames, turns }: { count: number; frames: FrameTables; turns: Turns },
): Promise<VersionIndex> {
  const begin = lines.position;
  const starts = new Uint32Array(count + 1),
    ends = new Uint32Array(count),
    sizes = new Float64Array(count + 1);
  /** The folders around the entry, with the number of parts of their paths. */
  const around: { readonly number: number; readonly depth: number }[] = [];
  const leave = (depth: number, number: number) => {
    for (let last = around.at(-1); last && last.depth >= depth; last = around.at(-1)) {
      ends[last.number] = number;
      around.pop();
    }
  };
  for (let i = 0; i < count; i++) {
    starts[i] = lines.position - begin;
    const { type, path, size } = lines.next();
    sizes[i + 1] = (sizes[i] ?? 0) + (type === "file" ? Number(size) : 0);
    ends[i] = i + 1;
    const depth = depthOf(path);
    leave(depth, i);
    if (type === "directory") around.push({ number: i, depth });
    await turns.rest();
  }
  starts[count] = lines.position - begin;
  leave(0, count);
  return new VersionIndex({ text: lines.from(begin), lines: starts, ends, sizes, frames });
}

/** Parts of a path; the root has none. */
function depthOf(path: unknown): number {
  const text = typeof path === "string"
    ? path
    : Buffer.from(String((path as { base64?: unknown } | null)?.base64), "base64").toString("latin1");
  return text === "" ? 0 : text.split("/").length;
}
