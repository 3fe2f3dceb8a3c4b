import type { VerifyEvent } from "#contract/api.ts";
import { displayPath } from "#contract/format/byte_path.ts";
import { messageOf } from "#contract/errors.ts";
import { type Frame, type Manifest, packKeys, verifyManifestId } from "#contract/format/manifest.ts";
import { sha256OfPack } from "#contract/format/sha256.ts";
import { sizeOf } from "./durable.ts";
import { encodeExtents } from "./frame_jobs.ts";
import type { FramePool } from "./frame_pool.ts";
import { readManifest } from "./version_reader.ts";
import type { PublishedVersion } from "./versions.ts";

/** What of a version is needed to check it; it need not be published. */
type StoredVersion = Pick<
  PublishedVersion,
  "id" | "signature" | "publicKey" | "key" | "folder" | "files" | "payload"
>;

/**
 * Reads all of a version again and checks it: the manifest's hash and signature, the hash of every pack and boot file,
 * that every frame opens, and the hashes of the extents in it. `damage` says what is damaged and which files of the
 * image are affected.
 */
export async function* verifyVersion(
  version: StoredVersion,
  pool: FramePool,
): AsyncGenerator<VerifyEvent> {
  let damaged = 0, bytesDone = 0;
  const damage = (what: string): VerifyEvent => {
    damaged++;
    return { type: "damage", what };
  };
  const { id, signature, publicKey } = version;
  if (!verifyManifestId(id, { signature, publicKey })) {
    yield damage("the manifest's signature is not from this server's key (keys/signing.pem)");
  }
  let manifest: Manifest | undefined;
  try {
    manifest = readManifest(version);
  } catch (error) {
    yield damage(`manifest.rsm: ${messageOf(error)}`);
  }
  const frames = manifest?.frames ?? [];
  const files = storedFiles(version);
  const bytesTotal = frames.reduce((sum, f) => sum + f.sealedBytes, 0) +
    files.reduce((sum, f) => sum + f.sizeBytes, 0);
  const checks = checksOf(version, { files, manifest, pool });
  for await (const { bytes, found } of inParallel(checks, pool.size * 2)) {
    bytesDone += bytes;
    if (found !== undefined) yield damage(found);
    yield { type: "progress", bytesDone, bytesTotal };
  }
  const extents = frames.flatMap((f) => f.extents);
  const bytes = extents.reduce((sum, e) => sum + e.sizeBytes, 0);
  yield { type: "done", extents: extents.length, bytes, damaged };
}

interface StoredFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** The files of the version's folder, and its packs. */
function storedFiles({ files, folder, payload }: StoredVersion): StoredFile[] {
  return [
    ...files.map((file) => ({ ...file, path: `${folder}/${file.name}` })),
    ...payload.slice(1).map((pack) => ({ ...pack, sha256: sha256OfPack(pack.name) })),
  ];
}

function* checksOf(
  { payload, key }: StoredVersion,
  { files, manifest, pool }: {
    files: readonly StoredFile[];
    manifest: Manifest | undefined;
    pool: FramePool;
  },
): Generator<Check> {
  for (const file of files) yield { bytes: file.sizeBytes, run: () => fileDamage(file, pool) };
  if (manifest === undefined) return;
  const keys = packKeys(manifest.header, key);
  for (const [number, frame] of manifest.frames.entries()) {
    const pack = payload[1 + frame.pack];
    const run = async () => {
      const place = `${pack?.name}: frame at byte ${frame.offset}`;
      const path = pack?.path ?? "";
      if (sizeOf(path) === undefined) return `${place}: the pack is missing`;
      const found = await frameDamage(frame, { path, key: keys[frame.pack] as Uint8Array, pool });
      return found && `${place}: ${found}; ${filesOf(manifest, number)}`;
    };
    yield { bytes: frame.sealedBytes, run };
  }
}

async function frameDamage(
  { offset, sealedBytes, extents }: Frame,
  { path, key, pool }: { path: string; key: Uint8Array; pool: FramePool },
): Promise<string | undefined> {
  const stored = extents.map((e) => ({
    sha256: Buffer.from(e.sha256, "base64url"),
    at: e.offset,
    sizeBytes: e.sizeBytes,
  }));
  return await pool.check({ path, at: offset, sealedBytes, key, extents: encodeExtents(stored) });
}

interface Check {
  readonly bytes: number;
  run(): Promise<string | undefined>;
}

/** Runs a few checks at a time; yields their results in order. */
async function* inParallel(checks: Generator<Check>, width: number) {
  const running: Promise<{ bytes: number; found: string | undefined }>[] = [];
  for (const { bytes, run } of checks) {
    running.push(run().catch(messageOf).then((found) => ({ bytes, found })));
    if (running.length >= width) yield await running.shift() as { bytes: number; found: string | undefined };
  }
  for (const last of running) yield await last;
}

async function fileDamage(
  { name, path, sizeBytes, sha256 }: StoredFile,
  pool: FramePool,
): Promise<string | undefined> {
  const size = sizeOf(path);
  if (size === undefined) return `${name}: it is missing`;
  if (size !== sizeBytes) return `${name}: it has ${size} bytes instead of ${sizeBytes}`;
  return (await pool.hashFile(path)).sha256 === sha256 ? undefined : `${name}: it has another SHA-256`;
}

/** "it holds content of usr/bin/vim and 36 other files" */
function filesOf(manifest: Manifest, frame: number): string {
  const files = manifest.entries.filter((e) => e.type === "file" && e.extents.some((x) => x.frame === frame));
  const [first] = files;
  const others = files.length > 1 ? ` and ${files.length - 1} other files` : "";
  return `it holds content of ${first ? displayPath(first.path) : "no file"}${others}`;
}
