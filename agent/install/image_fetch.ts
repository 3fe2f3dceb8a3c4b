/** The steps that every installation has, into a disk or into a directory: torrent, install, verify, seed. */
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/manifest.ts";
import { bytePathOfText } from "#contract/byte_path.ts";
import { AT_FDCWD, close, O, openAt } from "../sys/libc.ts";
import { KeptPaths } from "./compare/kept_paths.ts";
import { findStanding, type Found, neededFrames } from "./compare/standing.ts";
import { Download, type DownloadProgress } from "./download.ts";
import type { Enrolled } from "./enrol.ts";
import { mainThreadMs } from "../sys/thread_clock.ts";
import type { Standing } from "./extract/frame_plan.ts";
import { defaultWorkers, installTree } from "./extract/install_tree.ts";
import { OWN_FOLDER } from "./extract/target.ts";
import { InstallClock } from "./install_clock.ts";
import type { Journal } from "./journal.ts";
import { packsOf } from "./last_resort.ts";
import { fitsMemory } from "./pack_store.ts";
import type { Reporter } from "./reporter.ts";
import type { StepOutcome, StepProgress } from "./run_steps.ts";
import type { SwarmTerms } from "./swarm_terms.ts";
import { fetchTorrent } from "./torrent_file.ts";
import { type VerifyOptions, verifyTree } from "./verify.ts";

/** No byte for so long ends the installation. */
const STALL_MS = 10 * 60_000;
const TICK_MS = 1_000;

export interface FetchOptions {
  readonly enrolled: Enrolled;
  readonly reporter: Reporter;
  readonly terms: SwarmTerms;
  readonly signal: AbortSignal;
}

/** Where an image goes, and what is known of it. */
export interface Target {
  /** Path of its root. */
  readonly path: string;
  readonly journal: Journal;
  /** Whether part of the image stands there already. */
  readonly resumes: boolean;
}

interface Joined {
  readonly download: Download;
  readonly manifest: Manifest;
  readonly target: Target;
  /** What stands on the target, where the installation resumes. */
  readonly standing: Standing | undefined;
  /** The frames that are needed, where not all are. */
  readonly needed: readonly number[] | undefined;
}

export class ImageFetch implements AsyncDisposable {
  readonly #options: FetchOptions;
  readonly #closing = new AbortController();
  #joined: Joined | undefined;

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /**
   * Step "torrent". `memory`: a directory in memory for the packs, used where they fit; else they lie on the target.
   * Where the installation resumes, what stands there is read first, and only the rest will be fetched.
   */
  async join(
    target: Target,
    { memory, progress }: { memory?: string; progress: StepProgress },
  ): Promise<StepOutcome & { readonly inMemory: boolean }> {
    const { order, key } = this.#options.enrolled;
    const { metainfo, way } = await fetchTorrent(this.#options.enrolled, { signal: this.#signal });
    const inMemory = memory !== undefined &&
      fitsMemory(metainfo.map.totalLength, await Deno.readTextFile("/proc/meminfo"));
    if (inMemory) await Deno.mkdir(memory, { recursive: true });
    const download = await Download.start(metainfo, {
      order,
      terms: this.#options.terms,
      packs: inMemory ? { temporary: memory } : { lasting: target.journal.packs },
      manifestOnly: target.resumes,
      lastResort: packsOf(this.#options.enrolled),
      signal: this.#closing.signal,
    });
    try {
      const manifest = await watched(download, {
        work: download.manifest(order, { key, signal: this.#signal }),
        tick: () => {},
      });
      const found = target.resumes ? await this.#look(target.path, { manifest, progress }) : undefined;
      const needed = found && neededFrames(manifest, found);
      if (needed) await download.fetchOnly(needed, manifest);
      this.#joined = { download, manifest, target, standing: found, needed };
      const { bytesDone, bytesTotal } = download.progress();
      const here = found && needed
        ? `resumes: ${
          manifest.frames.length - needed.length
        } of ${manifest.frames.length} frames are there ` +
          `(${megabytes(found.contents.readBytes)} read)`
        : `${manifest.entries.length} entries`;
      const place = inMemory ? "in memory" : "on the target's disk";
      const missing = megabytes(bytesTotal - bytesDone);
      return { message: `${here}, ${missing} to fetch, kept ${place}; ${way}`, inMemory };
    } catch (error) {
      await download[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #look(
    path: string,
    { manifest, progress }: { manifest: Manifest; progress: StepProgress },
  ): Promise<Found> {
    const root = openAt(AT_FDCWD, bytePathOfText(path), { flags: O.RDONLY | O.DIRECTORY });
    try {
      return await findStanding(root, {
        manifest,
        kept: new KeptPaths([OWN_FOLDER]),
        claim: true,
        privileged: Deno.uid() === 0,
        onProgress: (bytes) => progress.update({ message: `${megabytes(bytes)} of the target read` }),
        signal: this.#signal,
      });
    } finally {
      close(root);
    }
  }

  /** Step "install": writes frames as they come. Returns what could not be kept, among the message. */
  async install(progress: StepProgress): Promise<StepOutcome> {
    const { download, manifest, target, standing, needed } = this.#now;
    const { key } = this.#options.enrolled;
    let written = "nothing written";
    const started = performance.now();
    const workers = defaultWorkers();
    const clock = new InstallClock({ workers, now: () => performance.now(), mainMs: mainThreadMs });
    const times = (transfer: DownloadProgress) => clock.times(transfer, download.downloadedBytes);
    const packs = manifest.header.packs.map(({ sha256 }) => download.packPath(sha256));
    const { files, bytes, notes } = await watched(download, {
      work: installTree({
        manifest,
        key,
        target: target.path,
        standing,
        packs: { path: (pack) => packs[pack] ?? "" },
        frames: download.frames(manifest, needed),
        workers,
        onSpent: (spent) => clock.add(spent),
        onProgress: ({ bytesDone, bytesTotal }) => {
          written = `${(bytesDone / 1e6).toFixed(1)} of ${megabytes(bytesTotal)} written`;
        },
        signal: this.#signal,
      }),
      tick: (transfer) =>
        progress.update({
          transfer,
          times: times(transfer),
          message: [written, ...remarksOn(transfer)].join(", "),
        }),
    });
    await download.forgetPacks();
    const rate = (bytes / 1e3 / Math.max(1, performance.now() - started)).toFixed(1);
    const fetched = megabytes(download.downloadedBytes);
    const summary = `${files} files, ${megabytes(bytes)}, ${rate} MB/s, ${fetched} fetched`;
    return { message: [summary, ...notes].join("; "), times: times(download.progress()) };
  }

  /** Step "verify". */
  async verify(options: Omit<VerifyOptions, "root" | "signal">): Promise<StepOutcome> {
    const { manifest, target } = this.#now;
    const { entries, readBytes } = await verifyTree(manifest, {
      root: target.path,
      signal: this.#signal,
      ...options,
    });
    return { message: `${entries} entries are as captured, ${megabytes(readBytes)} read again` };
  }

  /** Step "seed": as long as the server says that others still fetch. Each update is a report, hence an answer. */
  async seed(progress: StepProgress): Promise<StepOutcome> {
    const { download } = this.#now;
    const { reporter, terms } = this.#options;
    const started = performance.now();
    while (reporter.seedOn && performance.now() - started < terms.seedMs) {
      this.#signal.throwIfAborted();
      progress.update({ message: `${megabytes(download.uploadedBytes)} given to others` });
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    return { message: `${megabytes(download.uploadedBytes)} given to others` };
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

function remarksOn({ bytesDone, bytesTotal, peers, source, banned }: DownloadProgress): string[] {
  const place = source === "web seed"
    ? ["fetched from a web seed"]
    : source === "http"
    ? ["fetched from the server over HTTPS"]
    : peers === 0 && bytesDone < bytesTotal
    ? ["no peers yet"]
    : [];
  return [...place, ...banned.map((who) => `${who} banned for corrupt data`)];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Waits for `work`, with a tick a second, and gives up where nothing comes in any more. */
async function watched<T>(
  download: Download,
  { work, tick }: { work: Promise<T>; tick: (transfer: DownloadProgress) => void },
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
