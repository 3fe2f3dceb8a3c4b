/**
 * Writes an image's tree into a target while its frames arrive, in any order: parallel workers decrypt, verify and
 * write each frame as soon as it is complete. Nothing is staged.
 */
import type { InstallOptions } from "./install_options.ts";
import { type BytePath, parentOf } from "#contract/format/byte_path.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { placesShownAgain } from "#contract/format/subvolume_places.ts";
import { packKeys } from "#contract/format/manifest.ts";
import { clearedUmask } from "../../sys/cleared_umask.ts";
import { codeOf } from "../../sys/errno.ts";
import {
  chmodAt,
  close,
  effectiveOwner,
  linkAt,
  makeDirectoryAt,
  O,
  openAt,
  truncate,
} from "../../sys/libc.ts";
import { AttributeWriter, beginDirectory, beginFile } from "./attributes.ts";
import type { Job, Reply, WorkerSetup } from "./extract_messages.ts";
import { extractor } from "./extractor.ts";
import {
  type DirectoryEntry,
  type FileEntry,
  type LinkEntry,
  planTree,
  type TreePlan,
} from "./frame_plan.ts";
import { installContents } from "./install_contents.ts";
import { pastLocks, unlockAt } from "../../tree/locks.ts";
import { notesOf, writeFailure } from "./outcome.ts";
import { OpenPacks } from "./open_packs.ts";
import { openExistingTarget, openTarget, type Target } from "./target.ts";
import { InlineRunner, type JobRunner, WorkerPool } from "./worker_pool.ts";

interface Installed {
  readonly files: number;
  /** Bytes written, without holes. */
  readonly bytes: number;
  /** What the target or the process's privileges could not preserve; human-readable. */
  readonly notes: readonly string[];
}

/** Upper limit of the default: more workers would only wait for the disk. */
const MAX_WORKERS = 4;

export function defaultWorkers(): number {
  return Math.min(navigator.hardwareConcurrency, MAX_WORKERS);
}

/**
 * Throws RackseedError. A half-written tree then stays: the caller formats the file system again, or resumes.
 *
 * @example
 * ```ts
 * import type { Manifest } from "#contract/format/manifest.ts";
 *
 * async function extract(manifest: Manifest, key: Uint8Array): Promise<void> {
 *   const packs = { path: (pack: number) => `/packs/${manifest.header.packs[pack]?.sha256}.pack` };
 *   const frames = ReadableStream.from(manifest.frames.keys());
 *   const { files, notes } = await installTree({ manifest, key, target: "/mnt", packs, frames });
 *   console.log(files, notes);
 * }
 * ```
 */
export async function installTree(options: InstallOptions): Promise<Installed> {
  const { target: path, key, signal, workers = defaultWorkers() } = options;
  signal?.throwIfAborted();
  const { manifest, existing } = options;
  using target = existing
    ? openExistingTarget(path, { manifest, existing })
    : openTarget(path, placesShownAgain(manifest.header.layout));
  using packs = new OpenPacks(options.packs);
  const self = effectiveOwner();
  const privileged = options.privileged ?? self.uid === 0;
  const setup: WorkerSetup = { root: target.fd, keys: packKeys(manifest.header, key), privileged };
  await using pool: JobRunner<Job, Reply> = workers === 0
    ? new InlineRunner(extractor(setup))
    : new WorkerPool(
      () => new Worker(new URL("./extract_worker.ts", import.meta.url), { type: "module" }),
      { count: workers, setup },
    );
  const stop = () => pool.fail(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  using _umask = clearedUmask();
  try {
    const plan = planTree(manifest, existing);
    const attributes = new AttributeWriter(target.fd, { privileged, self });
    makeDirectories(target, plan.directories);
    makeMultiFrameFiles(target.fd, plan);
    await installContents({ ...options, packs, plan, pool, shortfalls: attributes.shortfalls });
    const { fd } = target, existed = existing !== undefined;
    for (const entry of plan.multiFrame) finish(fd, { entry, attributes, flags: O.WRONLY, existed });
    for (const entry of plan.links) makeLink(fd, entry);
    for (const entry of plan.directories.toReversed()) {
      if (target.untouched.has(entry.path)) continue;
      finish(fd, { entry, attributes, flags: O.RDONLY | O.DIRECTORY, existed });
    }
    return { files: plan.files, bytes: plan.bytes, notes: notesOf(attributes.shortfalls) };
  } catch (error) {
    throw error instanceof RackseedError || signal?.aborted
      ? error
      : writeFailure(path, { reason: messageOf(error), code: codeOf(error), cause: error });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Makes directories accessible to the owner only and without attributes, until their content is complete. */
function makeDirectories(
  { fd, directories: existing }: Target,
  directories: readonly DirectoryEntry[],
): void {
  // a directory inherits some flags of its parent, and case folding can be changed only while it is empty
  const begins = directories.some(({ inode }) => inode !== undefined);
  for (const entry of directories) {
    const { path } = entry;
    if (existing.has(path)) continue;
    if (path !== "") makeDirectoryAt(fd, path, 0o700);
    if (begins) openFor(fd, { path, flags: O.RDONLY | O.DIRECTORY }, (own) => beginDirectory(own, entry));
  }
}

function makeMultiFrameFiles(root: number, { multiFrame, partial }: TreePlan): void {
  for (const entry of multiFrame) {
    const exists = partial.has(entry);
    // it may be read-only already, and nobody else may read it while it is incomplete
    if (exists) {
      unlockAt(root, entry.path);
      chmodAt(root, entry.path, 0o600);
    }
    const fresh = exists ? 0 : O.CREAT | O.EXCL;
    const fd = openAt(root, entry.path, { flags: O.WRONLY | O.NOFOLLOW | fresh, mode: 0o600 });
    try {
      if (entry.inode && !exists) beginFile(fd, entry);
      truncate(fd, entry.sizeBytes);
    } finally {
      close(fd);
    }
  }
}

function finish(
  root: number,
  { entry, attributes, flags, existed }: {
    entry: FileEntry | DirectoryEntry;
    attributes: AttributeWriter;
    flags: number;
    /** Whether it may have existed before the install. */
    existed: boolean;
  },
): void {
  openFor(root, { path: entry.path, flags }, (fd) => {
    if (existed) attributes.correct(fd, entry);
    else attributes.finishOpen(fd, { entry });
  });
}

/** The target may be immutable already. A directory of one project refuses links to files of another (EXDEV). */
function makeLink(root: number, { path, target }: LinkEntry): void {
  const link = () => pastLocks(root, target, { work: () => linkAt(root, path, target), stays: true });
  try {
    link();
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    // the directory gets its project back when everything is made
    const parent = { path: parentOf(path), flags: O.RDONLY | O.DIRECTORY };
    openFor(root, parent, (fd) => beginDirectory(fd, {}));
    link();
  }
}

function openFor(
  root: number,
  { path, flags }: { path: BytePath; flags: number },
  use: (fd: number) => void,
): void {
  const fd = openAt(root, path || "." as BytePath, { flags: flags | O.NOFOLLOW });
  try {
    use(fd);
  } finally {
    close(fd);
  }
}
