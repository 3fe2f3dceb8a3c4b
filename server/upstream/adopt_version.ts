/** Makes a copied version this server's: everything is proved, then it is published as it was at the upstream. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import {
  decodeManifestInTurns,
  type Frame,
  type Manifest,
  manifestId,
  MAX_MANIFEST_BYTES,
  verifyManifestId,
} from "#contract/format/manifest.ts";
import { packName } from "#contract/format/sha256.ts";
import { open } from "#native/open_sealed.ts";
import { toHex } from "#torrent/metainfo/hex.ts";
import { encodeMetainfo } from "#torrent/metainfo/metainfo.ts";
import { filesOf, type PublishPorts } from "../capture/publish.ts";
import type { SwarmAddresses } from "../fleet/ports.ts";
import { removeSync, writeSynced } from "../store/durable.ts";
import type { ImageStore } from "../store/images.ts";
import type { Lineage } from "../store/lineages.ts";
import type { Pack } from "../store/packs.ts";
import { VersionReader } from "../store/version_reader.ts";
import type { FetchedVersion, WantedVersion } from "./fetch_version.ts";

interface AdoptPorts {
  readonly store: ImageStore;
  readonly makeBoot: PublishPorts["makeBoot"];
  /** This server's own: the torrent keeps its identity, but names where nodes of the site fetch it. */
  readonly swarm: SwarmAddresses;
  readonly signal: AbortSignal;
}

/** Throws RackseedError if anything differs from what the upstream has signed; nothing is then visible. */
export async function adoptVersion(
  wanted: WantedVersion,
  { metainfo, folder }: FetchedVersion,
  { store, makeBoot, swarm, signal }: AdoptPorts,
): Promise<void> {
  const { image, version } = wanted, key = Buffer.from(image.key, "base64");
  const { manifest, headerLine } = await provenManifest(wanted, { folder, key });
  // parts that an interrupted call left
  store.dropUnpublished(image.image);
  const lineage = store.lineages.mirrored(image.image, { key, publicKey: image.publicKey });
  const packs: (Pack & { sha256: string })[] = [];
  for (const [i, { sha256, sizeBytes }] of manifest.header.packs.entries()) {
    const frames = manifest.frames.filter(({ pack }) => pack === i);
    packs.push(await registerPack({ sha256, sizeBytes, frames }, { store, lineage, folder, wanted }));
    signal.throwIfAborted();
  }

  const stagingPath = `${store.directory.staging}/mirror-${version.id}`;
  removeSync(stagingPath);
  Deno.mkdirSync(stagingPath, { mode: 0o700 });
  try {
    Deno.linkSync(`${folder}/manifest.rsm`, `${stagingPath}/manifest.rsm`);
    await writeSynced(`${stagingPath}/torrent`, encodeMetainfo(metainfo.info, swarm));
    const known = packs.flatMap(({ id }) => store.packs.get(id) ?? []).filter(({ sha256 }) =>
      sha256 !== null
    );
    using _packs = await store.packSource.hold(known.map((pack) => store.directory.pack(pack)));
    const paths = packs.map((pack) => store.directory.pack(store.packs.get(pack.id) ?? pack));
    using reader = new VersionReader(manifest, { packs: paths, key });
    const boot = await makeBoot(reader, { folder: stagingPath, previous: store.previous(lineage) });
    const record = {
      version: version.version,
      id: version.id,
      signature: version.signature,
      infoHash: toHex(metainfo.infoHash),
      headerLine,
      bootable: boot.bootable,
      bootNotes: boot.notes,
      files: await filesOf(stagingPath),
    };
    await store.publish({ lineage, record, packs, stagingPath, signal });
  } finally {
    removeSync(stagingPath);
  }
  removeSync(folder);
}

/** The manifest that the upstream has signed. Throws RackseedError. */
async function provenManifest(
  { image, version }: WantedVersion,
  { folder, key }: { folder: string; key: Uint8Array },
): Promise<{ manifest: Manifest; headerLine: string }> {
  const ref = `${image.image}@${version.version}`;
  try {
    const bytes = open(await Deno.readFile(`${folder}/manifest.rsm`), {
      key,
      maxRawBytes: MAX_MANIFEST_BYTES,
    });
    if (manifestId(bytes) !== version.id) throw new RangeError("it is another version's");
    if (!verifyManifestId(version.id, { signature: version.signature, publicKey: image.publicKey })) {
      throw new RangeError("its signature is not by the upstream's key");
    }
    const manifest = await decodeManifestInTurns(bytes), { header } = manifest;
    if (header.image !== image.image || header.version !== version.version) {
      throw new RangeError(`it is of ${header.image}@${header.version}`);
    }
    if (header.packs.some((pack) => pack.key !== undefined)) {
      throw new RangeError("it uses packs of another image");
    }
    return { manifest, headerLine: new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(10))) };
  } catch (error) {
    throw refused(ref, `the manifest cannot be accepted: ${messageOf(error)}.`);
  }
}

/** The pack in the store, if need be as a part that the publication completes. Throws RackseedError. */
async function registerPack(
  { sha256, sizeBytes, frames }: { sha256: string; sizeBytes: number; frames: readonly Frame[] },
  { store, lineage, folder, wanted: { image, version } }: {
    store: ImageStore;
    lineage: Lineage;
    folder: string;
    wanted: WantedVersion;
  },
): Promise<Pack & { sha256: string }> {
  const known = store.foreign.find(sha256);
  if (known?.lineage === lineage.id) return { ...known, sha256 };
  const path = `${folder}/${packName(sha256)}`;
  const found = await store.pool.hashFile(path);
  if (known !== undefined || found.sha256 !== sha256 || found.sizeBytes !== sizeBytes) {
    // it is fetched again
    removeSync(path);
    throw refused(`${image.image}@${version.version}`, `the pack ${sha256} is not what its manifest names.`);
  }
  return { ...await store.foreign.take(lineage, { path, sizeBytes, frames }), sha256 };
}

function refused(ref: string, reason: string): RackseedError {
  return new RackseedError(`cannot mirror ${ref}`, {
    reason,
    remedy: "see whether the version is sound at the upstream: rackseed image verify " + ref,
  });
}
