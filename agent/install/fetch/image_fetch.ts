/** The steps that every installation shares, on a disk or in a directory: torrent, install, verify, seed. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import type { Enrolled } from "../../steps/enrol.ts";
import { megabytes } from "../../steps/figures.ts";
import type { Reporter } from "../../steps/reporter.ts";
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import type { SwarmTerms } from "../../steps/swarm_terms.ts";
import { mainThreadMs } from "../../sys/thread_clock.ts";
import { compareTarget, type Comparison, type ComparisonResult } from "../compare/comparison.ts";
import type { RouteOptions } from "../compare/differences.ts";
import { indexOfTarget } from "../compare/target_index.ts";
import { LEFT_ALONE } from "../extract/frame_plan.ts";
import type { InstallOptions } from "../extract/install_options.ts";
import { defaultWorkers, installTree } from "../extract/install_tree.ts";
import { type VerifyOptions, verifyTree } from "../extract/verify.ts";
import type { Journal } from "../records/journal.ts";
import { Download, type DownloadProgress } from "./download.ts";
import { fetchExtents } from "./extent_client.ts";
import { describeComparison, describeTransfer } from "./fetch_messages.ts";
import { InstallClock } from "./install_clock.ts";
import type { JoinedImage } from "./image_download.ts";
import { orDispose, SwarmJoin } from "./join_swarm.ts";
import { MediumPacks } from "./medium_packs.ts";
import { safeFrames } from "./safe_frames.ts";
import { watchDownload } from "./watch_download.ts";

/** Time between two updates while seeding. */
const TICK_MS = 1_000;
/** Less than this is written by the main thread: it is done before a worker would have started. */
const LITTLE_BYTES = 16 << 20;

interface FetchOptions {
  readonly enrolled: Enrolled;
  readonly reporter: Reporter;
  readonly terms: SwarmTerms;
  readonly signal: AbortSignal;
}

/** Where an image goes, and what is known of it. */
export interface FetchTarget {
  /** Path of its root. */
  readonly path: string;
  /** Undefined if nothing may be written there. */
  readonly journal: Journal | undefined;
  /** Set if the target may already hold part of the image. */
  readonly comparison?: Comparison | undefined;
}

/** A version with the target it fills. */
interface TargetFetch extends JoinedImage {
  readonly target: FetchTarget;
  readonly compared: ComparisonResult | undefined;
  /** Frames to fetch from the swarm; undefined for all. */
  readonly needed: readonly number[] | undefined;
}

/**
 * Fetches one image for one target: `begin` (optional), `join`, `install`, `verify`, `seed`, in this order.
 * Disposing it leaves the swarm.
 *
 * @example
 * ```ts
 * import type { StepProgress } from "../../steps/step.ts";
 *
 * async function install(options: ConstructorParameters<typeof ImageFetch>[0], progress: StepProgress) {
 *   await using fetch = new ImageFetch(options);
 *   const { message } = await fetch.join({ path: "/mnt", journal: undefined }, { progress });
 *   console.log(message);
 *   await fetch.install(progress);
 *   await fetch.verify({ privileged: true, changed: new Set(), plain: [], fromDisk: false });
 *   await fetch.seed(progress);
 * }
 * ```
 */
export class ImageFetch implements AsyncDisposable {
  readonly #options: FetchOptions;
  readonly #swarmJoin: SwarmJoin;
  #joined: TargetFetch | undefined;
  /** Bytes received from the extent service. */
  #extentBytes = 0;
  /** Checksums of the files that were written, by path. */
  readonly #sums = new Map<BytePath, number>();

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#swarmJoin = new SwarmJoin(options);
  }

  /** Starts to fetch the torrent and the manifest while the target is still being prepared; see SwarmJoin. */
  begin(options: { memory: string; writes: boolean; manifestOnly: boolean }): void {
    if (this.#options.enrolled.medium) return;
    this.#swarmJoin.begin({ ...options, signal: this.#signal });
  }

  /**
   * Step "torrent". `memory`: a directory in memory for the packs; packs that do not fit go on the target's disk.
   * If the target may hold part of the image, it is read first, and only the rest will be fetched.
   */
  async join(
    target: FetchTarget,
    { memory, progress }: { memory?: string; progress: StepProgress },
  ): Promise<StepOutcome & { readonly inMemory: boolean }> {
    const { comparison, journal } = target;
    const { joined, way } = await this.#joinImage({
      memory,
      journal,
      manifestOnly: comparison !== undefined,
    });
    const { download, inMemory, manifest } = joined;
    return await orDispose(download, async () => {
      const compared = await this.#compare(target, { manifest, progress });
      const needed = compared?.differences.routes.flatMap(({ frame, by }) => by === "swarm" ? [frame] : []);
      // joining again takes a moment: not worth it if nothing is to be fetched
      if (needed && needed.length > 0 && journal) await download.fetchOnly(needed, manifest);
      this.#joined = { ...joined, target, compared, needed };
      const { bytesDone, bytesTotal } = download.progress(), missingBytes = bytesTotal - bytesDone;
      const place = inMemory ? "packs in memory" : "packs on the target's disk";
      const found = compared && comparison
        ? describeComparison(compared, { comparison, manifest, missingBytes })
        : [`${manifest.entries.length} entries, ${megabytes(missingBytes)} to fetch`, place].join(", ");
      const planLines = comparison?.why === "restores" ? compared?.lines : undefined;
      return { message: `${found}; ${way}`, inMemory, planLines };
    });
  }

  /** From the medium that carries it, else from the swarm. `way`: how it comes, as text. */
  async #joinImage(
    options: { memory: string | undefined; journal: Journal | undefined; manifestOnly: boolean },
  ): Promise<{ joined: JoinedImage; way: string }> {
    const { enrolled } = this.#options;
    if (enrolled.medium) {
      const { packs: download, manifest } = await MediumPacks.open(enrolled.medium.folder, enrolled);
      return { joined: { download, manifest, inMemory: true }, way: "all on the medium" };
    }
    const { torrent, swarm } = await this.#swarmJoin.join({ ...options, signal: this.#signal });
    return { joined: swarm, way: torrent.way };
  }

  async #compare(
    { path, comparison }: FetchTarget,
    { manifest, progress }: { manifest: Manifest; progress: StepProgress },
  ): Promise<ComparisonResult | undefined> {
    return comparison && await compareTarget(path, {
      manifest,
      comparison,
      routes: this.#routes,
      signal: this.#signal,
      onProgress: (bytes) => progress.update({ message: `${megabytes(bytes)} of the target read` }),
    });
  }

  /** An interrupted installation is one of many and takes whole frames; only a restore may ask for extents. */
  get #routes(): RouteOptions {
    const { extents, restore } = this.#options.enrolled.order;
    return { extentService: extents !== undefined && restore !== undefined, nodes: restore?.nodes ?? 1 };
  }

  /** Step "install": writes frames as they arrive. The message includes what could not be preserved. */
  async install(progress: StepProgress): Promise<StepOutcome> {
    const { download, inMemory, manifest, compared, needed } = this.#current;
    // nothing of a medium is lost in a power cut
    await using safe = inMemory && download instanceof Download
      ? safeFrames(download, { manifest, only: needed })
      : undefined;
    const started = performance.now();
    const workers = compared && compared.differences.fetchBytes < LITTLE_BYTES ? 0 : defaultWorkers();
    const clock = new InstallClock({
      workers: Math.max(1, workers),
      now: () => performance.now(),
      mainMs: mainThreadMs,
    });
    const times = (transfer: DownloadProgress) => clock.times(transfer, this.#fetchedBytes);
    let written = "nothing written";
    const { files, bytes, notes } = await watchDownload(download, {
      work: installTree({
        ...this.#contents(),
        frames: safe?.frames ?? download.frames(manifest, { only: needed }),
        onFrame: (frame) => safe?.onFrame(frame),
        workers,
        onWorkTimes: (work) => clock.add(work),
        onProgress: ({ bytesDone, bytesTotal }) => {
          written = `${(bytesDone / 1e6).toFixed(1)} of ${megabytes(bytesTotal)} written`;
        },
      }),
      tick: (now) => {
        const transfer = this.#withExtents(now);
        const message = [written, ...describeTransfer(transfer)].join(", ");
        progress.update({ transfer, times: times(transfer), message });
      },
      signal: this.#signal,
    });
    await download.forgetPacks();
    const rate = (bytes / 1e3 / Math.max(1, performance.now() - started)).toFixed(1);
    const cut = this.#extentBytes > 0 ? ` (${megabytes(this.#extentBytes)} of it extents)` : "";
    const fetched = `${megabytes(this.#fetchedBytes)} fetched${cut}`;
    const summary = `${files} files, ${megabytes(bytes)}, ${rate} MB/s, ${fetched}`;
    const transfer = this.#withExtents(download.progress());
    return { message: [summary, ...notes].join("; "), times: times(transfer), transfer };
  }

  /** Extents come from the server's own service, beside the swarm. */
  #withExtents(transfer: DownloadProgress): DownloadProgress {
    const { sources } = transfer;
    return { ...transfer, sources: { ...sources, web: sources.web + this.#extentBytes } };
  }

  /** What is installed where, and from what. */
  #contents(): Omit<InstallOptions, "frames"> {
    const { download, manifest, target, compared } = this.#current;
    const packs = manifest.header.packs.map(({ sha256 }) => download.packPath(sha256));
    return {
      manifest,
      key: this.#options.enrolled.key,
      target: target.path,
      existing: compared?.found,
      loose: compared && this.#looseExtents(compared, manifest),
      packs: { path: (pack) => packs[pack] ?? "" },
      onSums: (sums) => {
        for (const [path, sum] of sums) this.#sums.set(path, ((this.#sums.get(path) ?? 0) ^ sum) >>> 0);
      },
      signal: this.#signal,
    };
  }

  #looseExtents({ differences }: ComparisonResult, manifest: Manifest): InstallOptions["loose"] {
    const { client, order } = this.#options.enrolled;
    const routes = differences.routes.filter(({ by }) => by === "extents");
    if (order.extents === undefined || routes.length === 0) return undefined;
    const extents = fetchExtents({
      client,
      path: order.extents,
      manifest,
      routes,
      signal: this.#signal,
      onBytes: (bytes) => this.#extentBytes += bytes,
    });
    return { frames: new Set(routes.map(({ frame }) => frame)), extents };
  }

  get #fetchedBytes(): number {
    return this.#current.download.downloadedBytes + this.#extentBytes;
  }

  /** Whether the target differs from the image; undefined if they were not compared. */
  get differs(): boolean | undefined {
    const compared = this.#current.compared;
    return compared && compared.differences.list.length > 0;
  }

  /** The content index of the target as it is now (../records/content_index.ts); the options are as for `verify`. */
  contentIndex({ changed, plain }: Pick<VerifyOptions, "changed" | "plain">): Uint8Array {
    const { manifest, target, compared } = this.#current;
    const previous = target.comparison?.why === "restores" ? target.comparison.index : undefined;
    return indexOfTarget(target.path, {
      manifest,
      manifestId: this.#options.enrolled.order.manifest.id,
      found: compared?.found,
      previous,
      sums: this.#sums,
      changed,
      plain,
    });
  }

  /**
   * Step "verify". A restored target was compared already, so that only what was written is verified; otherwise
   * everything but what was left alone.
   */
  async verify(options: Omit<VerifyOptions, "root" | "signal" | "only">): Promise<StepOutcome> {
    const { manifest, target, compared } = this.#current;
    const found = compared?.found, restores = target.comparison?.why === "restores";
    const isWritten = (number: number) =>
      restores
        ? found?.states[number] === 0 || found?.wrongAttributes.has(number) === true
        : found?.states[number] !== LEFT_ALONE;
    const verifiesAll = !restores && !found?.states.includes(LEFT_ALONE);
    const { entries, readBytes } = await verifyTree(manifest, {
      root: target.path,
      ...(!verifiesAll && { only: isWritten }),
      signal: this.#signal,
      ...options,
    });
    return { message: `${entries} entries are as captured, ${megabytes(readBytes)} read again` };
  }

  /** Step "seed": until the server says that no other node is fetching. Its answers to our updates say so. */
  async seed(progress: StepProgress): Promise<StepOutcome> {
    const { download } = this.#current;
    const { reporter, terms } = this.#options;
    const started = performance.now();
    const message = () => `${megabytes(download.uploadedBytes)} sent to other nodes`;
    while (reporter.seedOn && performance.now() - started < terms.seedMs) {
      this.#signal.throwIfAborted();
      progress.update({ message: message() });
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    return { message: message() };
  }

  /** Leaves the swarm and frees the space of the packs. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { download } = this.#joined ?? {};
    this.#joined = undefined;
    await download?.[Symbol.asyncDispose]();
    await this.#swarmJoin[Symbol.asyncDispose]();
  }

  /** Aborts with the agent, and when the operator cancels the deployment. */
  get #signal(): AbortSignal {
    return AbortSignal.any([this.#options.signal, this.#options.reporter.cancelled]);
  }

  get #current(): TargetFetch {
    if (this.#joined) return this.#joined;
    throw new RangeError("the swarm has not been joined");
  }
}
