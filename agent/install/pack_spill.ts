/**
 * Copies on the target's disk of pieces that lie in memory and came faster than they are installed: memory is lost
 * with power, and they would have to be fetched again. They go as soon as the installation no longer needs them.
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import type { Bitfield } from "#contract/torrent/bitfield.ts";
import type { Metainfo } from "#contract/torrent/metainfo.ts";
import type { PieceStorage } from "#contract/torrent/ports.ts";
import { PackStore } from "./pack_store.ts";

const log = getLogger(["rackseed", "install"]);

export class PackSpill implements Disposable {
  readonly #store: PackStore;
  readonly #metainfo: Metainfo;
  /** What an earlier run had spilt, proved by its hashes. */
  readonly #found: Bitfield;
  #full = false;

  private constructor(store: PackStore, { metainfo, found }: { metainfo: Metainfo; found: Bitfield }) {
    this.#store = store;
    this.#metainfo = metainfo;
    this.#found = found;
  }

  /** `directory`: as for PackStore.lasting. */
  static async open(
    metainfo: Metainfo,
    { directory, signal }: { directory: string; signal: AbortSignal },
  ): Promise<PackSpill> {
    const store = await PackStore.lasting(metainfo.map, directory);
    try {
      return new PackSpill(store, { metainfo, found: await store.storage.verify(metainfo, signal) });
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
  }

  /** Brings back what an earlier run had spilt; returns which pieces these are. */
  restore(into: PieceStorage): Bitfield {
    const { map } = this.#metainfo;
    for (let piece = 0; piece < map.pieceCount; piece++) {
      if (this.#found.has(piece)) copy(piece, { map, from: this.#store.storage, into });
    }
    return this.#found;
  }

  /** Where the disk takes no more this ends by itself: it is a precaution only. */
  keep(piece: number, from: PieceStorage): void {
    if (this.#full) return;
    try {
      copy(piece, { map: this.#metainfo.map, from, into: this.#store.storage });
    } catch (error) {
      this.#full = true;
      log.warn("spill-ended", { error: messageOf(error) });
    }
  }

  /** No later run will find it. */
  async forget(): Promise<void> {
    this.#full = true;
    await this.#store.removeNames();
  }

  [Symbol.dispose](): void {
    this.#full = true;
    this.#store[Symbol.dispose]();
  }
}

function copy(
  piece: number,
  { map, from, into }: { map: Metainfo["map"]; from: PieceStorage; into: PieceStorage },
): void {
  const bytes = new Uint8Array(map.lengthOf(piece));
  from.read(map.startOf(piece), bytes);
  into.write(map.startOf(piece), bytes);
}
