/**
 * The expensive work on bytes, off the server's main thread: hashing, compressing, sealing, and checking what is on the
 * disk. FramePool is the other end. The next job starts while one is being encrypted, so answers carry the id of their
 * job.
 */
/// <reference lib="deno.worker" />
import { createHash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { parseFrameUpload, uploadedExtents } from "#contract/format/frame_upload.ts";
import { nativeSha256Steps } from "#native/native_codecs.ts";
import { release } from "#native/release.ts";
import { type SealedCodec, sealedCodec } from "#native/sealed_codec.ts";
import { sha256 } from "#native/sha256.ts";
import {
  type Assignment,
  type CheckJob,
  type CutJob,
  decodeExtents,
  type HashJob,
  type Job,
  type Outcome,
  type ProofJob,
  type Reply,
  type SealJob,
  type UploadJob,
} from "./frame_jobs.ts";

self.onmessage = async ({ data: { id, job } }: MessageEvent<Assignment>) => {
  const transfer: ArrayBuffer[] = [];
  let outcome: Outcome;
  try {
    outcome = { ok: true, reply: await replyTo(job, transfer) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    outcome = {
      ok: false,
      message: error instanceof Error ? error.message : String(error),
      badInput: error instanceof RangeError,
      ...(code !== undefined && { code }),
    };
  }
  self.postMessage({ id, ...outcome }, transfer);
};

/** The codec of the lineage that was used last; jobs of one capture come in a row. */
let last: { readonly key: Uint8Array; readonly codec: Promise<SealedCodec> } | undefined;

function codecOf(key: Uint8Array): Promise<SealedCodec> {
  if (last === undefined || !Buffer.from(last.key).equals(key)) last = { key, codec: sealedCodec(key) };
  return last.codec;
}

function replyTo(job: Job, transfer: ArrayBuffer[]): Reply | Promise<Reply> {
  switch (job.kind) {
    case "upload":
      return sealUpload(job, transfer);
    case "seal":
      return sealWhole(job, transfer);
    case "check":
      return damageOf(job).then((damage) => ({ kind: "check", damage }));
    case "proof":
      return proveStretch(job);
    case "cut":
      return cutFrame(job, transfer);
    case "hash":
      return hashFile(job);
  }
}

/** Throws RangeError if the upload is malformed or an extent does not match its hash. */
async function sealUpload({ body, key, level }: UploadJob, transfer: ArrayBuffer[]): Promise<Reply> {
  const upload = parseFrameUpload(body);
  const { contents, isPacked, rawBytes } = upload;
  const codec = await codecOf(key);
  const raw = isPacked ? codec.unpack(contents, { rawBytes }) : contents;
  for (const { sha256: claimed, content } of uploadedExtents(upload, raw)) {
    if (!sha256(content).equals(claimed)) {
      throw new RangeError(
        `an extent of ${content.length} bytes does not have the SHA-256 that it came with`,
      );
    }
  }
  const sealed = isPacked
    ? await codec.sealPacked(contents, { rawBytes })
    : await codec.seal(contents, { level });
  const table = new Uint8Array(upload.table);
  release(body);
  transfer.push(table.buffer, sealed.buffer);
  return { kind: "upload", table, sealed, rawBytes };
}

async function sealWhole({ raw, key, level }: SealJob, transfer: ArrayBuffer[]): Promise<Reply> {
  const sealed = await (await codecOf(key)).seal(raw, { level });
  transfer.push(sealed.buffer);
  return { kind: "seal", sealed };
}

/** What is wrong with a frame on the disk, as text; undefined if it is intact. */
async function damageOf({ path, at, sealedBytes, key, extents }: CheckJob): Promise<string | undefined> {
  const sealed = readFrame({ path, at, sealedBytes });
  if (sealed === undefined) return "the pack ends within it";
  let raw: Uint8Array;
  try {
    raw = await (await codecOf(key)).open(sealed);
  } catch (error) {
    return `it cannot be opened (${error instanceof Error ? error.message : error})`;
  }
  const all = decodeExtents(extents);
  const bad = all.filter((e) =>
    e.at + e.sizeBytes > raw.length ||
    !sha256(raw.subarray(e.at, e.at + e.sizeBytes)).equals(e.sha256)
  );
  return bad.length === 0 ? undefined : `${bad.length} of its ${all.length} extents have another SHA-256`;
}

/** Most bytes outside frames that are read at once. */
const GAP_BYTES = 1 << 20;

/** Where the pack ends too early, the frames from there on are damaged; its size tells of the rest. */
async function proveStretch({ path, key, from, to, frames, hash }: ProofJob): Promise<Reply> {
  const codec = await codecOf(key), steps = hash && nativeSha256Steps();
  using file = Deno.openSync(path);
  file.seekSync(from, Deno.SeekMode.Start);
  // the job's own: another job may run while this one awaits the runtime's codec
  let memory = new Uint8Array(GAP_BYTES), at = from;
  const next = (sizeBytes: number) => {
    if (sizeBytes > memory.length) memory = new Uint8Array(sizeBytes);
    const bytes = memory.subarray(0, sizeBytes);
    if (!fill(file, bytes)) return undefined;
    if (hash) steps?.update(hash, bytes);
    at += sizeBytes;
    return bytes;
  };
  /** Passes what belongs to no frame, as where a damaged one was dropped. */
  const skipTo = (end: number) => {
    while (at < end && next(Math.min(end - at, GAP_BYTES)) !== undefined);
  };
  const damaged: number[] = [];
  for (const [i, frame] of frames.entries()) {
    skipTo(frame.at);
    const sealed = next(frame.sealedBytes);
    const isSound = sealed && await codec.authenticate(sealed).then(() => true, () => false);
    if (!isSound) damaged.push(i);
  }
  skipTo(to);
  release(memory);
  return { kind: "proof", damaged, hash: steps ? hash : undefined };
}

/** A low level, because a node is waiting. */
const CUT_LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

async function cutFrame({ ranges, key, ...place }: CutJob, transfer: ArrayBuffer[]): Promise<Reply> {
  const sealed = readFrame(place);
  if (sealed === undefined) throw new Error("the pack ends within the frame");
  const raw = await (await codecOf(key)).open(sealed);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const start = ranges[i] ?? 0;
    parts.push(raw.subarray(start, start + (ranges[i + 1] ?? 0)));
  }
  const packed = new Uint8Array(zstdCompressSync(Buffer.concat(parts), CUT_LEVEL));
  transfer.push(packed.buffer);
  return { kind: "cut", packed };
}

/** Undefined if the pack ends within the frame. */
function readFrame(
  { path, at, sealedBytes }: Pick<CheckJob, "path" | "at" | "sealedBytes">,
): Uint8Array<ArrayBuffer> | undefined {
  const sealed = new Uint8Array(sealedBytes);
  using file = Deno.openSync(path);
  file.seekSync(at, Deno.SeekMode.Start);
  return fill(file, sealed) ? sealed : undefined;
}

/** False if the file ends before. */
function fill(file: Deno.FsFile, bytes: Uint8Array): boolean {
  for (let n = 0; n < bytes.length;) {
    const read = file.readSync(bytes.subarray(n));
    if (read === null) return false;
    n += read;
  }
  return true;
}

function hashFile({ path }: HashJob): Reply {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1 << 20);
  let sizeBytes = 0;
  using file = Deno.openSync(path);
  for (let n = file.readSync(buffer); n !== null; n = file.readSync(buffer)) {
    hash.update(buffer.subarray(0, n));
    sizeBytes += n;
  }
  return { kind: "hash", sha256: hash.digest("hex"), sizeBytes };
}
