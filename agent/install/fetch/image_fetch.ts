/** The steps that every installation has, into a disk or into a directory: torrent, install, verify, seed. */
import { megabytes } from "../../steps/figures.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { type BytePath, bytePathOfText, displayPath } from "#contract/format/byte_path.ts";
import { statAt } from "../../sys/file_status.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import { encodeIndex, type Trust } from "../records/content_index.ts";
import { LEFT_ALONE } from "../extract/frame_plan.ts";
import { type Compared, compareTarget, type Comparison } from "../compare/comparison.ts";
import type { RouteOptions } from "../compare/differences.ts";
import { Download, type DownloadProgress } from "./download.ts";
import type { Enrolled } from "../../steps/enrol.ts";
import { mainThreadMs } from "../../sys/thread_clock.ts";
import { fetchExtents } from "./extent_client.ts";
import { defaultWorkers, installTree } from "../extract/install_tree.ts";
import { InstallClock } from "./install_clock.ts";
import type { Journal } from "../records/journal.ts";
import { packsOf } from "./https_packs.ts";
import { fitsMemory } from "./pack_store.ts";
import { awaitDisk, safeFrames } from "./safe_frames.ts";
import type { Reporter } from "../../steps/reporter.ts";
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import type { SwarmTerms } from "../../steps/swarm_terms.ts";
import { type FetchedTorrent, fetchTorrent } from "./torrent_file.ts";
import { isChanged, type VerifyOptions, verifyTree } from "../extract/verify.ts";

/** No byte for so long ends the installation. */
const STALL_MS = 10 * 60_000;
const TICK_MS = 1_000;
/** So little is written before a worker would have started. */
const LITTLE_BYTES = 16 << 20;

interface FetchOptions {
  readonly enrolled: Enrolled;
  readonly reporter: Reporter;
  readonly terms: SwarmTerms;
  readonly signal: AbortSignal;
}

/** Where an image goes, and what is known of it. */
export interface Target {
  /** Path of its root. */
  readonly path: string;
  /** Undefined where nothing may be written there. */
  readonly journal: Journal | undefined;
  /** Where part of the image may stand there already. */
  readonly comparison?: Comparison | undefined;
}

/** The swarm, and what is to be had of it. */
interface Opened {
  readonly download: Download;
  /** Whether packs lie in memory. */
  readonly inMemory: boolean;
  readonly manifest: Manifest;
}

interface Begun {
  readonly torrent: FetchedTorrent;
  readonly manifestOnly: boolean;
  /** Undefined where packs do not fit into memory. */
  readonly opened: Opened | undefined;
}

interface Joined extends Opened {
  readonly target: Target;
  /** What stands on the target. */
  readonly compared: Compared | undefined;
  /** The frames that the swarm is to bring, where not all are needed. */
  readonly needed: readonly number[] | undefined;
}

export class ImageFetch implements AsyncDisposable {
  readonly #options: FetchOptions;
  readonly #closing = new AbortController();
  #begun: Promise<Begun> | undefined;
  #joined: Joined | undefined;
  /** By the extent service. */
  #extentBytes = 0;
  /** Checksums of what was written, by path. */
  readonly #sums = new Map<BytePath, number>();

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /**
   * Fetches torrent and manifest while the target is still made ready; `join` goes on from there. `writes`: whether
   * anything will be written. Packs that do not fit into memory have no place yet: then it is the torrent alone.
   */
  begin({ memory, writes, manifestOnly }: { memory: string; writes: boolean; manifestOnly: boolean }): void {
    const signal = AbortSignal.any([this.#signal, this.#closing.signal]);
    const work = async (): Promise<Begun> => {
      const torrent = await fetchTorrent(this.#options.enrolled, { signal });
      const place = await memoryFor(torrent, { memory, writes });
      const opened = place === undefined
        ? undefined
        : await this.#open(torrent, { place, manifestOnly, signal });
      return { torrent, manifestOnly, opened };
    };
    this.#begun = work();
    // told to whoever joins
    this.#begun.catch(() => {});
  }

  /**
   * Step "torrent". `memory`: a directory in memory for the packs, used where they fit; else they lie on the target.
   * Where something stands on the target it is read first, and only the rest will be fetched.
   */
  async join(
    target: Target,
    { memory, progress }: { memory?: string; progress: StepProgress },
  ): Promise<StepOutcome & { readonly inMemory: boolean }> {
    const { comparison, journal } = target;
    const manifestOnly = comparison !== undefined, signal = this.#signal;
    const begun = await this.#begun;
    this.#begun = undefined;
    const torrent = begun?.torrent ?? await fetchTorrent(this.#options.enrolled, { signal });
    const open = async () => {
      const place = memory && await memoryFor(torrent, { memory, writes: journal !== undefined });
      return await this.#open(torrent, { place, journal, manifestOnly, signal });
    };
    const opened = begun?.opened ?? await open();
    const { download, inMemory, manifest } = opened;
    try {
      // what was to be restored turned out to be beyond it
      if (begun?.opened && begun.manifestOnly && !manifestOnly) {
        await download.fetchOnly(manifest.frames.keys(), manifest);
      }
      const compared = comparison && await compareTarget(target.path, {
        manifest,
        comparison,
        routes: this.#routes,
        signal: this.#signal,
        onProgress: (bytes) => progress.update({ message: `${megabytes(bytes)} of the target read` }),
      });
      const needed = compared?.differences.routes.flatMap(({ frame, by }) => by === "swarm" ? [frame] : []);
      // to join again takes a moment, which nothing would be had for
      if (needed && needed.length > 0 && target.journal) await download.fetchOnly(needed, manifest);
      this.#joined = { download, inMemory, manifest, target, compared, needed };
      const { bytesDone, bytesTotal } = download.progress();
      const missingBytes = bytesTotal - bytesDone;
      const place = `kept ${inMemory ? "in memory" : "on the target's disk"}`;
      const here = compared && comparison
        ? describeCompared(compared, { comparison, manifest, missingBytes })
        : [`${manifest.entries.length} entries, ${megabytes(missingBytes)} to fetch, ${place}`];
      const planLines = comparison?.why === "restores" ? compared?.lines : undefined;
      return { message: [...here, torrent.way].join("; "), inMemory, planLines };
    } catch (error) {
      await download[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Joins the swarm for the manifest, and for the rest unless `manifestOnly`. `place`: in memory, for the packs. */
  async #open({ metainfo }: FetchedTorrent, { place, journal, manifestOnly, signal }: {
    place?: string | undefined;
    journal?: Journal | undefined;
    manifestOnly: boolean;
    signal: AbortSignal;
  }): Promise<Opened> {
    const { order, key } = this.#options.enrolled;
    const download = await Download.start(metainfo, {
      order,
      terms: this.#options.terms,
      packs: place === undefined && journal ? { lasting: journal.packs } : { temporary: place ?? "/tmp" },
      manifestOnly,
      httpsFallback: packsOf(this.#options.enrolled),
      signal: this.#closing.signal,
    });
    try {
      const work = download.manifest(order, { key, signal });
      const manifest = await watched(download, { work, tick: () => {}, signal });
      if (place !== undefined) awaitDisk(download);
      return { download, inMemory: place !== undefined, manifest };
    } catch (error) {
      await download[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** How what is missing comes: a broken-off installation is one of many, and takes frames whole. */
  get #routes(): RouteOptions {
    const { extents, restore } = this.#options.enrolled.order;
    return { extentService: extents !== undefined && restore !== undefined, nodes: restore?.nodes ?? 1 };
  }

  /** Step "install": writes frames as they come. Returns what could not be kept, among the message. */
  async install(progress: StepProgress): Promise<StepOutcome> {
    const { download, inMemory, manifest, target, compared, needed } = this.#now;
    await using safe = inMemory ? safeFrames(download, { manifest, only: needed }) : undefined;
    const { key } = this.#options.enrolled;
    let written = "nothing written";
    const started = performance.now();
    const workers = compared && compared.differences.fetchBytes < LITTLE_BYTES ? 0 : defaultWorkers();
    const clock = new InstallClock({
      workers: Math.max(1, workers),
      now: () => performance.now(),
      mainMs: mainThreadMs,
    });
    const times = (transfer: DownloadProgress) =>
      clock.times(transfer, download.downloadedBytes + this.#extentBytes);
    const packs = manifest.header.packs.map(({ sha256 }) => download.packPath(sha256));
    const { files, bytes, notes } = await watched(download, {
      work: installTree({
        manifest,
        key,
        target: target.path,
        standing: compared?.found,
        loose: compared && this.#loose(compared, manifest),
        packs: { path: (pack) => packs[pack] ?? "" },
        frames: safe?.frames ?? download.frames(manifest, { only: needed }),
        onFrame: (frame) => safe?.onFrame(frame),
        workers,
        onSpent: (spent) => clock.add(spent),
        onSums: (sums) => {
          for (const [path, sum] of sums) this.#sums.set(path, ((this.#sums.get(path) ?? 0) ^ sum) >>> 0);
        },
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
      signal: this.#signal,
    });
    await download.forgetPacks();
    const rate = (bytes / 1e3 / Math.max(1, performance.now() - started)).toFixed(1);
    const fetched = megabytes(download.downloadedBytes + this.#extentBytes);
    const cut = this.#extentBytes > 0 ? ` (${megabytes(this.#extentBytes)} of it extents)` : "";
    const summary = `${files} files, ${megabytes(bytes)}, ${rate} MB/s, ${fetched} fetched${cut}`;
    return { message: [summary, ...notes].join("; "), times: times(download.progress()) };
  }

  #loose({ differences }: Compared, manifest: Manifest) {
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

  /** Whether the target is as the image has it; undefined where that was not looked at. */
  get differs(): boolean | undefined {
    const compared = this.#now.compared;
    return compared && compared.differences.list.length > 0;
  }

  /** Of the target as it is now, see compare/content_index.ts; `changed`: as for `verify`. */
  contentIndex(changed: ReadonlySet<string>): Uint8Array {
    const { manifest, target, compared } = this.#now;
    const before = target.comparison?.why === "restores" ? target.comparison.index : undefined;
    const root = openAt(AT_FDCWD, bytePathOfText(target.path), { flags: O.RDONLY | O.DIRECTORY });
    try {
      const entries = manifest.entries.map((entry, number): Trust | undefined => {
        const begun = compared?.found.begun.has(number);
        if (entry.type === "link" || begun || compared?.found.kept[number] === LEFT_ALONE) return undefined;
        // touched since: then it will not be believed again
        const believed = compared?.found.believed.get(number);
        if (believed) return believed;
        // a restore that only gave directories their times again leaves the index as it is
        const noted = entry.type === "file" ? undefined : before?.(number);
        if (noted) return noted;
        const sum = entry.type === "file"
          ? this.#sums.get(entry.path) ?? compared?.found.contents.sums.get(number)
          : 0;
        if (sum === undefined || isChanged(displayPath(entry.path), changed)) return undefined;
        const { inode, ctimeSec, ctimeNs } = statAt(root, entry.path || "." as BytePath);
        return { inode, ctimeSec, ctimeNs, sum };
      });
      return encodeIndex({ manifest: this.#options.enrolled.order.manifest.id, entries });
    } finally {
      close(root);
    }
  }

  /** Step "verify": of a restored target what was written, since all else was compared. */
  async verify(options: Omit<VerifyOptions, "root" | "signal" | "only">): Promise<StepOutcome> {
    const { manifest, target, compared } = this.#now;
    const found = target.comparison?.why === "restores" ? compared?.found : undefined;
    const { entries, readBytes } = await verifyTree(manifest, {
      root: target.path,
      ...(found && { only: (number) => found.kept[number] === 0 || found.undressed.has(number) }),
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
    const { download } = this.#joined ?? {};
    this.#joined = undefined;
    await download?.[Symbol.asyncDispose]();
    this.#closing.abort();
    const begun = await this.#begun?.catch(() => undefined);
    this.#begun = undefined;
    await begun?.opened?.download[Symbol.asyncDispose]();
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

/** The directory `memory`, made, where the packs fit into the machine's memory: for the manifest alone, always. */
async function memoryFor(
  { metainfo }: FetchedTorrent,
  { memory, writes }: { memory: string; writes: boolean },
): Promise<string | undefined> {
  const { totalLength } = metainfo.map;
  if (writes && !fitsMemory(totalLength, await Deno.readTextFile("/proc/meminfo"))) return undefined;
  await Deno.mkdir(memory, { recursive: true });
  return memory;
}

function describeCompared(
  { found, differences }: Compared,
  { comparison, manifest, missingBytes }: {
    comparison: Comparison;
    manifest: Manifest;
    missingBytes: number;
  },
): string[] {
  const read = `${megabytes(found.contents.readBytes)} read`;
  if (comparison.why === "restores") {
    const { list, fetchBytes } = differences;
    const { believed } = found;
    const unread = manifest.entries.reduce(
      (n, { type }, i) => type === "file" && believed.has(i) ? n + 1 : n,
      0,
    );
    const untouched = unread > 0 ? `, ${unread} untouched files not read` : "";
    return [`${list.length} differences (${read}${untouched}), ${megabytes(fetchBytes)} to fetch`];
  }
  const frames = manifest.frames.length;
  return [
    `resumes: ${frames - differences.routes.length} of ${frames} frames are there (${read}), ` +
    `${megabytes(missingBytes)} to fetch`,
  ];
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

/** Waits for `work`, with a tick a second; gives up once nothing comes in any more, and at once when told to stop. */
async function watched<T>(
  download: Download,
  { work, tick, signal }: {
    work: Promise<T>;
    tick: (transfer: DownloadProgress) => void;
    signal: AbortSignal;
  },
): Promise<T> {
  signal.throwIfAborted();
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
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
    signal.removeEventListener("abort", stop);
  }
}
