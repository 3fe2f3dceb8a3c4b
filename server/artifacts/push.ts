/** A published version → an artifact in a registry. */
import type { TransferProgress } from "#contract/api/transfers.ts";
import { RackseedError } from "#contract/errors.ts";
import { formatRegistryReference, type RegistryReference } from "#contract/registry_reference.ts";
import { sha256OfPack } from "#contract/format/sha256.ts";
import { digestOf, MANIFEST, type Registry } from "../registry/registry.ts";
import type { ImageStore } from "../store/images.ts";
import type { PublishedVersion } from "../store/versions.ts";
import {
  type ArtifactFile,
  EMPTY_CONFIG,
  encodeArtifact,
  encodeReferrer,
  encodeSignature,
  referrerDescriptor,
} from "./artifact.ts";

interface PushContext {
  readonly store: Pick<ImageStore, "published" | "holdPacks">;
  readonly registry: Registry;
  /** Other repositories of a registry that may have blobs of versions. */
  readonly mountFrom: (to: RegistryReference) => readonly string[];
  readonly signal: AbortSignal;
}

/** Pushes NAME@VERSION; what the registry has already is not sent. Returns the digest. Throws RackseedError. */
export async function pushVersion(
  ref: string,
  { to, onProgress }: { to: RegistryReference; onProgress: (progress: TransferProgress) => void },
  { store, registry, mountFrom, signal }: PushContext,
): Promise<string> {
  const version = store.published(ref);
  refuseBackups(version);
  const title = `cannot push ${ref} to ${formatRegistryReference(to)}`;
  const task = { ...to, title, signal };
  const files = filesOf(version);
  const bytesTotal = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0, skipped = 0;
  using _ = await store.holdPacks(version);
  for (const { name, path, sha256, sizeBytes } of files) {
    const report = (bytes: number) =>
      onProgress({
        activity: `uploading ${name}`,
        bytesDone: done + bytes,
        bytesTotal,
        bytesSkipped: skipped,
      });
    report(0);
    const blob = { path, sizeBytes, digest: `sha256:${sha256}` };
    const wasSent = await registry.upload(blob, { ...task, mountFrom: mountFrom(to), onProgress: report });
    done += sizeBytes;
    if (!wasSent) skipped += sizeBytes;
    report(0);
  }
  onProgress({ activity: "writing the manifest", bytesDone: done, bytesTotal, bytesSkipped: skipped });
  return await writeManifests(version, { ref, files, registry, task });
}

/** The artifact's manifest goes last: once it can be seen, everything that it names is there, and so is its signature. */
async function writeManifests(
  { id, signature, publicKey, header: { created } }: PublishedVersion,
  { ref, files, registry, task }: {
    ref: string;
    files: readonly [ArtifactFile, ...ArtifactFile[]];
    registry: Registry;
    task: RegistryReference & { title: string; signal: AbortSignal };
  },
): Promise<string> {
  const subject = encodeArtifact({ ref, created, files });
  const digest = digestOf(subject);
  const signed = encodeSignature({ id, signature, publicKey });
  await registry.uploadBytes(EMPTY_CONFIG, task);
  await registry.uploadBytes(signed, task);
  const referrer = encodeReferrer({ subject, signature: signed, created });
  const put = { ...task, mediaType: MANIFEST };
  // a subject may be named before it exists ("Pushing Manifests with Subject")
  const isListed = await registry.putManifest(digestOf(referrer), { ...put, bytes: referrer });
  await registry.putManifest(digest, { ...put, bytes: subject });
  if (!isListed) await registry.listReferrer(digest, { ...task, descriptor: referrerDescriptor(referrer) });
  if (task.reference !== digest) await registry.putManifest(task.reference, { ...put, bytes: subject });
  return digest;
}

function filesOf(
  { files, payload: [manifest, ...packs] }: PublishedVersion,
): [ArtifactFile & { path: string }, ...(ArtifactFile & { path: string })[]] {
  const sealed = files.find(({ name }) => name === manifest?.name);
  if (manifest === undefined || sealed === undefined) throw new Error("a version without its manifest");
  return [
    { ...manifest, ...sealed },
    ...packs.map((pack) => ({ ...pack, sha256: sha256OfPack(pack.name) })),
  ];
}

/** A backup is its node's own, and its packs are partly those of the image. */
function refuseBackups({ image, version, backupOf, header }: PublishedVersion): void {
  if (backupOf === undefined && header.packs.every(({ key }) => key === undefined)) return;
  throw new RackseedError(`cannot push ${image}@${version}`, {
    reason: `it is a backup of ${backupOf ?? "a node"}, which holds that node's secrets.`,
    remedy: "push the node's image instead.",
    status: 409,
  });
}
