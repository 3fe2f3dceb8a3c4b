/**
 * Where packs lie while a node installs from them and seeds them: in memory where there is room, else on the
 * target's own disk. Their names are removed as soon as they are open, so nothing of them can stay behind, not
 * even after a crash: the room comes back when the swarm's files are closed.
 */
import { FileStorage } from "#contract/torrent/file_storage.ts";
import type { PieceMap } from "#contract/torrent/piece_map.ts";
import { descriptorsBelow } from "../sys/descriptors.ts";

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

  private constructor(storage: FileStorage, paths: ReadonlyMap<string, string>) {
    this.storage = storage;
    this.#paths = paths;
  }

  /** `parent`: an existing directory; it is as empty afterwards as before. */
  static async open(map: PieceMap, parent: string): Promise<PackStore> {
    const directory = await Deno.makeTempDir({ dir: parent, prefix: ".rackseed-" });
    try {
      const storage = FileStorage.open(map, directory);
      const prefix = `${await Deno.realPath(directory)}/`;
      const paths = [...await descriptorsBelow(directory)].map(([fd, path]): [string, string] => [
        path.slice(prefix.length),
        `/proc/self/fd/${fd}`,
      ]);
      return new PackStore(storage, new Map(paths));
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }

  /** A path by which a file of the torrent can be opened again, as long as the store is open. */
  path(name: string): string {
    const path = this.#paths.get(name);
    if (path === undefined) throw new RangeError(`the torrent has no file ${name}`);
    return path;
  }

  [Symbol.dispose](): void {
    this.storage[Symbol.dispose]();
  }
}
