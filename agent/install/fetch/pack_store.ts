/**
 * Where packs lie while a node installs from them and seeds them: in memory where there is room, else on the
 * target's own disk. In memory their names are removed as soon as they are open, so nothing of them can stay
 * behind: the room comes back when the swarm's files are closed. On the disk they keep their names until the
 * installation no longer needs them, so that one that is broken off goes on with what had come.
 */
import { FileStorage } from "#torrent/storage/file_storage.ts";
import type { PieceMap } from "#torrent/metainfo/piece_map.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { descriptorsBelow } from "../../sys/descriptors.ts";
import { statAt } from "../../sys/file_status.ts";
import { AT_FDCWD, close, O, openAt, readDirectory } from "../../sys/libc.ts";
import { removeTree } from "../../tree/remove_tree.ts";

/** What the agent, its workers and the page cache of a busy disk want beside the packs. */
const RESERVE_BYTES = 350 << 20;

/** @param meminfo /proc/meminfo */
export function fitsMemory(totalBytes: number, meminfo: string): boolean {
  const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;
  return available - totalBytes > RESERVE_BYTES;
}

export class PackStore implements Disposable {
  readonly storage: FileStorage;
  readonly #paths: ReadonlyMap<string, string>;
  /** Holds the packs' names, where they still have any. */
  #directory: string | undefined;

  private constructor(storage: FileStorage, paths: ReadonlyMap<string, string>) {
    this.storage = storage;
    this.#paths = paths;
  }

  /** `parent`: an existing directory; it is as empty afterwards as before. */
  static async temporary(map: PieceMap, parent: string): Promise<PackStore> {
    const directory = await Deno.makeTempDir({ dir: parent, prefix: ".rackseed-" });
    try {
      return await PackStore.#open(map, directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }

  /**
   * In `directory`, which only this process uses and no symlink leads to; it is made where it is not there. Packs
   * of an earlier run are opened again, everything else in it is removed.
   */
  static async lasting(map: PieceMap, directory: string): Promise<PackStore> {
    const there = await Deno.lstat(directory).catch(() => undefined);
    if (there && !there.isDirectory) await Deno.remove(directory);
    if (!there?.isDirectory) await Deno.mkdir(directory, { mode: 0o700 });
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

  /** A path by which a file of the torrent can be opened again, as long as the store is open. */
  path(name: string): string {
    const path = this.#paths.get(name);
    if (path === undefined) throw new RangeError(`the torrent has no file ${name}`);
    return path;
  }

  /** No later run will find the packs; this one goes on using them. */
  async removeNames(): Promise<void> {
    const directory = this.#directory;
    this.#directory = undefined;
    if (directory !== undefined) await Deno.remove(directory, { recursive: true });
  }

  [Symbol.dispose](): void {
    this.storage[Symbol.dispose]();
  }
}

/** What is left there is opened for writing: a link, symbolic or hard, could lead to another file or disk. */
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
