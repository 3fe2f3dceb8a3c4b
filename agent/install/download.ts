/** A version's torrent on a node: the manifest first, proved; then frames as they become complete; then seeding. */
import type { Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { decodeManifest, type Manifest, manifestId, MAX_MANIFEST_BYTES } from "#contract/manifest.ts";
import { open } from "#contract/sealed.ts";
import { Bitfield } from "#contract/torrent/bitfield.ts";
import { toHex } from "#contract/torrent/hex.ts";
import { type Metainfo, parseMetainfo } from "#contract/torrent/metainfo.ts";
import { PeerListener } from "#contract/torrent/peer_listener.ts";
import type { FileRange } from "#contract/torrent/piece_map.ts";
import { RangeWaiter } from "#contract/torrent/range_waiter.ts";
import { Swarm } from "#contract/torrent/swarm.ts";
import { FrameQueue } from "./frame_queue.ts";
import { PackStore } from "./pack_store.ts";
import type { SwarmTerms } from "./swarm_terms.ts";

const MANIFEST = "manifest.rsm";

export interface DownloadProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly peers: number;
  readonly bytesPerSecond: number;
}

/** Parses the torrent file and proves that it is the ordered one. Throws RackseedError. */
export function orderedMetainfo(bytes: Uint8Array, { swarm }: Order): Metainfo {
  const metainfo = parseMetainfo(bytes);
  if (toHex(metainfo.infoHash) === swarm.infoHash.toLowerCase()) return metainfo;
  throw new RackseedError("cannot use the torrent of the image", {
    reason: "its info hash is not the ordered one.",
    remedy: "deploy again; if it stays, verify the image on the server.",
  });
}

export class Download implements AsyncDisposable {
  readonly #swarm: Swarm;
  readonly #store: PackStore;
  readonly #network: PeerListener;
  readonly #metainfo: Metainfo;
  readonly #waiter: RangeWaiter<() => void>;
  #rate = { at: performance.now(), bytes: 0, perSecond: 0 };

  private constructor(
    { swarm, store, network, metainfo, waiter }: {
      swarm: Swarm;
      store: PackStore;
      network: PeerListener;
      metainfo: Metainfo;
      waiter: RangeWaiter<() => void>;
    },
  ) {
    this.#swarm = swarm;
    this.#store = store;
    this.#network = network;
    this.#metainfo = metainfo;
    this.#waiter = waiter;
  }

  /** Joins the swarm. `directory`: where the packs may lie. Aborting `signal` leaves it. */
  static async start(
    metainfo: Metainfo,
    { order, directory, terms, signal }: {
      order: Order;
      directory: string;
      terms: SwarmTerms;
      signal: AbortSignal;
    },
  ): Promise<Download> {
    const store = await PackStore.open(metainfo.map, directory);
    try {
      const have = new Bitfield(metainfo.map.pieceCount);
      const waiter = new RangeWaiter<() => void>(metainfo.map, have);
      const network = PeerListener.listen({ hostname: "0.0.0.0", port: 0 });
      const swarm = Swarm.start({
        metainfo,
        storage: store.storage,
        have,
        network,
        trackers: order.swarm.announce,
        uploadLimit: terms.uploadLimit,
        signal,
        onPiece: (piece) => waiter.pieceDone(piece).forEach((ready) => ready()),
      });
      return new Download({ swarm, store, network, metainfo, waiter });
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
  }

  /** Fetches the manifest before anything else; believes it only where id and header are the ordered ones. */
  async manifest(order: Order, { key, signal }: { key: Uint8Array; signal: AbortSignal }): Promise<Manifest> {
    const range = this.#wholeFile(MANIFEST);
    this.#swarm.prioritize(this.#metainfo.map.piecesOf(range), 255);
    await this.#arrival(range, signal);
    const sealed = new Uint8Array(range.length);
    this.#store.storage.readFile(range, sealed);
    const text = open(sealed, { key, maxRawBytes: MAX_MANIFEST_BYTES });
    const header = Buffer.from(text.buffer, text.byteOffset, Math.max(0, text.indexOf(10))).toString("utf8");
    if (manifestId(text) !== order.manifest.id || header !== order.manifest.header) {
      throw new RackseedError(`cannot believe the manifest of ${order.image}@${order.version}`, {
        reason: "it is not the one that the server signed.",
        remedy: "verify the image on the server, then deploy again.",
      });
    }
    return decodeManifest(text);
  }

  /** Path of a pack of the manifest; good until the download is disposed. */
  packPath(sha256: string): string {
    return this.#store.path(`${sha256}.pack`);
  }

  /** Numbers of the frames in the order in which they become complete; fails where the swarm does. */
  frames({ header, frames }: Manifest): AsyncIterable<number> {
    const queue = new FrameQueue(frames.length);
    this.#swarm.done.catch((error) => queue.fail(error));
    const files = header.packs.map(({ sha256 }) => this.#wholeFile(`${sha256}.pack`).file);
    frames.forEach(({ pack, offset, sealedBytes }, number) => {
      const range = { file: files[pack] ?? 0, offset, length: sealedBytes };
      if (this.#waiter.add(range, () => queue.push(number))) queue.push(number);
    });
    return queue;
  }

  /** The rate is that since the last call. */
  progress(): DownloadProgress {
    const { leftBytes, downloadedBytes, peers } = this.#swarm.stats();
    const now = performance.now(), { at, bytes } = this.#rate;
    if (now - at >= 500) {
      const perSecond = Math.round((downloadedBytes - bytes) * 1000 / (now - at));
      this.#rate = { at: now, bytes: downloadedBytes, perSecond };
    }
    const bytesTotal = this.#metainfo.map.totalLength;
    return { bytesDone: bytesTotal - leftBytes, bytesTotal, peers, bytesPerSecond: this.#rate.perSecond };
  }

  /** Bytes that others have had of this node. */
  get uploadedBytes(): number {
    return this.#swarm.stats().uploadedBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#swarm.close();
    this.#network[Symbol.dispose]();
    this.#store[Symbol.dispose]();
  }

  #wholeFile(name: string): FileRange {
    const file = this.#metainfo.map.files.findIndex((f) => f.name === name);
    const length = this.#metainfo.map.files[file]?.length;
    if (length !== undefined) return { file, offset: 0, length };
    throw new RackseedError("cannot use the torrent of the image", {
      reason: `it has no ${name}.`,
      remedy: "verify the image on the server, then deploy again.",
    });
  }

  async #arrival(range: FileRange, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#waiter.add(range, resolve)) return;
    // fulfilled before the rest has come, or rejected with what ended the swarm
    this.#swarm.done.then(resolve, reject);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
