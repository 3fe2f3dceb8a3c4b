/** Joins the swarm of an image: ahead of time, while the target is still being prepared, or when it is ready. */
import type { Enrolled } from "../../steps/enrol.ts";
import type { SwarmTerms } from "../../steps/swarm_terms.ts";
import type { Journal } from "../records/journal.ts";
import { Download } from "./download.ts";
import type { JoinedImage } from "./image_download.ts";
import { httpsPacks } from "./https_packs.ts";
import { memoryFor } from "./pack_store.ts";
import { awaitDisk } from "./safe_frames.ts";
import { type FetchedTorrent, fetchTorrent } from "./torrent_file.ts";
import { watchDownload } from "./watch_download.ts";

/** The joined swarm and its manifest. */
interface JoinedSwarm extends JoinedImage {
  readonly download: Download;
}

interface SwarmJoinOptions {
  readonly enrolled: Enrolled;
  readonly terms: SwarmTerms;
}

interface Prefetched {
  readonly torrent: FetchedTorrent;
  readonly manifestOnly: boolean;
  /** Undefined if the packs do not fit into memory. */
  readonly swarm: JoinedSwarm | undefined;
}

export class SwarmJoin implements AsyncDisposable {
  readonly #options: SwarmJoinOptions;
  readonly #closing = new AbortController();
  #prefetching: Promise<Prefetched> | undefined;

  constructor(options: SwarmJoinOptions) {
    this.#options = options;
  }

  /**
   * Starts to fetch the torrent and the manifest; `join` continues from there. If the packs do not fit into memory,
   * only the torrent is fetched, since the packs have no place yet. `writes`: whether the target will be written to.
   */
  begin({ memory, writes, manifestOnly, signal: outer }: {
    memory: string;
    writes: boolean;
    manifestOnly: boolean;
    signal: AbortSignal;
  }): void {
    const signal = AbortSignal.any([outer, this.#closing.signal]);
    const prefetch = async (): Promise<Prefetched> => {
      const torrent = await fetchTorrent(this.#options.enrolled, { signal });
      const place = await memoryFor(torrent.metainfo.map.totalLength, { memory, writes });
      const swarm = place === undefined
        ? undefined
        : await this.#start(torrent, { place, manifestOnly, signal });
      return { torrent, manifestOnly, swarm };
    };
    this.#prefetching = prefetch();
    // `join` throws its error
    this.#prefetching.catch(() => {});
  }

  /**
   * The swarm that `begin` joined, or a fresh one. The caller disposes the download. `memory`: a directory in memory
   * for the packs; packs that do not fit go to the journal's folder. `manifestOnly`: fetch nothing else yet.
   */
  async join({ memory, journal, manifestOnly, signal }: {
    memory: string | undefined;
    journal: Journal | undefined;
    manifestOnly: boolean;
    signal: AbortSignal;
  }): Promise<{ torrent: FetchedTorrent; swarm: JoinedSwarm }> {
    const prefetched = await this.#prefetching;
    this.#prefetching = undefined;
    const torrent = prefetched?.torrent ?? await fetchTorrent(this.#options.enrolled, { signal });
    if (prefetched?.swarm === undefined) {
      const { totalLength } = torrent.metainfo.map;
      const place = memory && await memoryFor(totalLength, { memory, writes: journal !== undefined });
      return { torrent, swarm: await this.#start(torrent, { place, journal, manifestOnly, signal }) };
    }
    const { swarm } = prefetched, { download, manifest } = swarm;
    // the restore turned out to be impossible, so the whole image is needed after all
    if (prefetched.manifestOnly && !manifestOnly) {
      await orDispose(download, () => download.fetchOnly(manifest.frames.keys(), manifest));
    }
    return { torrent, swarm };
  }

  /** Joins for the manifest, and for the rest unless `manifestOnly`. `place`: in memory, for the packs. */
  async #start({ metainfo }: FetchedTorrent, { place, journal, manifestOnly, signal }: {
    place?: string | undefined;
    journal?: Journal | undefined;
    manifestOnly: boolean;
    signal: AbortSignal;
  }): Promise<JoinedSwarm> {
    const { enrolled, terms } = this.#options, { order, key } = enrolled;
    const download = await Download.start(metainfo, {
      order,
      terms,
      packs: place === undefined && journal ? { lasting: journal.packs } : { temporary: place ?? "/tmp" },
      manifestOnly,
      httpsFallback: httpsPacks(enrolled),
      signal: this.#closing.signal,
    });
    return await orDispose(download, async () => {
      const work = download.manifest(order, { key, signal });
      const manifest = await watchDownload(download, { work, tick: () => {}, signal });
      if (place !== undefined) awaitDisk(download);
      return { download, inMemory: place !== undefined, manifest };
    });
  }

  /** Leaves every swarm that was joined. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const prefetched = await this.#prefetching?.catch(() => undefined);
    this.#prefetching = undefined;
    await prefetched?.swarm?.download[Symbol.asyncDispose]();
  }
}

/** Does the work, and disposes the download if it fails. */
export async function orDispose<T>(download: AsyncDisposable, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await download[Symbol.asyncDispose]();
    throw error;
  }
}
