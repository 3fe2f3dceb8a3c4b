/** Hashes the files of a target in parallel: which of their extents are as the manifest says. */
import type { FrameExtent } from "#contract/format/entry.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import type { FileEntry } from "../extract/frame_plan.ts";
import type { ContentIndex, IndexEntry } from "../records/content_index.ts";
import { InlineRunner, type JobRunner, WorkerPool } from "../extract/worker_pool.ts";
import type { TreeMount } from "../../tree/tree_roots.ts";
import { FileScanner } from "./file_scanner.ts";
import type { LiveTree } from "./live_tree.ts";
import type { Check, PartFound, ScanPart, ScanReply, ScanSetup } from "./scan_messages.ts";

/** Limits of one job: large enough to be worth a message, small enough to keep the workers evenly busy. */
const JOB_BYTES = 32 << 20;
const JOB_FILES = 500;
/** The same beside a running system: a job is over in a moment. */
const LIVE_JOB_BYTES = 2 << 20, LIVE_JOB_FILES = 25;
/** Cost of opening a file and reading its attributes, as if it were this many bytes. */
const FILE_COST = 16 << 10;
const MAX_WORKERS = 4;
/** Up to this many jobs run in this thread: they are done before a worker would have started. */
const FEW_JOBS = 2;

export interface Contents {
  /** By entry number: for each extent of the file 1 if it is right. Absent if nothing of the file can be kept. */
  readonly right: ReadonlyMap<number, Uint8Array>;
  /** Entry numbers of files whose whole content is right. */
  readonly whole: ReadonlySet<number>;
  /** Those of them whose attributes are right too. */
  readonly exact: ReadonlySet<number>;
  /** Checksums of what is right of each file: of a whole one its own, of a part that is kept the part's. */
  readonly sums: ReadonlyMap<number, number>;
  readonly readBytes: number;
}

export interface ScanOptions {
  readonly manifest: Manifest;
  /** Entry numbers of files that exist; survey.ts has proved that no symlink leads to them. */
  readonly files: readonly number[];
  readonly privileged: boolean;
  /** What the installation recorded of the files it made. */
  readonly index?: ContentIndex | undefined;
  /** Default: one per processor, at most four; each needs about 16 MiB. */
  readonly workers?: number | undefined;
  /** File systems in the target that are opened by themselves. */
  readonly mounts?: readonly TreeMount[] | undefined;
  /** Then all is read by the calling thread. */
  readonly live?: LiveTree | undefined;
  readonly onProgress?: ((readBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `root`: descriptor of the target. */
export async function scanContents(root: number, options: ScanOptions): Promise<Contents> {
  const { manifest, privileged, mounts, live, signal, onProgress } = options;
  signal?.throwIfAborted();
  const found = new Findings(manifest), setup: ScanSetup = { root, mounts, privileged };
  const jobs = jobsOf(manifest, options);
  const first: Job[] = [];
  for (let next = jobs.next(); !next.done; next = jobs.next()) {
    first.push(next.value);
    if (first.length > FEW_JOBS) break;
  }
  const take = ({ parts, readBytes }: ScanReply) => {
    parts.forEach((part) => found.add(part));
    found.readBytes += readBytes;
    onProgress?.(found.readBytes);
  };
  const isLittle = live !== undefined || first.length <= FEW_JOBS;
  await scanAll(chained(first, jobs), { ...options, setup, take, isLittle });
  return found.contents();
}

type Job = readonly ScanPart[];

/** Runs the jobs in workers, or in this thread if there are few. */
async function scanAll(
  jobs: Iterable<Job>,
  { setup, take, isLittle, live, signal, workers = Math.min(navigator.hardwareConcurrency, MAX_WORKERS) }:
    & Pick<ScanOptions, "live" | "signal" | "workers">
    & { setup: ScanSetup; take: (reply: ScanReply) => void; isLittle: boolean },
): Promise<void> {
  const scanner = isLittle ? new FileScanner(setup) : undefined;
  await using pool: JobRunner<Job, ScanReply> = scanner
    ? new InlineRunner(async (job) => {
      const reply = scanner.scan(job);
      await live?.rest();
      return reply;
    })
    : new WorkerPool(
      () => new Worker(new URL("./scan_worker.ts", import.meta.url), { type: "module" }),
      { count: workers, setup },
    );
  const stop = () => pool.fail(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const answers: Promise<void>[] = [];
    for (const job of jobs) {
      const { answer } = await pool.submit(job);
      answers.push(answer.then(take));
      // failures are thrown below, by Promise.all
      answers.at(-1)?.catch(() => {});
    }
    await Promise.all(answers);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function* chained<T>(first: readonly T[], rest: Iterable<T>): Generator<T> {
  yield* first;
  yield* rest;
}

/** Combines the results for the parts of each file. */
class Findings {
  readonly #manifest: Manifest;
  readonly #right = new Map<number, Uint8Array>();
  readonly #unusable = new Set<number>();
  readonly #short = new Set<number>();
  readonly #wrongAttributes = new Set<number>();
  readonly #sums = new Map<number, number>();
  readBytes = 0;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  add({ entry, first, right, clean, fullSize, attributesRight, sum }: PartFound): void {
    this.#sums.set(entry, ((this.#sums.get(entry) ?? 0) ^ sum) >>> 0);
    const all = this.#right.get(entry) ?? new Uint8Array(this.#extentsOf(entry));
    this.#right.set(entry, all);
    all.set(right, first);
    if (!clean) this.#unusable.add(entry);
    if (!fullSize) this.#short.add(entry);
    if (!attributesRight) this.#wrongAttributes.add(entry);
  }

  contents(): Contents {
    for (const entry of this.#unusable) this.#right.delete(entry);
    const whole = [...this.#right].flatMap(([entry, right]) =>
      !this.#short.has(entry) && right.every((r) => r === 1) ? [entry] : []
    );
    const parts = [...this.#right].flatMap(([entry, right]) => right.includes(1) ? [entry] : []);
    const exact = whole.filter((entry) => !this.#wrongAttributes.has(entry));
    return {
      right: this.#right,
      whole: new Set(whole),
      exact: new Set(exact),
      sums: new Map([...whole, ...parts].map((entry) => [entry, this.#sums.get(entry) ?? 0])),
      readBytes: this.readBytes,
    };
  }

  #extentsOf(number: number): number {
    const entry = this.#manifest.entries[number];
    return entry?.type === "file" ? entry.extents.length : 0;
  }
}

function* jobsOf(
  manifest: Manifest,
  { files, index, live }: Pick<ScanOptions, "files" | "index" | "live">,
): Generator<readonly ScanPart[]> {
  const [mostBytes, mostFiles] = live ? [LIVE_JOB_BYTES, LIVE_JOB_FILES] : [JOB_BYTES, JOB_FILES];
  let job: ScanPart[] = [], bytes = 0;
  for (const number of files) {
    const entry = manifest.entries[number];
    if (entry?.type !== "file") continue;
    for (const part of partsOf(entry, { number, manifest, indexed: index?.(number) })) {
      job.push(part);
      bytes += FILE_COST + part.checks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (bytes < mostBytes && job.length < mostFiles) continue;
      yield job;
      job = [];
      bytes = 0;
    }
  }
  if (job.length > 0) yield job;
}

/** Splits a file into runs of extents of about JOB_BYTES, each with the gaps before its extents; the last with the file's end. */
function* partsOf(
  { extents, ...attributes }: FileEntry,
  { number, manifest, indexed }: { number: number; manifest: Manifest; indexed: IndexEntry | undefined },
): Generator<ScanPart> {
  const { path, sizeBytes } = attributes;
  let first = 0, end = 0;
  do {
    const checks: Check[] = [], gaps: [number, number][] = [];
    const start = end;
    while (first + checks.length < extents.length && end - start < JOB_BYTES) {
      const { offset, frame, index } = extents[first + checks.length] as FrameExtent;
      const slice = manifest.frames[frame]?.extents[index];
      if (slice === undefined) throw new RangeError("a file names an extent that does not exist");
      if (offset > end) gaps.push([end, offset]);
      checks.push({ offset, sizeBytes: slice.sizeBytes, sha256: slice.sha256 });
      end = offset + slice.sizeBytes;
    }
    const last = first + checks.length >= extents.length;
    if (last && end < sizeBytes) gaps.push([end, sizeBytes]);
    // the index has the checksum of the whole file only
    const one = first === 0 && last;
    yield {
      entry: number,
      path,
      sizeBytes,
      first,
      checks,
      gaps,
      attributes,
      indexed: one ? indexed : undefined,
    };
    first += checks.length;
    if (last) return;
  } while (true);
}
