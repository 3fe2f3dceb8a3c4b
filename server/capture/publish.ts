import { createHash } from "node:crypto";
import type { CaptureHeader } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import {
  FORMAT,
  FORMAT_VERSION,
  type Header,
  type Manifest,
  manifestId,
  signManifestId,
} from "#contract/format/manifest.ts";
import { packName } from "#contract/format/sha256.ts";
import { withUnsharedBytes } from "#contract/format/unshared_bytes.ts";
import { writeSynced } from "../store/durable.ts";
import type { PreviousVersion } from "../store/previous_version.ts";
import type { HeldLineage } from "../store/held_lineages.ts";
import type { ImageStore } from "../store/images.ts";
import type { Lineage } from "../store/lineages.ts";
import type { Pack } from "../store/packs.ts";
import { VersionReader } from "../store/version_reader.ts";
import type { VersionFile } from "../store/versions.ts";
import type { Draft } from "./draft.ts";

/** Low, because one thread compresses the manifest while all others wait; a higher level saves 0.1 % of a version. */
const MANIFEST_LEVEL = 3;

/** Other parts of the server that contribute to a new version. */
export interface PublishPorts {
  /**
   * The private torrent of these files, in this order. `parent`: the previous version's, whose pieces need not be
   * hashed again. `infoHash`: 40 hexadecimal digits.
   */
  makeTorrent(
    files: readonly { name: string; path: string; sizeBytes: number }[],
    options: { parent: Uint8Array | undefined },
  ): Promise<{ metainfo: Uint8Array; infoHash: string }>;
  /**
   * Writes `vmlinuz` and `initrd-image` into the folder if the image has what a machine needs to boot. Reuses those of
   * the previous version if they would be the same.
   */
  makeBoot(
    reader: VersionReader,
    options: { folder: string; previous: PreviousVersion | undefined },
  ): Promise<{ bootable: boolean; notes: readonly string[] }>;
}

interface Publication {
  readonly draft: Draft;
  readonly header: CaptureHeader;
  readonly held: HeldLineage;
  readonly level: number;
  readonly stagingPath: string;
  readonly signal: AbortSignal;
  /** Reports the current activity. */
  readonly onActivity: (activity: string) => void;
}

/**
 * Turns a complete draft into a visible version: checks on the disk everything that is new, writes and signs the
 * manifest, has the torrent and the boot files made, and publishes it all at once. Returns the version's number.
 */
export async function publishVersion(
  publication: Publication,
  { store, ports }: { store: ImageStore; ports: PublishPorts },
): Promise<number> {
  const { draft, held, stagingPath, signal, onActivity } = publication;
  const { lineage } = held;
  onActivity("verifying stored frames");
  const known = draft.packs.flatMap((id) => store.packs.get(id) ?? []);
  using _packs = await store.packSource.hold(
    known.filter(({ sha256 }) => sha256 !== null).map((pack) => store.directory.pack(pack)),
  );
  const packs: (Pack & { sha256: string })[] = [];
  for (const pack of draft.packs) {
    packs.push(await proven(store.packs.get(pack), { store, held }));
    signal.throwIfAborted();
  }

  onActivity("writing the manifest");
  const manifest = await writeManifest(publication, { store, packs });
  signal.throwIfAborted();

  // until it is published, a new pack has its first name
  const paths = packs.map((pack) => store.directory.pack(store.packs.get(pack.id) ?? pack));
  await completeVersion({
    lineage,
    id: manifest.id,
    manifest: draft.manifest(manifest.header),
    packs,
    paths,
    stagingPath,
    signal,
    onActivity,
  }, { store, ports });
  return manifest.header.version;
}

/**
 * Publishes a version whose manifest is in the staging folder: makes its torrent and its boot files, and signs it. The
 * content is not checked again.
 */
export async function completeVersion(
  { lineage, id, manifest, packs, paths, stagingPath, signal, onActivity }: {
    lineage: Lineage;
    id: string;
    manifest: Manifest;
    packs: readonly (Pack & { readonly sha256: string })[];
    /** Where the packs are now. */
    paths: readonly string[];
  } & Pick<Publication, "stagingPath" | "signal" | "onActivity">,
  { store, ports }: { store: ImageStore; ports: PublishPorts },
): Promise<void> {
  onActivity("making the torrent");
  const { header } = manifest, { version } = header;
  const sealed = `${stagingPath}/manifest.rsm`;
  const previous = store.previous(lineage);
  // packs first, oldest first, so that the torrent begins like its parent
  const payload = [
    ...packs.map(({ sha256, sizeBytes }, i) => ({
      name: packName(sha256),
      path: paths[i] as string,
      sizeBytes,
    })),
    { name: "manifest.rsm", path: sealed, sizeBytes: (await Deno.stat(sealed)).size },
  ];
  const parent = await previous?.read("torrent");
  const { metainfo, infoHash } = await ports.makeTorrent(payload, { parent });
  await writeSynced(`${stagingPath}/torrent`, metainfo);
  signal.throwIfAborted();

  onActivity("building the boot files");
  using reader = new VersionReader(manifest, { packs: paths, key: lineage.key });
  const { bootable, notes } = await ports.makeBoot(reader, { folder: stagingPath, previous });
  signal.throwIfAborted();

  onActivity("publishing");
  const signature = signManifestId(id, store.signingKey.privateKey);
  const headerLine = JSON.stringify(header);
  const files = await filesOf(stagingPath);
  const record = { version, id, signature, infoHash, headerLine, bootable, bootNotes: notes, files };
  await store.publish({ lineage, record, packs, stagingPath, signal });
}

/** Writes the sealed manifest into the staging folder. */
async function writeManifest(
  publication: Publication,
  { store, packs }: { store: ImageStore; packs: readonly (Pack & { readonly sha256: string })[] },
): Promise<{ header: Header; id: string }> {
  const { draft, held, level, stagingPath } = publication;
  const header = withSharing(
    draft,
    headerOf(publication, {
      ...store.nextVersion(held.lineage),
      packs: packs.map((pack) => {
        const { sha256, sizeBytes } = pack;
        const key = store.lentKey(pack, held);
        return { sha256, sizeBytes, ...(key && { key: Buffer.from(key).toString("base64") }) };
      }),
    }),
  );
  const text = draft.encode(header);
  const id = manifestId(text);
  const options = { key: held.lineage.key, level: Math.min(level, MANIFEST_LEVEL) };
  const sealed = await store.pool.seal(text, options);
  await Deno.mkdir(stagingPath, { recursive: true, mode: 0o700 });
  await writeSynced(`${stagingPath}/manifest.rsm`, sealed);
  return { header, id };
}

/**
 * The pack with its hash. A part is read back, and every frame authenticated. Damaged frames are dropped, so that the
 * next capture sends them again.
 */
async function proven(
  pack: Pack | undefined,
  { store, held }: { store: ImageStore; held: HeldLineage },
): Promise<Pack & { sha256: string }> {
  if (pack === undefined) throw new Error("a pack of this capture is not in the database");
  const { sha256 } = pack;
  if (sha256 !== null) return { ...pack, sha256 };
  const proof = await held.prover.finish(pack.id), { damaged } = proof;
  if (damaged.length > 0 || proof.sizeBytes !== pack.sizeBytes) {
    for (const { id } of damaged) store.packs.deleteFrame(id);
    throw new RackseedError(`cannot publish a version of ${held.lineage.image}`, {
      reason: `${damaged.length} frames of ${store.directory.pack(pack)} differ from what was written.`,
      remedy: "check the disk of the data directory and the server's memory; then capture again.",
    });
  }
  return { ...pack, sha256: proof.sha256 };
}

/** A plan needs to know how much room files take that share their content on the template. */
function withSharing(draft: Draft, header: Header): Header {
  if (!header.layout) return header;
  const fileSystems = withUnsharedBytes(header.layout.fileSystems, draft.manifest(header));
  return { ...header, layout: { ...header.layout, fileSystems } };
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

/** The small files of the version's folder with their hashes, for `verify`. */
export async function filesOf(folder: string): Promise<VersionFile[]> {
  const files: VersionFile[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const bytes = await Deno.readFile(`${folder}/${name}`);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    files.push({ name, sizeBytes: bytes.length, sha256 });
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}
