import type { VerifyEvent } from "#contract/api.ts";
import { displayPath } from "#contract/format/byte_path.ts";
import { messageOf } from "#contract/errors.ts";
import { type Manifest, packKeys, verifyManifestId } from "#contract/format/manifest.ts";
import { sha256OfPack } from "#contract/format/sha256.ts";
import { sizeOf } from "./durable.ts";
import { encodeExtents } from "./frame_jobs.ts";
import type { FramePool } from "./frame_pool.ts";
import { readManifest } from "./version_reader.ts";
import type { PublishedVersion } from "./versions.ts";

/**
 * Reads everything of a version again and proves it: the manifest's hash and signature, the hash of every pack
 * and boot file, and of every frame that it opens and the extents in it that their hashes are right. `damage`
 * says what is bad and which files of the image that touches.
 */
export async function* verifyVersion(
  version: PublishedVersion,
  pool: FramePool,
): AsyncGenerator<VerifyEvent> {
  const { id, signature, publicKey, payload, folder, key } = version;
  let damaged = 0, bytesDone = 0;
  const damage = (what: string): VerifyEvent => {
    damaged++;
    return { type: "damage", what };
  };
  if (!verifyManifestId(id, { signature, publicKey })) {
    yield damage("the manifest's signature is not by this server's key (keys/signing.pem)");
  }
  let manifest: Manifest | undefined;
  try {
    manifest = readManifest(version);
  } catch (error) {
    yield damage(`manifest.rsm: ${messageOf(error)}`);
  }
  const frames = manifest?.frames ?? [];
  const keys = manifest === undefined ? [] : packKeys(manifest.header, key);
  const files = [
    ...version.files.map((file) => ({ ...file, path: `${folder}/${file.name}` })),
    ...payload.slice(1).map((pack) => ({ ...pack, sha256: sha256OfPack(pack.name) })),
  ];
  const bytesTotal = frames.reduce((sum, f) => sum + f.sealedBytes, 0) +
    files.reduce((sum, f) => sum + f.sizeBytes, 0);

  const checks = function* (): Generator<Check> {
    for (const file of files) {
      yield { bytes: file.sizeBytes, run: () => fileDamage(file, pool) };
    }
    for (const [number, frame] of frames.entries()) {
      const pack = payload[1 + frame.pack];
      const extents = encodeExtents(frame.extents.map((e) => ({
        sha256: Buffer.from(e.sha256, "base64url"),
        at: e.offset,
        sizeBytes: e.sizeBytes,
      })));
      const run = async () => {
        const place = `${pack?.name}: frame at byte ${frame.offset}`;
        if (sizeOf(pack?.path ?? "") === undefined) return `${place}: the pack is missing`;
        const { path } = pack as { path: string };
        const key = keys[frame.pack] as Uint8Array;
        const found = await pool.check({
          path,
          at: frame.offset,
          sealedBytes: frame.sealedBytes,
          key,
          extents,
        });
        return found && `${place}: ${found}; ${filesOf(manifest as Manifest, number)}`;
      };
      yield { bytes: frame.sealedBytes, run };
    }
  };
  for await (const { bytes, found } of inParallel(checks(), pool.size * 2)) {
    bytesDone += bytes;
    if (found !== undefined) yield damage(found);
    yield { type: "progress", bytesDone, bytesTotal };
  }
  const extents = frames.flatMap((f) => f.extents);
  yield {
    type: "done",
    extents: extents.length,
    bytes: extents.reduce((sum, e) => sum + e.sizeBytes, 0),
    damaged,
  };
}

interface Check {
  readonly bytes: number;
  run(): Promise<string | undefined>;
}

/** Runs a few checks at a time; yields what they find, in their order. */
async function* inParallel(checks: Generator<Check>, width: number) {
  const running: Promise<{ bytes: number; found: string | undefined }>[] = [];
  for (const { bytes, run } of checks) {
    running.push(run().catch(messageOf).then((found) => ({ bytes, found })));
    if (running.length >= width) yield await running.shift() as { bytes: number; found: string | undefined };
  }
  for (const last of running) yield await last;
}

async function fileDamage(
  { name, path, sizeBytes, sha256 }: { name: string; path: string; sizeBytes: number; sha256: string },
  pool: FramePool,
): Promise<string | undefined> {
  const size = sizeOf(path);
  if (size === undefined) return `${name}: it is missing`;
  if (size !== sizeBytes) return `${name}: it has ${size} bytes instead of ${sizeBytes}`;
  return (await pool.hashFile(path)).sha256 === sha256 ? undefined : `${name}: it has another SHA-256`;
}

/** "it holds parts of usr/bin/vim and 36 other files" */
function filesOf(manifest: Manifest, frame: number): string {
  const files = manifest.entries.filter((e) => e.type === "file" && e.extents.some((x) => x.frame === frame));
  const [first] = files;
  const others = files.length > 1 ? ` and ${files.length - 1} other files` : "";
  return `it holds content of ${first ? displayPath(first.path) : "no file"}${others}`;
}
