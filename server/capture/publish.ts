import { createHash } from "node:crypto";
import type { CaptureHeader } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import {
  FORMAT,
  FORMAT_VERSION,
  type Header,
  manifestId,
  signManifestId,
} from "#contract/format/manifest.ts";
import { packName } from "#contract/format/sha256.ts";
import { writeSynced } from "../store/durable.ts";
import type { FormerVersion } from "../store/former_version.ts";
import type { HeldLineage, ImageStore } from "../store/images.ts";
import type { Pack, StoredFrame } from "../store/packs.ts";
import { VersionReader } from "../store/version_reader.ts";
import type { VersionFile } from "../store/versions.ts";
import type { Draft } from "./draft.ts";

/** One thread compresses it while all others wait: higher levels make a version 0.1 % smaller. */
const MANIFEST_LEVEL = 3;

/** What others of the server do for a new version. */
export interface PublishPorts {
  /**
   * The private torrent of these files, in this order. `parent`: the former version's, whose pieces need not be
   * hashed again. `infoHash`: 40 hexadecimal digits.
   */
  makeTorrent(
    files: readonly { name: string; path: string; sizeBytes: number }[],
    options: { parent: Uint8Array | undefined },
  ): Promise<{ metainfo: Uint8Array; infoHash: string }>;
  /**
   * Writes `vmlinuz` and `initrd-image` into the folder where the image has what a machine needs to boot; takes those
   * of the former version where they would be the same.
   */
  makeBoot(
    reader: VersionReader,
    options: { folder: string; former: FormerVersion | undefined },
  ): Promise<{ bootable: boolean; notes: readonly string[] }>;
}

interface Publication {
  readonly draft: Draft;
  readonly header: CaptureHeader;
  readonly held: HeldLineage;
  readonly level: number;
  readonly stagingPath: string;
  readonly signal: AbortSignal;
  /** Says what is done now. */
  readonly onActivity: (activity: string) => void;
}

/**
 * Turns a complete draft into a visible version: proves all that is new from the disk, makes and signs the
 * manifest, has torrent and boot files made, and publishes all of it at once. Returns the version's number.
 */
export async function publishVersion(
  publication: Publication,
  { store, ports }: { store: ImageStore; ports: PublishPorts },
): Promise<number> {
  const { draft, held, level, stagingPath, signal, onActivity } = publication;
  const { lineage } = held;
  onActivity("verifying what was stored");
  const packs: (Pack & { sha256: string })[] = [];
  for (const pack of draft.packs) {
    packs.push(await proven(store.packs.get(pack), { store, held }));
    signal.throwIfAborted();
  }

  onActivity("writing the manifest");
  const { version, parent } = store.nextVersion(lineage);
  const former = store.former(lineage);
  const header = headerOf(publication, {
    version,
    parent,
    packs: packs.map((pack) => {
      const { sha256, sizeBytes } = pack;
      const key = store.lentKey(pack, held);
      return { sha256, sizeBytes, ...(key && { key: Buffer.from(key).toString("base64") }) };
    }),
  });
  const text = draft.encode(header);
  const id = manifestId(text);
  const headerLine = JSON.stringify(header);
  const sealed = await store.pool.seal(text, { key: lineage.key, level: Math.min(level, MANIFEST_LEVEL) });
  await Deno.mkdir(stagingPath, { recursive: true, mode: 0o700 });
  const manifestPath = `${stagingPath}/manifest.rsm`;
  await writeSynced(manifestPath, sealed);
  signal.throwIfAborted();

  onActivity("making the torrent");
  // until it is published, a new pack bears its first name
  const paths = packs.map((pack) => store.directory.pack(store.packs.get(pack.id) ?? pack));
  // packs first, the oldest before all others: so the torrent begins as its parent's did
  const { metainfo, infoHash } = await ports.makeTorrent([
    ...packs.map(({ sha256, sizeBytes }, i) => ({
      name: packName(sha256),
      path: paths[i] as string,
      sizeBytes,
    })),
    { name: "manifest.rsm", path: manifestPath, sizeBytes: sealed.length },
  ], { parent: await former?.read("torrent") });
  await writeSynced(`${stagingPath}/torrent`, metainfo);
  signal.throwIfAborted();

  onActivity("building the boot files");
  using reader = new VersionReader(draft.manifest(header), { packs: paths, key: lineage.key });
  const { bootable, notes } = await ports.makeBoot(reader, { folder: stagingPath, former });
  signal.throwIfAborted();

  onActivity("publishing");
  const signature = signManifestId(id, store.signingKey.privateKey);
  const files = await filesOf(stagingPath);
  const record = { version, id, signature, infoHash, headerLine, bootable, bootNotes: notes, files };
  await store.publish({ lineage, record, packs, stagingPath, signal });
  return version;
}

/**
 * The pack with its hash. A part is read back: every frame is opened, every extent hashed. What is damaged is
 * forgotten, so that the next capture sends it again.
 */
async function proven(
  pack: Pack | undefined,
  { store, held }: { store: ImageStore; held: HeldLineage },
): Promise<Pack & { sha256: string }> {
  if (pack === undefined) throw new Error("a pack of this capture is not in the database");
  const { sha256 } = pack;
  if (sha256 !== null) return { ...pack, sha256 };
  const path = store.directory.pack(pack);
  const hashed = held.prover.hash(pack);
  const damaged: StoredFrame[] = [];
  const frames = store.packs.frames(pack.id).values();
  const check = async () => {
    for (const frame of frames) if (await held.prover.prove(pack, frame) !== undefined) damaged.push(frame);
  };
  const [hash] = await Promise.all([hashed, ...Array.from({ length: store.pool.size * 2 }, check)]);
  if (damaged.length > 0 || hash.sizeBytes !== pack.sizeBytes) {
    for (const { id } of damaged) store.packs.deleteFrame(id);
    throw new RackseedError(`cannot publish a version of ${held.lineage.image}`, {
      reason: `${damaged.length} frames of ${path} are not what was written there.`,
      remedy: "check the disk of the data directory and the server's memory; then capture again.",
    });
  }
  return { ...pack, sha256: hash.sha256 };
}

function headerOf(
  { header, draft, held }: Publication,
  { version, parent, packs }: {
    version: number;
    parent: number | undefined;
    packs: Header["packs"];
  },
): Header {
  return {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    image: held.lineage.image,
    version,
    ...(parent !== undefined && { parent }),
    created: new Date().toISOString(),
    ...(header.source && { source: header.source }),
    ...(header.layout && { layout: header.layout }),
    excludes: header.excludes,
    notes: header.notes,
    totals: draft.totals,
    packs,
    frames: draft.frames,
  };
}

/** The small files of the version's folder, so that `verify` can prove them. */
async function filesOf(folder: string): Promise<VersionFile[]> {
  const files: VersionFile[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const bytes = await Deno.readFile(`${folder}/${name}`);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    files.push({ name, sizeBytes: bytes.length, sha256 });
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}
