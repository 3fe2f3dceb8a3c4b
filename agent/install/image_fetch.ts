/** The steps that every installation has, into a disk or into a directory: torrent, install, verify, seed. */
import type { StepReport } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/manifest.ts";
import { Download } from "./download.ts";
import type { Enrolled } from "./enrol.ts";
import { installTree } from "./extract/install_tree.ts";
import { fitsMemory } from "./pack_store.ts";
import type { Reporter } from "./reporter.ts";
import type { StepOutcome, StepProgress } from "./run_steps.ts";
import { fetchTorrent } from "./torrent_file.ts";
import { type VerifyOptions, verifyTree } from "./verify.ts";

/** No byte for so long ends the installation. */
const STALL_MS = 10 * 60_000;
/** Others may fetch for so long after this node is done. */
const SEED_MS = 60 * 60_000;
const TICK_MS = 1_000;

export interface FetchOptions {
  readonly enrolled: Enrolled;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

export class ImageFetch implements AsyncDisposable {
  readonly #options: FetchOptions;
  readonly #closing = new AbortController();
  #joined: { readonly download: Download; readonly manifest: Manifest } | undefined;

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /** Step "torrent". `memory`: a directory in memory for the packs, used where they fit; else `disk`. */
  async join(
    { memory, disk }: { memory?: string; disk: string },
  ): Promise<StepOutcome & { readonly inMemory: boolean }> {
    const { order, key } = this.#options.enrolled;
    const { metainfo, way } = await fetchTorrent(this.#options.enrolled, { signal: this.#signal });
    const { totalLength } = metainfo.map;
    const inMemory = memory !== undefined &&
      fitsMemory(totalLength, await Deno.readTextFile("/proc/meminfo"));
    const directory = inMemory ? memory : disk;
    if (inMemory) await Deno.mkdir(directory, { recursive: true });
    const download = await Download.start(metainfo, { order, directory, signal: this.#closing.signal });
    try {
      const manifest = await watched(download, {
        work: download.manifest(order, { key, signal: this.#signal }),
        tick: () => {},
      });
      this.#joined = { download, manifest };
      const megabytes = (totalLength / 1e6).toFixed(1);
      const place = inMemory ? "in memory" : "on the target's disk";
      return {
        message: `${manifest.entries.length} entries, ${megabytes} MB to fetch, kept ${place}; ${way}`,
        inMemory,
      };
    } catch (error) {
      await download[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Step "install": writes frames as they come. Returns what could not be kept, among the message. */
  async install(target: string, progress: StepProgress): Promise<StepOutcome> {
    const { download, manifest } = this.#now;
    const { key } = this.#options.enrolled;
    let written = "nothing written";
    const started = performance.now();
    const packs = manifest.header.packs.map(({ sha256 }) => download.packPath(sha256));
    const { files, bytes, notes } = await watched(download, {
      work: installTree({
        manifest,
        key,
        target,
        packs: { path: (pack) => packs[pack] ?? "" },
        frames: download.frames(manifest),
        onProgress: ({ bytesDone, bytesTotal }) => {
          written = `${(bytesDone / 1e6).toFixed(1)} of ${(bytesTotal / 1e6).toFixed(1)} MB written`;
        },
        signal: this.#signal,
      }),
      tick: (transfer) =>
        progress.update({
          transfer,
          message: transfer.peers === 0 && transfer.bytesDone < transfer.bytesTotal
            ? `${written}, no peers yet`
            : written,
        }),
    });
    const rate = (bytes / 1e3 / Math.max(1, performance.now() - started)).toFixed(1);
    const summary = `${files} files, ${(bytes / 1e6).toFixed(1)} MB, ${rate} MB/s`;
    return { message: [summary, ...notes].join("; ") };
  }

  /** Step "verify". */
  async verify(
    root: string,
    options: Omit<VerifyOptions, "root" | "signal">,
  ): Promise<StepOutcome> {
    const { entries, readBytes } = await verifyTree(this.#now.manifest, {
      root,
      signal: this.#signal,
      ...options,
    });
    return { message: `${entries} entries are as captured, ${(readBytes / 1e6).toFixed(1)} MB read again` };
  }

  /** Step "seed": as long as the server says that others still fetch. Each update is a report, hence an answer. */
  async seed(progress: StepProgress): Promise<StepOutcome> {
    const { download } = this.#now;
    const { reporter } = this.#options;
    const started = performance.now();
    while (reporter.seedOn && performance.now() - started < SEED_MS) {
      this.#signal.throwIfAborted();
      progress.update({ message: `${(download.uploadedBytes / 1e6).toFixed(1)} MB given to others` });
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    return { message: `${(download.uploadedBytes / 1e6).toFixed(1)} MB given to others` };
  }

  /** Leaves the swarm and gives the packs' room back. */
  async [Symbol.asyncDispose](): Promise<void> {
    const joined = this.#joined;
    this.#joined = undefined;
    await joined?.download[Symbol.asyncDispose]();
    this.#closing.abort();
  }

  /** What waits for the network ends also where the operator calls it off. */
  get #signal(): AbortSignal {
    return AbortSignal.any([this.#options.signal, this.#options.reporter.cancelled]);
  }

  get #now() {
    if (this.#joined) return this.#joined;
    throw new RangeError("the swarm was not joined");
  }
}

/** Waits for `work`, with a tick a second, and gives up where nothing comes in any more. */
async function watched<T>(
  download: Download,
  { work, tick }: { work: Promise<T>; tick: (transfer: NonNullable<StepReport["progress"]>) => void },
): Promise<T> {
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  let last = { bytes: -1, at: performance.now() };
  const timer = setInterval(() => {
    const transfer = download.progress();
    tick(transfer);
    if (transfer.bytesDone !== last.bytes) last = { bytes: transfer.bytesDone, at: performance.now() };
    else if (transfer.bytesDone < transfer.bytesTotal && performance.now() - last.at > STALL_MS) {
      reject(
        new RackseedError("cannot fetch the image", {
          reason: `nothing has come for ${STALL_MS / 60_000} minutes, from ${transfer.peers} peers.`,
          remedy: "check that the server seeds and that no firewall stands between the nodes and it.",
          status: 503,
        }),
      );
    }
  }, TICK_MS);
  try {
    return await Promise.race([work, stalled]);
  } finally {
    clearInterval(timer);
  }
}
