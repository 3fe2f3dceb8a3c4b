/**
 * Holds the packs while a node installs from them and seeds them: in memory if there is room, else on the target's
 * disk. In memory their names are removed as soon as they are open, so nothing is left behind: closing the swarm's
 * files frees the space. On the disk they keep their names until the installation no longer needs them, so that an
 * interrupted one resumes with the pieces it had.
 */
import { FileStorage } from "#torrent/storage/file_storage.ts";
import type { PieceMap } from "#torrent/metainfo/piece_map.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { descriptorsBelow } from "../../sys/descriptors.ts";
import { statAt } from "../../sys/file_status.ts";
import { AT_FDCWD, close, O, openAt, readDirectory } from "../../sys/libc.ts";
import { removeTree } from "../../tree/remove_tree.ts";

/** Memory that the agent, its workers and the page cache of a busy disk need besides the packs. */
const RESERVE_BYTES = 350 << 20;

/** `meminfo`: the text of /proc/meminfo. */
export function fitsMemory(totalBytes: number, meminfo: string): boolean {
  const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;
  return available - totalBytes > RESERVE_BYTES;
}

/**
 * Makes the directory `memory` if packs of `totalBytes` fit into the machine's memory; else returns undefined. If
 * nothing is written to the target, the packs are hardly needed and always fit.
 */
export async function memoryFor(
  totalBytes: number,
  { memory, writes }: { memory: string; writes: boolean },
): Promise<string | undefined> {
  if (writes && !fitsMemory(totalBytes, await Deno.readTextFile("/proc/meminfo"))) return undefined;
  await Deno.mkdir(memory, { recursive: true });
  return memory;
}

export class PackStore implements Disposable {
  readonly storage: FileStorage;
  readonly #paths: ReadonlyMap<string, string>;
  /** The directory with the packs' names, while they have any. */
  #directory: string | undefined;

  private constructor(storage: FileStorage, paths: ReadonlyMap<string, string>) {
    this.storage = storage;
    this.#paths = paths;
  }

  /** `parent`: an existing directory. Nothing is left in it. */
  static async temporary(map: PieceMap, parent: string): Promise<PackStore> {
    const directory = await Deno.makeTempDir({ dir: parent, prefix: ".rackseed-" });
    try {
      return await PackStore.#open(map, directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }

  /**
   * In `directory`, which only this process uses and no symlink leads to; it is made if missing. Packs of an earlier
   * run are opened again, and everything else in it is removed.
   */
  static async lasting(map: PieceMap, directory: string): Promise<PackStore> {
    const existing = await Deno.lstat(directory).catch(() => undefined);
    if (existing && !existing.isDirectory) await Deno.remove(directory);
    if (!existing?.isDirectory) await Deno.mkdir(directory, { mode: 0o700 });
    keepOnlyFiles(directory, new Set(map.files.map(({ name }) => name)));
    const store = await PackStore.#open(map, directory);
    store.#directory = directory;
    return store;
  }

  static async #open(map: PieceMap, directory: string): Promise<PackStore> {
    const storage = FileStorage.open(map, directory);
    const prefix = `${await Deno.realPath(directory)}/`;
    const paths = [...await descriptorsBelow(directory)].map(([fd, path]): [string, string] => [
      path.slice(prefix.length),
      `/proc/self/fd/${fd}`,
    ]);
    return new PackStore(storage, new Map(paths));
  }

  /** A path that opens a file of the torrent again, as long as the store is open. */
  path(name: string): string {
    const path = this.#paths.get(name);
    if (path === undefined) throw new RangeError(`the torrent has no file ${name}`);
    return path;
  }

  /** Removes the packs' names: no later run will find them, but this one can still use them. */
  async removeNames(): Promise<void> {
    const directory = this.#directory;
    this.#directory = undefined;
    if (directory !== undefined) await Deno.remove(directory, { recursive: true });
  }

  [Symbol.dispose](): void {
    this.storage[Symbol.dispose]();
  }
}

/** The files that stay are opened for writing: a symbolic or hard link could lead to another file or disk. */
function keepOnlyFiles(directory: string, names: ReadonlySet<string>): void {
  const fd = openAt(AT_FDCWD, bytePathOfText(directory), { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW });
  try {
    for (const name of readDirectory(fd)) {
      const { type, links } = statAt(fd, name);
      if (type !== "file" || links !== 1 || !names.has(name)) removeTree(fd, name);
    }
  } finally {
    close(fd);
  }
}
