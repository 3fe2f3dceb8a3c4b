import { Bitfield } from "#torrent/wire/bitfield.ts";
import { toHex } from "#torrent/metainfo/hex.ts";
import type { Metainfo } from "#torrent/metainfo/metainfo.ts";
import type { PeerNetwork } from "#torrent/session/peer_listener.ts";
import type { PeerAddress } from "#torrent/ports.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import { Swarm, type SwarmOptions, type SwarmStats } from "#torrent/session/swarm.ts";
import { CheckedStorage, type CheckedStorageOptions } from "./checked_storage.ts";
import type { Tracker } from "./tracker.ts";

type SeederRacks = Pick<SwarmOptions, "rack" | "rackOf">;

interface Seeding {
  readonly swarm: Swarm;
  readonly storage: CheckedStorage;
}

/**
 * Seeds every published version on one port, from wherever its files lie, and lists itself at the tracker.
 * It dials nobody: nodes come to it.
 */
export class Seeder implements AsyncDisposable {
  readonly #network: PeerNetwork;
  readonly #tracker: Tracker;
  readonly #addresses: readonly PeerAddress[];
  readonly #limit: RateLimit | undefined;
  readonly #racks: () => SeederRacks;
  readonly #closing = new AbortController();
  readonly #seedings = new Map<string, Seeding>();

  constructor(
    network: PeerNetwork,
    { tracker, hostnames, uploadLimit, racks = () => ({}) }: {
      tracker: Tracker;
      /** The IP addresses at which nodes reach this server. */
      hostnames: readonly string[];
      /** Of all torrents together; others may take from it too. */
      uploadLimit?: RateLimit;
      /** The server's own rack and that of every address, so that other racks get the pieces of ours. */
      racks?: () => SeederRacks;
    },
  ) {
    this.#network = network;
    this.#racks = racks;
    this.#tracker = tracker;
    this.#addresses = hostnames.map((hostname) => ({ hostname, port: network.port }));
    this.#limit = uploadLimit;
  }

  /**
   * Seeds a torrent; `paths` are its files' places, in its order. What is damaged or missing there is not given:
   * `onDamage` receives it. Returns the storage, for others that serve the same files.
   */
  add(
    metainfo: Metainfo,
    { paths, onDamage }: Pick<CheckedStorageOptions, "paths" | "onDamage">,
  ): CheckedStorage {
    const key = toHex(metainfo.infoHash);
    const seeding = this.#seedings.get(key);
    if (seeding) return seeding.storage;
    const storage = new CheckedStorage(metainfo, { paths, ...(onDamage && { onDamage }) });
    const swarm = Swarm.start({
      metainfo,
      storage,
      have: Bitfield.full(metainfo.map.pieceCount),
      network: this.#network,
      trackers: [],
      deals: true,
      ...this.#racks(),
      signal: this.#closing.signal,
      ...(this.#limit ? { uploadLimit: this.#limit } : {}),
    });
    this.#seedings.set(key, { swarm, storage });
    this.#tracker.add(metainfo.infoHash, this.#addresses);
    return storage;
  }

  /** Stops seeding and tracking a torrent; its files are free to be deleted afterwards. */
  async remove(infoHash: Uint8Array): Promise<void> {
    this.#tracker.remove(infoHash);
    const key = toHex(infoHash);
    const seeding = this.#seedings.get(key);
    this.#seedings.delete(key);
    await seeding?.swarm.close();
    seeding?.storage[Symbol.dispose]();
  }

  stats(infoHash: Uint8Array): SwarmStats | undefined {
    return this.#seedings.get(toHex(infoHash))?.swarm.stats();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const seedings = [...this.#seedings.values()];
    this.#seedings.clear();
    for (const { swarm, storage } of seedings) {
      await swarm.close();
      storage[Symbol.dispose]();
    }
  }
}
