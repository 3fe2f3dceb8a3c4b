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
  /** Undefined if it is only tracked. */
  readonly swarm: Swarm | undefined;
  readonly storage: CheckedStorage;
}

/**
 * Seeds every published version on one port, wherever its files are, and adds itself to the tracker's answers. It dials
 * nobody: nodes connect to it.
 *
 * @example
 * ```ts
 * import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
 * import { PeerListener } from "#torrent/session/peer_listener.ts";
 * import { Seeder } from "./seeder.ts";
 * import { Tracker } from "./tracker.ts";
 *
 * async function seed(torrent: Uint8Array, paths: readonly string[], until: Promise<void>) {
 *   using network = PeerListener.listen({ hostname: "0.0.0.0", port: 6881 });
 *   const tracker = new Tracker(Math.random);
 *   await using seeder = new Seeder(network, { tracker, hostnames: ["10.0.0.1"] });
 *   seeder.add(parseMetainfo(torrent), { paths, onDamage: (path, what) => console.warn(path, what) });
 *   await until;
 * }
 * ```
 */
export class Seeder implements AsyncDisposable {
  readonly #network: PeerNetwork;
  readonly #tracker: Tracker;
  readonly #addresses: readonly PeerAddress[];
  readonly #limit: RateLimit | undefined;
  readonly #racks: () => SeederRacks;
  readonly isOn: boolean;
  readonly #closing = new AbortController();
  readonly #seedings = new Map<string, Seeding>();
  /** Sent for torrents that are no longer seeded. */
  #pastBytes = 0;

  constructor(
    network: PeerNetwork,
    { tracker, hostnames, uploadLimit, racks = () => ({}), isOn = true }: {
      tracker: Tracker;
      /** The IP addresses at which nodes reach this server. */
      hostnames: readonly string[];
      /** For all torrents together. Others may share it. */
      uploadLimit?: RateLimit;
      /** The server's rack and that of every address, so that each piece crosses to another rack once. */
      racks?: () => SeederRacks;
      /** Off: torrents are tracked, and their files checked for others, but no piece is uploaded. */
      isOn?: boolean;
    },
  ) {
    this.#network = network;
    this.#racks = racks;
    this.isOn = isOn;
    this.#tracker = tracker;
    this.#addresses = hostnames.map((hostname) => ({ hostname, port: network.port }));
    this.#limit = uploadLimit;
  }

  /**
   * Seeds a torrent. `paths`: its files, in torrent order. Damaged or missing pieces are not served, and reported to
   * `onDamage`. Returns the storage, for others that serve the same files. `isHere`: if false, the torrent is only
   * tracked.
   */
  add(
    metainfo: Metainfo,
    { paths, onDamage, isHere = true }: Pick<CheckedStorageOptions, "paths" | "onDamage"> & {
      isHere?: boolean;
    },
  ): CheckedStorage {
    const key = toHex(metainfo.infoHash);
    const seeding = this.#seedings.get(key);
    if (seeding) return seeding.storage;
    const storage = new CheckedStorage(metainfo, { paths, ...(onDamage && { onDamage }) });
    const seeds = this.isOn && isHere;
    const swarm = !seeds ? undefined : Swarm.start({
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
    this.#tracker.add(metainfo.infoHash, seeds ? this.#addresses : []);
    return storage;
  }

  /** Stops seeding and tracking a torrent. Afterwards its files may be deleted. */
  async remove(infoHash: Uint8Array): Promise<void> {
    this.#tracker.remove(infoHash);
    const key = toHex(infoHash);
    const seeding = this.#seedings.get(key);
    this.#seedings.delete(key);
    await seeding?.swarm?.close();
    this.#pastBytes += seeding?.swarm?.stats().uploadedBytes ?? 0;
    seeding?.storage[Symbol.dispose]();
  }

  /** Payload bytes sent since the start, for all torrents. */
  get uploadedBytes(): number {
    return this.#seedings.values().reduce(
      (sum, { swarm }) => sum + (swarm?.stats().uploadedBytes ?? 0),
      this.#pastBytes,
    );
  }

  stats(infoHash: Uint8Array): SwarmStats | undefined {
    return this.#seedings.get(toHex(infoHash))?.swarm?.stats();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const seedings = [...this.#seedings.values()];
    this.#seedings.clear();
    for (const { swarm, storage } of seedings) {
      await swarm?.close();
      storage[Symbol.dispose]();
    }
  }
}
