/** Copies the files of a version from the upstream, over the same HTTPS as all else, piece by verified piece. */
import type { OfferedImage } from "#contract/api/sites.ts";
import { API } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { isPackName, sha256OfPack } from "#contract/format/sha256.ts";
import { type Metainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import type { PeerNetwork } from "#torrent/session/peer_listener.ts";
import { Swarm } from "#torrent/session/swarm.ts";
import { FileStorage } from "#torrent/storage/file_storage.ts";
import { existsSync } from "node:fs";
import type { DataDirectory } from "../store/data_directory.ts";
import { sizeOf } from "../store/durable.ts";

const PROGRESS_MS = 500;

export interface WantedVersion {
  readonly image: Omit<OfferedImage, "versions">;
  readonly version: OfferedImage["versions"][number];
}

export interface FetchedVersion {
  readonly metainfo: Metainfo;
  /** Holds the torrent's files. */
  readonly folder: string;
}

/** The folder of a version that is being copied: by its id, so that another version of that number is another folder. */
export function mirrorFolder(directory: DataDirectory, { version }: WantedVersion): string {
  return `${directory.mirror}/${version.id}`;
}

/** Resumes with the pieces that an earlier call left. Throws RackseedError, or the signal's reason. */
export async function fetchVersion(
  wanted: WantedVersion,
  { client, directory, network, limit, onProgress, signal }: {
    client: ApiClient;
    directory: DataDirectory;
    network: PeerNetwork;
    limit: RateLimit;
    onProgress: (doneBytes: number, totalBytes: number) => void;
    signal: AbortSignal;
  },
): Promise<FetchedVersion> {
  const ref = `${wanted.image.image}@${wanted.version.version}`, folder = mirrorFolder(directory, wanted);
  const metainfo = await fetchTorrent(ref, { client, signal });
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { name, length } of metainfo.info.files) shareFile(name, { length, folder, directory });
  assertRoom(ref, { metainfo, folder, directory });
  using storage = FileStorage.open(metainfo.map, folder);
  const have = await storage.verify(metainfo, signal);
  const path = `/relay/packs/${encodeURIComponent(ref)}/`;
  const swarm = Swarm.start({
    metainfo,
    storage,
    have,
    network,
    trackers: [],
    webSeeds: [],
    webSeedsFirst: true,
    httpsFallback: {
      url: new URL(API + path, client.server).href,
      request: ({ torrent, file }, { rangeHeader, signal }) =>
        client.send("GET", `${path}${encodeURIComponent(torrent)}/${encodeURIComponent(file)}`, {
          range: rangeHeader,
          signal,
        }),
    },
    downloadLimit: limit,
    signal,
  });
  const total = metainfo.map.totalLength;
  const report = () => onProgress(total - swarm.stats().leftBytes, total);
  const timer = setInterval(report, PROGRESS_MS);
  try {
    report();
    await swarm.done;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
    await swarm.close();
  }
  return { metainfo, folder };
}

async function fetchTorrent(
  ref: string,
  { client, signal }: { client: ApiClient; signal: AbortSignal },
): Promise<Metainfo> {
  const response = await client.send("GET", `/relay/torrents/${encodeURIComponent(ref)}`, { signal });
  const metainfo = parseMetainfo(await response.bytes());
  const stranger = metainfo.info.files.find(({ name }) => name !== "manifest.rsm" && !isPackName(name));
  if (stranger === undefined) return metainfo;
  throw new RackseedError(`cannot mirror ${ref}`, {
    reason: `its torrent names ${stranger.name}, which is no file of a version.`,
    remedy: "use the same version of rackseed on both sides (`rackseed version`).",
  });
}

/** A pack that other versions here use is not copied again. What is damaged of it is: verified bytes replace it. */
function shareFile(
  name: string,
  { length, folder, directory }: { length: number; folder: string; directory: DataDirectory },
): void {
  if (!isPackName(name) || existsSync(`${folder}/${name}`)) return;
  const known = directory.pack({ id: 0, sha256: sha256OfPack(name) });
  if (sizeOf(known) === length) Deno.linkSync(known, `${folder}/${name}`);
}

/** Throws RackseedError if what is missing does not fit. */
function assertRoom(
  ref: string,
  { metainfo, folder, directory }: { metainfo: Metainfo; folder: string; directory: DataDirectory },
): void {
  const needed = metainfo.info.files.reduce((sum, { name, length }) => {
    const stored = existsSync(`${folder}/${name}`) ? Deno.statSync(`${folder}/${name}`).blocks ?? 0 : 0;
    return sum + Math.max(0, length - stored * 512);
  }, 0);
  const room = directory.roomBytes();
  if (needed <= room) return;
  throw new RackseedError(`cannot mirror ${ref}`, {
    reason: `it needs ${needed} bytes more, and the data directory has room for ${Math.floor(room)}.`,
    remedy: "free some space there, or assign fewer images to the site.",
    status: 507,
  });
}
