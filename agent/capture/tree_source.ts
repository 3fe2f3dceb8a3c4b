/** A live tree as the source of a capture. */
import { type BytePath, displayPath } from "#contract/format/byte_path.ts";
import { type Entry, type HashedExtent, MAX_EXTENT_BYTES } from "#contract/format/entry.ts";
import { entryLine } from "#contract/format/entry_changes.ts";
import { RackseedError } from "#contract/errors.ts";
import type { InodeSettings } from "#contract/format/inode_flags.ts";
import { codeOf, SysError } from "../sys/errno.ts";
import { type FileStatus, statOf } from "../sys/file_status.ts";
import { inodeSettingsOf } from "../sys/inode_flags.ts";
import { close, effectiveOwner, O, openAt, readLinkAt } from "../sys/libc.ts";
import { xattrsAt, xattrsOf } from "../sys/xattr.ts";
import type { CaptureSource, ExtentSink } from "./capture_source.ts";
import type { Amount } from "./cache/amount.ts";
import type { Excludes } from "../tree/excludes.ts";
import type { CaptureRecord } from "./cache/capture_record.ts";
import type { CachedEntry, PastCapture } from "./cache/past_capture.ts";
import { FileReader, type ReadFile } from "./file_reader.ts";
import { MountedTrees } from "../layout/mounts/mounted_trees.ts";
import type { OwnMount } from "../layout/mounts/own_mounts.ts";
import { OwnNotes } from "./own_notes.ts";
import { SealedFiles } from "./sealed_files.ts";
import { ifThere, type Visit, walkTree } from "./tree_walk.ts";

/** How many times a file that changes while being read is read before it is captured as is. */
const READINGS = 3;
/** Interval between yields to the event loop, so that sending does not stall. */
const TURN_MS = 20;

/** The cache of the tree's last capture, and the record that becomes the cache of this one. */
export interface CaptureHistory {
  readonly past?: PastCapture | undefined;
  readonly record: CaptureRecord;
}

interface TreeOptions {
  readonly excludes: Excludes;
  /** The file systems that belong to the tree, and where they are mounted. */
  readonly mountPoints: readonly OwnMount[];
  readonly history?: CaptureHistory | undefined;
  /** Note the files that no two machines may share; pointless for a backup, which returns to its own machine. */
  readonly isTemplate?: boolean;
}

export class TreeSource implements CaptureSource {
  readonly notes: string[] = [];
  /** How many of the bytes of `entries` had to be read. */
  bytesRead = 0;
  readonly #root: string;
  readonly #excludes: Excludes;
  readonly #mountPoints: readonly OwnMount[];
  readonly #history: CaptureHistory | undefined;
  readonly #isTemplate: boolean;

  /** `root`: path of the directory that becomes the image's root. */
  constructor(root: string, { excludes, mountPoints, history, isTemplate = false }: TreeOptions) {
    this.#root = root;
    this.#excludes = excludes;
    this.#history = history;
    this.#mountPoints = mountPoints;
    this.#isTemplate = isTemplate;
  }

  async measure(
    { signal, onProgress }: { signal: AbortSignal; onProgress: (sofar: Amount) => void },
  ): Promise<Amount> {
    // accurate enough, and a walk would take as long as the capture's own
    if (this.#history?.past) return this.#history.past.amount;
    let files = 0, bytes = 0;
    const links = new Set<string>(), turns = new Turns(signal);
    // the reading walk makes the notes
    for (const { status } of this.#walk(() => {})) {
      if (turns.due) await turns.next();
      if (status.type !== "file") continue;
      if (status.links > 1) {
        const key = linkKey(status);
        if (links.has(key)) continue;
        links.add(key);
      }
      files++;
      bytes += storedBytes(status);
      onProgress({ files, bytes });
    }
    return { files, bytes };
  }

  async *entries(
    sink: ExtentSink,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (done: Amount) => void },
  ): AsyncGenerator<CachedEntry> {
    let files = 0, bytes = 0;
    const turns = new Turns(signal);
    const reader = new FileReader(sink, {
      onBytes: (count) => {
        this.bytesRead += count;
        onProgress({ files, bytes: bytes += count });
      },
    });
    const sealed = new SealedFiles();
    /** The first path of each file with several links. */
    const links = new Map<string, BytePath>();
    const note = (text: string) => this.notes.push(text);
    const own = this.#isTemplate ? new OwnNotes() : undefined;
    for (const visit of this.#walk(note)) {
      if (turns.due) await turns.next();
      if (sink.full) await sink.drained();
      const { path, status } = visit;
      own?.see(path);
      if (status.type === "socket") {
        note(`left out, a socket, which its process creates again: ${displayPath(path)}`);
        continue;
      }
      const key = status.type !== "directory" && status.links > 1 ? linkKey(status) : undefined;
      const first = key === undefined ? undefined : links.get(key);
      if (first !== undefined) {
        yield entryLine({ type: "link", path, target: first });
        continue;
      }
      sealed.see(path, status);
      const known = this.#cached(visit);
      if (known && status.type === "file") bytes += storedBytes(status);
      const entry = known
        ? undefined
        : status.type === "file"
        ? await this.#file(visit, { reader, signal })
        : this.#other(visit, status.type);
      const line = known ?? (entry && entryLine(entry));
      if (line === undefined) continue;
      if (status.type === "file") onProgress({ files: ++files, bytes });
      if (key !== undefined) links.set(key, path);
      yield line;
    }
    this.notes.push(...own?.notes ?? [], ...sealed.notes());
  }

  /** Skips an entry from a cache older than inode flags if the file has any: its line would drop them for good. */
  #cached({ directory, name, path, status }: Visit): CachedEntry | undefined {
    const past = this.#history?.past;
    const known = past?.find(path, status);
    if (known === undefined || past?.knowsInodeFlags || !hasInodeFlags(status.type)) return known;
    return this.#lookAt(path, () => settingsAt(directory, name)) === undefined ? known : undefined;
  }

  *#walk(note: (text: string) => void): Generator<Visit> {
    using trees = openTrees(this.#root, this.#mountPoints);
    try {
      yield* walkTree({ excludes: this.#excludes, trees, note });
    } catch (error) {
      throw error instanceof SysError ? unreadable(error) : error;
    }
  }

  #other(
    { directory, name, path, status }: Visit,
    type: Exclude<FileStatus["type"], "file" | "socket">,
  ): Entry<HashedExtent> | undefined {
    const common = { path, ...attributes(status) };
    this.#history?.record.see(path, status);
    const look = (): Entry<HashedExtent> => {
      const xattrs = xattrsAt(directory, name);
      switch (type) {
        case "symlink":
          return { type, ...common, xattrs, target: readLinkAt(directory, name) };
        case "char":
        case "block":
          return { type, ...common, xattrs, major: status.major, minor: status.minor };
        case "directory":
          return { type, ...common, xattrs, ...withSettings(settingsAt(directory, name)) };
        case "fifo":
          return { type, ...common, xattrs };
      }
    };
    return this.#lookAt(path, look);
  }

  async #file(
    visit: Visit,
    options: { reader: FileReader; signal: AbortSignal },
  ): Promise<Entry<HashedExtent> | undefined> {
    const fd = this.#lookAt(visit.path, () => openForReading(visit));
    if (fd === undefined) return undefined;
    try {
      return await this.#readUntilStill(fd, { path: visit.path, ...options });
    } catch (error) {
      throw error instanceof SysError ? unreadable(error, visit.path) : error;
    } finally {
      close(fd);
    }
  }

  async #readUntilStill(
    fd: number,
    { path, reader, signal }: { path: BytePath; reader: FileReader; signal: AbortSignal },
  ): Promise<Entry<HashedExtent> | undefined> {
    for (let reading = 1;; reading++) {
      const status = statOf(fd);
      if (status.type !== "file") {
        this.notes.push(`left out, its type changed during the capture: ${displayPath(path)}`);
        return undefined;
      }
      const xattrs = xattrsOf(fd), inode = withSettings(inodeSettingsOf(fd));
      const { extents, sizeBytes }: ReadFile = status.sizeBytes <= MAX_EXTENT_BYTES
        ? reader.readSmall(fd, status)
        : await reader.readLarge(fd, { status, signal });
      const still = !changed(status, statOf(fd));
      if (still) this.#history?.record.see(path, status);
      if (still || reading === READINGS) {
        if (!still) {
          this.notes.push(`captured while changing, it differed at every reading: ${displayPath(path)}`);
        }
        return { type: "file", path, ...attributes(status), xattrs, ...inode, sizeBytes, extents };
      }
    }
  }

  #lookAt<T>(path: BytePath, look: () => T): T | undefined {
    try {
      return ifThere(path, { look, note: (text) => this.notes.push(text) });
    } catch (error) {
      throw error instanceof SysError ? unreadable(error, path) : error;
    }
  }
}

function openTrees(root: string, mountPoints: readonly OwnMount[]): MountedTrees {
  try {
    return new MountedTrees(root, mountPoints);
  } catch (error) {
    throw new RackseedError(`cannot capture ${root}`, {
      reason: `it cannot be opened as a directory (${codeOf(error)}).`,
      remedy: "name an existing directory with --root.",
      status: 400,
      cause: error,
    });
  }
}

/** Leaves the access time alone where permitted, and does not block if the file has become a FIFO. */
function openForReading({ directory, name }: Visit): number {
  const flags = O.RDONLY | O.NOFOLLOW | O.NONBLOCK;
  try {
    return openAt(directory, name, { flags: flags | O.NOATIME });
  } catch (error) {
    // only the owner and root may use O_NOATIME
    if (codeOf(error) !== "EPERM") throw error;
    return openAt(directory, name, { flags });
  }
}

function hasInodeFlags(type: FileStatus["type"]): boolean {
  return type === "file" || type === "directory";
}

/** Opens a file or directory just to read its inode settings. */
function settingsAt(directory: number, name: BytePath): InodeSettings | undefined {
  const fd = openAt(directory, name, { flags: O.RDONLY | O.NOFOLLOW | O.NONBLOCK });
  try {
    return inodeSettingsOf(fd);
  } finally {
    close(fd);
  }
}

function withSettings(inode: InodeSettings | undefined): { inode?: InodeSettings } {
  return inode ? { inode } : {};
}

function attributes({ mode, uid, gid, mtimeSec, mtimeNs }: FileStatus) {
  return { mode, uid, gid, mtimeSec, mtimeNs };
}

function changed(before: FileStatus, after: FileStatus): boolean {
  return before.sizeBytes !== after.sizeBytes || before.mtimeSec !== after.mtimeSec ||
    before.mtimeNs !== after.mtimeNs || before.ctimeSec !== after.ctimeSec ||
    before.ctimeNs !== after.ctimeNs;
}

/** Accurate enough for progress: excludes holes, but also what the file system compresses away. */
function storedBytes({ sizeBytes, allocatedBytes }: FileStatus): number {
  return Math.min(sizeBytes, allocatedBytes);
}

function linkKey({ deviceMajor, deviceMinor, inode }: FileStatus): string {
  return `${deviceMajor}:${deviceMinor}:${inode}`;
}

function unreadable(error: SysError, path?: BytePath): RackseedError {
  const shown = error.path ?? path;
  return new RackseedError(
    `cannot capture ${shown === undefined ? "the tree" : `/${displayPath(path ?? shown)}`}`,
    {
      reason: `${error.message}.`,
      remedy: `${remedyOf(error)}, or leave the path out with --exclude.`,
      cause: error,
    },
  );
}

function remedyOf({ code }: SysError): string {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return effectiveOwner().uid === 0
        ? "capture on the machine that owns the file system, since root has no access here (NFS, FUSE)"
        : "run the agent as root";
    case "ENOTCONN":
    case "ESTALE":
    case "ETIMEDOUT":
      return "mount its file system again, since its server is gone (NFS, FUSE)";
    case "ENOKEY":
      return "unlock it, since it is encrypted (`fscrypt unlock`)";
    case "EMFILE":
    case "ENFILE":
      return "raise the limit of open files (ulimit -n)";
    default:
      return "check the disk (dmesg)";
  }
}

/** Yields to timers, responses and cancellation from time to time. */
class Turns {
  readonly #signal: AbortSignal;
  #last = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get due(): boolean {
    return performance.now() - this.#last >= TURN_MS;
  }

  async next(): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#signal.throwIfAborted();
    this.#last = performance.now();
  }
}
