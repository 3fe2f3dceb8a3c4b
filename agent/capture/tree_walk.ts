/** Walks a live tree in manifest order: the root file system and the machine's own ones mounted in it. */
import { type BytePath, displayPath, joinPath, parentOf } from "#contract/format/byte_path.ts";
import { codeOf, SysError } from "../sys/errno.ts";
import { type FileStatus, statAt, statOf } from "../sys/file_status.ts";
import { close, isDirectoryIn, O, openAt, readDirectory } from "../sys/libc.ts";
import type { Excludes } from "../tree/excludes.ts";
import { holdsNothing, notesOfCover, notesOfMounts } from "../layout/mounts/left_out.ts";
import type { MountedTrees, OpenTree, OtherMount } from "../layout/mounts/mounted_trees.ts";

/** One path of the tree, while the directory that holds it is open. */
export interface Visit {
  /** Descriptor of the directory, and the name in it; "." for the root of a file system. */
  readonly directory: number;
  readonly name: BytePath;
  readonly path: BytePath;
  readonly status: FileStatus;
}

interface WalkOptions {
  readonly excludes: Excludes;
  readonly trees: MountedTrees;
  /** Called with a note about what the walk could not visit. */
  readonly note: (note: string) => void;
}

/** An open directory. */
interface Directory {
  readonly fd: number;
  readonly path: BytePath;
  readonly status: FileStatus;
  /** The file system that it is on. */
  readonly tree: OpenTree;
}

const MAX_PATH_BYTES = 4095;
const DIRECTORY = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const ITSELF = "." as BytePath;

/** Files that vanish during the walk are noted and left out. */
export function walkTree(options: WalkOptions): Generator<Visit> {
  return new Walk(options).all();
}

class Walk {
  readonly #options: WalkOptions;
  /** Foreign mounts that cover parts of trees opened with their mounts; the walk never touches them. */
  readonly #covering: ReadonlyMap<BytePath, OtherMount>;
  readonly #met: OtherMount[] = [];
  readonly #unvisited: Set<BytePath>;
  /** Names of the own file systems' mount points, by the directory that holds them. */
  readonly #ownNames: ReadonlyMap<BytePath, ReadonlySet<BytePath>>;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#covering = new Map(options.trees.others.map((other) => [other.path, other]));
    const { ownPaths } = options.trees;
    this.#unvisited = new Set(ownPaths);
    this.#ownNames = new Map(
      [...Map.groupBy(ownPaths, parentOf)].map((
        [directory, paths],
      ) => [directory, new Set(paths.map(nameOf))]),
    );
  }

  *all(): Generator<Visit> {
    const { trees, excludes, note } = this.#options;
    notesOfMounts(trees.others, excludes).forEach(note);
    const root = rootOf(trees.root, "" as BytePath);
    yield visitOf(root);
    yield* this.#below(root);
    notesOfCover(this.#met, excludes).forEach(note);
    for (const path of this.#unvisited) {
      if (holdsNothing(path, excludes)) continue;
      note(`left out, its mount point is on a foreign file system: /${displayPath(path)}`);
    }
  }

  *#below(directory: Directory): Generator<Visit> {
    const { fd, tree } = directory;
    const own = this.#ownNames.get(directory.path), names = readDirectory(fd);
    // a mount point that exists only on a foreign file system is not among the names
    const all = own ? [...new Set([...names, ...own])] : names;
    // code units are bytes: the default order is the order of bytes
    for (const name of all.sort()) {
      if (own?.has(name) && (yield* this.#mounted(directory, name))) continue;
      const visit = this.#look(directory, name);
      if (visit === undefined) continue;
      yield visit;
      const { path, status } = visit;
      if (status.type !== "directory" || (!tree.bare && this.#isForeign(visit, directory))) continue;
      const below = this.#ifThere(path, () => openAt(fd, name, { flags: DIRECTORY }));
      if (below === undefined) continue;
      try {
        yield* this.#below({ fd: below, path, status, tree });
      } finally {
        close(below);
      }
    }
  }

  #look(directory: Directory, name: BytePath): Visit | undefined {
    const { excludes, note } = this.#options;
    const { fd, tree } = directory, path = joinPath(directory.path, name);
    // checked before stat, which may fail on a damaged file
    if (this.#options.trees.shownAgain.has(path) || excludes.matches(path, { isDirectory: false })) {
      return undefined;
    }
    const other = tree.bare ? undefined : this.#covering.get(path);
    if (other !== undefined) return this.#standIn(other, { directory, name });
    const status = this.#ifThere(path, () => statAt(fd, name));
    if (status === undefined) return undefined;
    if (status.type === "directory" && excludes.matches(path, { isDirectory: true })) return undefined;
    if (path.length <= MAX_PATH_BYTES) return { directory: fd, name, path, status };
    note(`left out, its path is longer than ${MAX_PATH_BYTES} bytes: ${displayPath(path).slice(0, 200)}…`);
    return undefined;
  }

  #ifThere<T>(path: BytePath, look: () => T): T | undefined {
    return ifThere(path, { look, note: this.#options.note });
  }

  /** Whether a mount covers the directory (its stand-in is not entered), or something was mounted since the walk began. */
  #isForeign({ path, name, status }: Visit, { status: parent }: Directory): boolean {
    if (name === ITSELF) return true;
    if (!isOtherMount(status, parent)) return false;
    const { excludes, note } = this.#options;
    if (!holdsNothing(path, excludes)) {
      note(`left empty, another file system is mounted on it: ${displayPath(path)}`);
    }
    return true;
  }

  /** Walks the own file system mounted there; what its mount point itself contains has no path in the image. */
  *#mounted({ fd, path: parent, tree }: Directory, name: BytePath): Generator<Visit, boolean> {
    const { excludes, trees, note } = this.#options;
    const path = joinPath(parent, name);
    this.#unvisited.delete(path);
    if (excludes.matches(path, { isDirectory: true })) return true;
    using mounted = this.#open(path);
    if (mounted === undefined) return false;
    const part = trees.partOf(path);
    if (part !== undefined) {
      note(`captured whole, though only its ${displayPath(part)} is mounted: /${displayPath(path)}`);
    }
    if (tree.bare) this.#noteHidden(fd, { name, path });
    const root = rootOf(mounted, path);
    yield visitOf(root);
    yield* this.#below(root);
    return true;
  }

  #open(path: BytePath): OpenTree | undefined {
    try {
      return this.#options.trees.open(path);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.#options.note(
        `left out, the file system of /${
          displayPath(path)
        }, which other mounts hide and which cannot be opened ` +
          `directly (${error.message}): unmount what hides it, or run the agent as root on Linux 5.2 or newer`,
      );
      return undefined;
    }
  }

  #noteHidden(directory: number, { name, path }: { name: BytePath; path: BytePath }): void {
    const look = () => openAt(directory, name, { flags: DIRECTORY });
    // the directory may exist only on a foreign file system
    const hidden = ifThere(path, { look, note: () => {} });
    if (hidden === undefined) return;
    try {
      const names = readDirectory(hidden).sort();
      if (names.length === 0) return;
      const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
      this.#options.note(
        `left out, hidden by the file system that is mounted on /${displayPath(path)}: ` +
          `${names.slice(0, 3).map(displayPath).join(", ")}${more}`,
      );
    } finally {
      close(hidden);
    }
  }

  /** A stand-in for a mount point directory that a foreign mount covers; undefined if the mount point is a file. */
  #standIn(
    other: OtherMount,
    { directory: { fd, status }, name }: { directory: Directory; name: BytePath },
  ): Visit | undefined {
    const { path } = other;
    const isDirectory = isDirectoryIn(fd, name);
    if (isDirectory && this.#options.excludes.matches(path, { isDirectory })) return undefined;
    this.#met.push(other);
    if (!isDirectory) return undefined;
    const mode = /(^|\/)tmp$/.test(path) ? 0o1777 : 0o755;
    return { directory: fd, name: ITSELF, path, status: { ...status, mode } };
  }
}

function rootOf(tree: OpenTree, path: BytePath): Directory {
  return { fd: tree.fd, path, status: statOf(tree.fd), tree };
}

function visitOf({ fd, path, status }: Directory): Visit {
  return { directory: fd, name: ITSELF, path, status };
}

function nameOf(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf("/") + 1) as BytePath;
}

function isOtherMount(status: FileStatus, parent: FileStatus): boolean {
  return status.mountRoot ??
    (status.deviceMajor !== parent.deviceMajor || status.deviceMinor !== parent.deviceMinor);
}

/** Returns what `look` finds, or undefined, with a note, if `path` has vanished or changed its type. */
export function ifThere<T>(
  path: BytePath,
  { look, note }: { look: () => T; note: (note: string) => void },
): T | undefined {
  try {
    return look();
  } catch (error) {
    const code = codeOf(error);
    if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ELOOP") {
      throw error instanceof SysError ? error.at(path) : error;
    }
    note(`left out, it vanished during the capture: ${displayPath(path)}`);
    return undefined;
  }
}
