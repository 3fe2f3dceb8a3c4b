/** An artifact in a registry → a published version of this server. */
import { createPublicKey } from "node:crypto";
import type { ImageKey, TransferProgress } from "#contract/api/transfers.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import {
  decodeManifestInTurns,
  type Frame,
  type Manifest,
  manifestId,
  MAX_MANIFEST_BYTES,
  parseHeader,
  verifyManifestId,
} from "#contract/format/manifest.ts";
import { packName } from "#contract/format/sha256.ts";
import { formatRegistryReference, type RegistryReference } from "#contract/registry_reference.ts";
import { open } from "#native/open_sealed.ts";
import { completeVersion, type PublishPorts } from "../capture/publish.ts";
import type { Descriptor, Registry } from "../registry/registry.ts";
import { registryFault } from "../registry/registry_error.ts";
import { removeSync } from "../store/durable.ts";
import type { HeldLineage } from "../store/held_lineages.ts";
import type { ImageStore } from "../store/images.ts";
import type { Pack } from "../store/packs.ts";
import { diskFull } from "../store/store_error.ts";
import { verifyVersion } from "../store/verify.ts";
import { decodeArtifact, decodeReferrer, decodeSignature, SIGNATURE_TYPE } from "./artifact.ts";

/** Larger ones are not read. */
const MAX_SIGNATURE_BYTES = 16 << 10;
const MAX_SIGNATURES = 20;

interface PullContext {
  readonly store: ImageStore;
  readonly registry: Registry;
  readonly ports: PublishPorts;
  /** Digests of artifacts that are being pulled. */
  readonly underWay: Set<string>;
  readonly signal: AbortSignal;
}

interface PullOptions {
  readonly from: RegistryReference;
  readonly key: ImageKey | undefined;
  readonly onProgress: (progress: TransferProgress) => void;
  /** Called with NAME@VERSION as soon as that is proved. */
  readonly onImage: (ref: string) => void;
}

/** A version whose signature is good. Its packs are still to come. */
interface ProvedVersion {
  readonly id: string;
  readonly signature: string;
  readonly publicKey: string;
  readonly key: Uint8Array;
  readonly manifest: Manifest;
}

interface Task extends RegistryReference {
  readonly title: string;
  readonly signal: AbortSignal;
}

/**
 * Pulls a version and publishes it, signed by this server; not if it is here already. What was downloaded stays for the
 * next attempt if the registry went away. Throws RackseedError.
 */
export async function pullVersion(
  options: PullOptions,
  context: PullContext,
): Promise<{ digest: string; isNew: boolean }> {
  const { from, onProgress } = options, { store, registry, signal, underWay } = context;
  const task: Task = { ...from, title: `cannot pull ${formatRegistryReference(from)}`, signal };
  onProgress({ activity: "reading the manifest", bytesDone: 0, bytesTotal: 0, bytesSkipped: 0 });
  const { artifact, digest } = await findArtifact(registry, task);
  if (underWay.has(digest)) throw busy(task.title, "another pull of this version runs");
  underWay.add(digest);
  const staging = `${store.directory.staging}/pull-${digest.slice("sha256:".length)}`;
  let isKept = false;
  try {
    return { digest, isNew: await pullInto(staging, { artifact, digest, task, options, context }) };
  } catch (error) {
    isKept = !signal.aborted && registryFault(error) === "unreachable";
    throw error;
  } finally {
    if (!isKept) removeSync(staging);
    underWay.delete(digest);
  }
}

/** False if the version is here already. */
async function pullInto(
  staging: string,
  { artifact, digest, task, options: { key, onProgress, onImage }, context }: {
    artifact: ReturnType<typeof decodeArtifact>;
    digest: string;
    task: Task;
    options: PullOptions;
    context: PullContext;
  },
): Promise<boolean> {
  const { store, registry } = context, { title } = task;
  await Deno.mkdir(`${staging}/version`, { recursive: true, mode: 0o700 });
  const path = `${staging}/version/manifest.rsm`;
  const { digest: sealed, size: sizeBytes } = artifact.manifest;
  if (sizeBytes > MAX_MANIFEST_BYTES) throw foreign(title, `its manifest has ${sizeBytes} bytes`);
  await registry.download({ digest: sealed, sizeBytes, path }, { ...task, onProgress: () => {} });
  const proved = await prove(await Deno.readFile(path), { digest, key, task, context });
  const { image, version } = proved.manifest.header;
  refuseOther(store, { title, proved });
  onImage(`${image}@${version}`);
  const held = store.foreign.hold(image, proved.key);
  if (held === undefined) throw busy(title, `a capture or another pull adds to ${image} now`);
  try {
    if (store.refs().includes(`${image}@${version}`)) return false;
    await receive(proved, { packs: artifact.packs, staging, held, task, onProgress, context });
    return true;
  } finally {
    await held.release();
    // a key that opens nothing here must not become that of later captures
    if (!store.refs().some((ref) => ref.startsWith(`${image}@`))) store.dropUnpublished(image);
  }
}

async function findArtifact(registry: Registry, task: Task) {
  const found = await registry.getManifest(task.reference, task);
  if (found === undefined) throw missing(task, "it has no such artifact");
  try {
    return { artifact: decodeArtifact(found.bytes), digest: found.digest };
  } catch (error) {
    throw foreign(task.title, messageOf(error));
  }
}

/** Finds a signature by a trusted key over the manifest. Nothing else of the artifact is believed before. */
async function prove(
  sealed: Uint8Array,
  { digest, key: given, task, context: { store, registry } }: {
    digest: string;
    key: ImageKey | undefined;
    task: Task;
    context: PullContext;
  },
): Promise<ProvedVersion> {
  const signatures = await signaturesOf(digest, { registry, task });
  const trusted = given === undefined ? [store.signingKey.publicKey] : [
    given.publicKey,
    store.signingKey.publicKey,
  ];
  const keys = given === undefined
    ? [...new Set(store.refs().map((ref) => ref.split("@")[0] ?? ""))].flatMap((image) =>
      store.foreign.keyOf(image) ?? []
    )
    : [new Uint8Array(Buffer.from(given.key, "base64"))];
  const opened = keys.values().map((key) => ({ key, text: opens(sealed, key) })).find(({ text }) => text);
  if (opened?.text === undefined) {
    throw untrusted(
      task.title,
      given === undefined ? "no key of this server opens it" : "the image's key does not open it",
    );
  }
  const id = manifestId(opened.text);
  for (const { signature } of signatures) {
    for (const publicKey of trusted) {
      if (!isSignedBy(id, { signature, publicKey })) continue;
      const manifest = await decodeManifestInTurns(opened.text);
      return { id, signature, publicKey, key: opened.key, manifest };
    }
  }
  throw untrusted(
    task.title,
    signatures.length === 0 ? "it has no signature" : "no trusted server has signed it",
  );
}

async function signaturesOf(
  digest: string,
  { registry, task }: { registry: Registry; task: Task },
) {
  const referrers = await registry.referrers(digest, { ...task, artifactType: SIGNATURE_TYPE });
  const found = [];
  for (const referrer of referrers.slice(0, MAX_SIGNATURES)) {
    const stored = await registry.getManifest(referrer.digest, task);
    const layer = stored && decodeReferrer(stored.bytes, digest);
    if (layer === undefined || layer.size > MAX_SIGNATURE_BYTES) continue;
    const bytes = await registry.downloadBytes(layer, { ...task, maxBytes: MAX_SIGNATURE_BYTES });
    found.push(...[decodeSignature(bytes)].filter((one) => one !== undefined));
  }
  return found;
}

/** Undefined if the key is another one. */
function opens(sealed: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  try {
    const text = open(sealed, { key, maxRawBytes: MAX_MANIFEST_BYTES });
    parseHeader(Buffer.from(text.subarray(0, text.indexOf(10))).toString());
    return text;
  } catch {
    return undefined;
  }
}

function isSignedBy(id: string, by: { signature: string; publicKey: string }): boolean {
  try {
    return createPublicKey(by.publicKey).asymmetricKeyType === "ed25519" && verifyManifestId(id, by);
  } catch {
    return false;
  }
}

/** A version is pulled once, and a number means one version. */
function refuseOther(
  store: ImageStore,
  { title, proved: { id, manifest: { header: { image, version, packs } } } }: {
    title: string;
    proved: ProvedVersion;
  },
): void {
  const ref = `${image}@${version}`;
  if (store.refs().includes(ref) && store.published(ref).id !== id) {
    throw new RackseedError(title, {
      reason: `this server has another ${ref}.`,
      remedy: `delete that one first: rackseed image delete ${ref}`,
      status: 409,
    });
  }
  if (packs.some(({ key }) => key !== undefined)) throw foreign(title, "it is a node's backup");
}

/** Downloads the packs that are missing, proves every frame, and publishes. */
async function receive(
  proved: ProvedVersion,
  { packs: layers, staging, held, task, onProgress, context: { store, registry, ports, signal } }: {
    packs: ReadonlyMap<string, Descriptor>;
    staging: string;
    held: HeldLineage;
    task: Task;
    onProgress: (progress: TransferProgress) => void;
    context: PullContext;
  },
): Promise<void> {
  const { header, frames } = proved.manifest;
  const bytesTotal = header.packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const here = new Map(header.packs.flatMap(({ sha256 }) => {
    const pack = store.foreign.find(sha256);
    return pack === undefined ? [] : [[sha256, pack] as const];
  }));
  const missingBytes = header.packs.reduce((sum, p) => sum + (here.has(p.sha256) ? 0 : p.sizeBytes), 0);
  if (store.directory.roomBytes() < missingBytes) throw diskFull(task.title);
  const pathOf = ({ sha256 }: { sha256: string }) => {
    const pack = here.get(sha256);
    return pack === undefined ? `${staging}/${packName(sha256)}` : store.directory.pack(pack);
  };
  using _ = await store.packSource.hold([...here.values()].map((pack) => store.directory.pack(pack)));
  let done = 0, skipped = 0;
  for (const pack of header.packs) {
    const { sha256, sizeBytes } = pack, digest = `sha256:${sha256}`;
    const report = (bytes: number) =>
      onProgress({
        activity: `downloading ${packName(sha256)}`,
        bytesDone: done + bytes,
        bytesTotal,
        bytesSkipped: skipped,
      });
    if (here.has(sha256)) skipped += sizeBytes;
    else {
      if (layers.get(digest)?.size !== sizeBytes) throw foreign(task.title, `it lacks the pack ${sha256}`);
      await registry.download({ digest, sizeBytes, path: pathOf(pack) }, { ...task, onProgress: report });
    }
    done += sizeBytes;
    report(0);
  }
  const progress = { bytesDone: done, bytesTotal, bytesSkipped: skipped };
  onProgress({ activity: "verifying", ...progress });
  await verify(proved, { task, staging, pathOf, store });

  const taken: (Pack & { sha256: string })[] = [];
  for (const [i, { sha256, sizeBytes }] of header.packs.entries()) {
    signal.throwIfAborted();
    const mine: Frame[] = frames.filter(({ pack }) => pack === i);
    const known = here.get(sha256);
    if (known !== undefined) await store.foreign.addFrames(known, mine);
    const path = `${staging}/${packName(sha256)}`;
    const pack = known ?? await store.foreign.take(held.lineage, { path, sizeBytes, frames: mine });
    taken.push({ ...pack, sha256 });
  }
  const paths = taken.map((pack) => store.directory.pack(store.packs.get(pack.id) ?? pack));
  await completeVersion({
    lineage: held.lineage,
    id: proved.id,
    manifest: proved.manifest,
    packs: taken,
    paths,
    stagingPath: `${staging}/version`,
    signal,
    onActivity: (activity) => onProgress({ activity, ...progress }),
  }, { store, ports });
}

/** Opens every frame and hashes every extent: what is published here is as sound as a capture. */
async function verify(
  { id, signature, publicKey, key, manifest: { header } }: ProvedVersion,
  { task, staging, pathOf, store }: {
    task: Task;
    staging: string;
    pathOf: (pack: { sha256: string }) => string;
    store: ImageStore;
  },
): Promise<void> {
  const folder = `${staging}/version`;
  const manifest = { name: "manifest.rsm", path: `${folder}/manifest.rsm`, sizeBytes: 0 };
  const packs = header.packs.map((pack) => ({
    name: packName(pack.sha256),
    path: pathOf(pack),
    sizeBytes: pack.sizeBytes,
  }));
  const version = { id, signature, publicKey, key, folder, files: [], payload: [manifest, ...packs] };
  for await (const event of verifyVersion(version, store.pool)) {
    task.signal.throwIfAborted();
    if (event.type === "damage") throw foreign(task.title, `it is damaged: ${event.what}`);
  }
}

function busy(title: string, reason: string): RackseedError {
  return new RackseedError(title, {
    reason: `${reason}.`,
    remedy: "wait until it is done, then pull again.",
    status: 409,
  });
}

function missing({ title }: Task, reason: string): RackseedError {
  return new RackseedError(title, {
    reason: `${reason}.`,
    remedy: "check the repository's name and the tag.",
    status: 404,
  });
}

function foreign(title: string, reason: string): RackseedError {
  return new RackseedError(title, {
    reason: `${reason}.`,
    remedy: "push the version again from its server: rackseed image push",
    status: 409,
  });
}

function untrusted(title: string, reason: string): RackseedError {
  return new RackseedError(title, {
    reason: `${reason}.`,
    remedy:
      "get the image's key from its server (rackseed image key NAME -o FILE), and name it: --key-file FILE",
    status: 409,
  });
}
