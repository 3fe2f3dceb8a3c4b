/** Walks a live tree in the order of a manifest: one file system, and those that have their places in it. */
import { type BytePath, displayPath, joinPath, parentOf } from "#contract/byte_path.ts";
import { codeOf, SysError } from "../sys/errno.ts";
import { type FileStatus, statAt, statOf } from "../sys/file_status.ts";
import { close, isDirectoryIn, O, openAt, readDirectory } from "../sys/libc.ts";
import type { Excludes } from "./excludes.ts";
import { holdsNothing, notesOfCover, notesOfMounts } from "./mounts/left_out.ts";
import type { MountedTrees, OpenTree, OtherMount } from "./mounts/mounted_trees.ts";

/** One name of the tree, while the directory that holds it is open. */
export interface Visit {
  /** Descriptor of the directory, and the name in it; the root of a file system is "." of itself. */
  readonly directory: number;
  readonly name: BytePath;
  readonly path: BytePath;
  readonly status: FileStatus;
}

export interface WalkOptions {
  readonly excludes: Excludes;
  readonly trees: MountedTrees;
  /** Told what the walk could not visit. */
  readonly note: (note: string) => void;
}

/** A directory that is open. */
interface Directory {
  readonly fd: number;
  readonly path: BytePath;
  readonly status: FileStatus;
  /** The file system that it lies on. */
  readonly tree: OpenTree;
}

const MAX_PATH_BYTES = 4095;
const DIRECTORY = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const ITSELF = "." as BytePath;

/** What vanishes between two looks is noted and left out. */
export function walkTree(options: WalkOptions): Generator<Visit> {
  return new Walk(options).all();
}

class Walk {
  readonly #options: WalkOptions;
  /** Mounts that lie in the way of trees that are not bare: nothing asks them anything. */
  readonly #covering: ReadonlyMap<BytePath, OtherMount>;
  readonly #met: OtherMount[] = [];
  readonly #unvisited: Set<BytePath>;
  /** Names of the own file systems' mount points by the directory that holds them. */
  readonly #ownNames: ReadonlyMap<BytePath, readonly BytePath[]>;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#covering = new Map(options.trees.others.map((other) => [other.path, other]));
    const { ownPaths } = options.trees;
    this.#unvisited = new Set(ownPaths);
    this.#ownNames = new Map(
      [...Map.groupBy(ownPaths, parentOf)].map(([directory, paths]) => [directory, paths.map(nameOf)]),
    );
  }

  *all(): Generator<Visit> {
    const { trees, excludes, note } = this.#options;
    notesOfMounts(trees.others, excludes).forEach(note);
    yield* this.#fileSystem(trees.root, "" as BytePath);
    notesOfCover(this.#met, excludes).forEach(note);
    for (const path of this.#unvisited) {
      if (holdsNothing(path, excludes)) continue;
      note(`left out, no own file system has the directory that it is mounted on: /${displayPath(path)}`);
    }
  }

  *#fileSystem(tree: OpenTree, path: BytePath): Generator<Visit> {
    const status = statOf(tree.fd);
    yield { directory: tree.fd, name: ITSELF, path, status };
    yield* this.#below({ fd: tree.fd, path, status, tree });
  }

  *#below(directory: Directory): Generator<Visit> {
    const { excludes, trees, note } = this.#options;
    const { fd, tree } = directory;
    // code units are bytes: the default order is the order of bytes
    for (const name of this.#namesIn(fd, directory.path).sort()) {
      const path = joinPath(directory.path, name);
      // before it is looked at, which a damaged one may not bear
      if (excludes.matches(path, { isDirectory: false })) continue;
      if (trees.has(path) && (yield* this.#mounted(directory, { name, path }))) continue;
      if (!tree.bare && this.#covering.has(path)) {
        const visit = this.#standIn(directory, { name, path });
        if (visit) yield visit;
        continue;
      }
      const status = this.#look(fd, { name, path });
      if (status === undefined) continue;
      yield { directory: fd, name, path, status };
      if (status.type !== "directory" || this.#isForeign(status, { path, directory })) continue;
      const below = ifThere(path, { note, look: () => openAt(fd, name, { flags: DIRECTORY }) });
      if (below === undefined) continue;
      try {
        yield* this.#below({ fd: below, path, status, tree });
      } finally {
        close(below);
      }
    }
  }

  /** With those of own file systems that are mounted on a directory of a foreign one. */
  #namesIn(fd: number, path: BytePath): BytePath[] {
    const names = readDirectory(fd), more = this.#ownNames.get(path);
    return more === undefined ? names : [...new Set([...names, ...more])];
  }

  #look(directory: number, { name, path }: Named): FileStatus | undefined {
    const { excludes, note } = this.#options;
    const status = ifThere(path, { note, look: () => statAt(directory, name) });
    if (status?.type === "directory" && excludes.matches(path, { isDirectory: true })) return undefined;
    if (path.length <= MAX_PATH_BYTES || status === undefined) return status;
    note(`left out, its path is longer than ${MAX_PATH_BYTES} bytes: ${displayPath(path).slice(0, 200)}…`);
    return undefined;
  }

  /** What was mounted since the walk began. */
  #isForeign(
    status: FileStatus,
    { path, directory: { tree, status: parent } }: { path: BytePath; directory: Directory },
  ): boolean {
    const { excludes, note } = this.#options;
    if (tree.bare || !isOtherMount(status, parent)) return false;
    if (!holdsNothing(path, excludes)) {
      note(`left empty, another file system is mounted there: ${displayPath(path)}`);
    }
    return true;
  }

  /** The own file system that has its place there; what its mount point holds itself has no path in the image. */
  *#mounted({ fd, tree }: Directory, { name, path }: Named): Generator<Visit, boolean> {
    const { excludes, trees, note } = this.#options;
    this.#unvisited.delete(path);
    if (excludes.matches(path, { isDirectory: true })) return true;
    const mounted = this.#open(path);
    if (mounted === undefined) return false;
    try {
      const part = trees.partOf(path);
      if (part !== undefined) {
        note(`taken whole, though only its ${displayPath(part)} is mounted: /${displayPath(path)}`);
      }
      if (tree.bare) this.#noteHidden(fd, { name, path });
      yield* this.#fileSystem(mounted, path);
    } finally {
      close(mounted.fd);
    }
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
          `without them (${error.message}): unmount what hides it, or run the agent as root on Linux 5.2 or newer`,
      );
      return undefined;
    }
  }

  #noteHidden(directory: number, { name, path }: Named): void {
    const { note } = this.#options;
    // a foreign file system may be all that has this directory
    const hidden = ifThere(path, {
      note: () => {},
      look: () => openAt(directory, name, { flags: DIRECTORY }),
    });
    if (hidden === undefined) return;
    try {
      const names = readDirectory(hidden).sort();
      if (names.length === 0) return;
      const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
      note(
        `left out, it lies hidden below the file system that is mounted on /${displayPath(path)}: ` +
          `${names.slice(0, 3).map(displayPath).join(", ")}${more}`,
      );
    } finally {
      close(hidden);
    }
  }

  /** A directory as good as the mount point that a mount covers; what is no directory has no such thing. */
  #standIn({ fd, status }: Directory, { name, path }: Named): Visit | undefined {
    const isDirectory = isDirectoryIn(fd, name);
    if (isDirectory && this.#options.excludes.matches(path, { isDirectory })) return undefined;
    const other = this.#covering.get(path);
    if (other) this.#met.push(other);
    if (!isDirectory) return undefined;
    const mode = /(^|\/)tmp$/.test(path) ? 0o1777 : 0o755;
    return { directory: fd, name: ITSELF, path, status: { ...status, mode } };
  }
}

interface Named {
  readonly name: BytePath;
  readonly path: BytePath;
}

function nameOf(path: BytePath): BytePath {
  return path.slice(path.lastIndexOf("/") + 1) as BytePath;
}

function isOtherMount(status: FileStatus, parent: FileStatus): boolean {
  return status.mountRoot ??
    (status.deviceMajor !== parent.deviceMajor || status.deviceMinor !== parent.deviceMinor);
}

/** What `look` finds, or undefined, with a note, where `path` has vanished or become something else. */
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
    note(`left out, it vanished while the tree was read: ${displayPath(path)}`);
    return undefined;
  }
}
