/** Walks a live tree in the order of a manifest, on one file system and the mount points that belong to it. */
import { type BytePath, displayPath, joinPath } from "#contract/byte_path.ts";
import { codeOf, SysError } from "../sys/errno.ts";
import { type FileStatus, statAt, statOf } from "../sys/file_status.ts";
import { close, O, openAt, readDirectory } from "../sys/libc.ts";
import type { Excludes } from "./excludes.ts";

/** One name of the tree, while the directory that holds it is open. */
export interface Visit {
  /** Descriptor of the directory, and the name in it; the root is "." of itself. */
  readonly directory: number;
  readonly name: BytePath;
  readonly path: BytePath;
  readonly status: FileStatus;
}

export interface WalkOptions {
  readonly excludes: Excludes;
  /** Paths below the root where a further file system belongs to the tree ("boot/efi"). */
  readonly mountPoints: ReadonlySet<BytePath>;
  /** Told what the walk could not visit. */
  readonly note: (note: string) => void;
}

const MAX_PATH_BYTES = 4095;
const DIRECTORY = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** `root`: descriptor of an open directory. What vanishes between two looks is noted and left out. */
export function* walkTree(root: number, options: WalkOptions): Generator<Visit> {
  const status = statOf(root);
  yield { directory: root, name: "." as BytePath, path: "" as BytePath, status };
  yield* walkDirectory(root, { path: "" as BytePath, status, options });
}

function* walkDirectory(
  directory: number,
  { path: parent, status: parentStatus, options }: {
    path: BytePath;
    status: FileStatus;
    options: WalkOptions;
  },
): Generator<Visit> {
  const { excludes, note } = options;
  // code units are bytes: the default order is the order of bytes
  for (const name of readDirectory(directory).sort()) {
    const path = joinPath(parent, name);
    // before it is looked at, which a damaged one may not bear
    if (excludes.matches(path, { isDirectory: false })) continue;
    const status = ifThere(path, { note, look: () => statAt(directory, name) });
    if (status === undefined) continue;
    const isDirectory = status.type === "directory";
    if (isDirectory && excludes.matches(path, { isDirectory })) continue;
    if (path.length > MAX_PATH_BYTES) {
      note(`left out, its path is longer than ${MAX_PATH_BYTES} bytes: ${displayPath(path).slice(0, 200)}…`);
      continue;
    }
    yield { directory, name, path, status };
    if (!isDirectory) continue;
    if (isForeign(status, parentStatus) && !options.mountPoints.has(path)) {
      const child = joinPath(path, "x" as BytePath);
      if (!excludes.matches(child, { isDirectory: false })) {
        note(`left empty, another file system is mounted there: ${displayPath(path)}`);
      }
      continue;
    }
    const below = ifThere(path, { note, look: () => openAt(directory, name, { flags: DIRECTORY }) });
    if (below === undefined) continue;
    try {
      yield* walkDirectory(below, { path, status, options });
    } finally {
      close(below);
    }
  }
}

function isForeign(status: FileStatus, parent: FileStatus): boolean {
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
