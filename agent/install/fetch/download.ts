/** A version's torrent on a node: the manifest first, proved; then frames as they become complete; then seeding. */
import type { Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import {
  decodeManifest,
  decodeManifestInTurns,
  type Manifest,
  manifestId,
  MAX_MANIFEST_BYTES,
} from "#contract/format/manifest.ts";
import { open } from "#native/open_sealed.ts";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import { toHex } from "#torrent/metainfo/hex.ts";
import type { HttpSource } from "#torrent/web_seed/http_range.ts";
import { type Metainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import type { PeerIdentity } from "#torrent/ports.ts";
import { PeerListener } from "#torrent/session/peer_listener.ts";
import type { FileRange, PieceMap } from "#torrent/metainfo/piece_map.ts";
import { RangeWaiter } from "#torrent/storage/range_waiter.ts";
import { Swarm } from "#torrent/session/swarm.ts";
import type { DownloadSource } from "#contract/api/distribution.ts";
import { FrameQueue } from "./frame_queue.ts";
import { frameRanges, MANIFEST, piecesHolding, wholeFile } from "./frame_ranges.ts";
import { PackStore } from "./pack_store.ts";
import type { SwarmTerms } from "../../steps/swarm_terms.ts";

export interface DownloadProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly peers: number;
  readonly bytesPerSecond: number;
  readonly source: DownloadSource;
  readonly webSeedBytes: number;
  /** Who sent corrupt data: addresses, URLs of web seeds. */
  readonly banned: string[];
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

interface DownloadOptions {
  readonly order: Order;
  /** Where packs lie: in a directory for as long as this process lives, or so that a later one finds them. */
  readonly packs: { readonly temporary: string } | { readonly lasting: string };
  /** Nothing but the manifest is fetched until `fetchOnly` says what. */
  readonly manifestOnly: boolean;
  /** Upload limit and racks. */
  readonly terms: SwarmTerms;
  /** Asked where neither peers nor web seeds serve. */
  readonly httpsFallback?: HttpSource | undefined;
  /** Aborting it leaves the swarm. */
  readonly signal: AbortSignal;
}

export class Download implements AsyncDisposable {
  readonly #options: DownloadOptions;
  readonly #store: PackStore;
  readonly #network: PeerListener;
  readonly #metainfo: Metainfo;
  readonly #have: Bitfield;
  readonly #waiter: RangeWaiter<() => void>;
  #swarm: Swarm;
  #onPiece = () => {};
  /** Of the swarm before `fetchOnly`. */
  #past = { downloadedBytes: 0, uploadedBytes: 0 };
  #rate = { at: performance.now(), bytes: 0, perSecond: 0 };

  private constructor(
    metainfo: Metainfo,
    { store, have, network, options }: {
      store: PackStore;
      have: Bitfield;
      network: PeerListener;
      options: DownloadOptions;
    },
  ) {
    this.#metainfo = metainfo;
    this.#options = options;
    this.#store = store;
    this.#have = have;
    this.#network = network;
    this.#waiter = new RangeWaiter(metainfo.map, have);
    const { map } = metainfo;
    const wanted = options.manifestOnly ? piecesHolding(map, [wholeFile(map, MANIFEST)]) : undefined;
    this.#swarm = this.#join(wanted);
  }

  /** Joins the swarm with what an earlier run had fetched, where packs last. */
  static async start(metainfo: Metainfo, options: DownloadOptions): Promise<Download> {
    const { packs, signal } = options;
    const lasting = "lasting" in packs;
    const store = lasting
      ? await PackStore.lasting(metainfo.map, packs.lasting)
      : await PackStore.temporary(metainfo.map, packs.temporary);
    try {
      const have = lasting
        ? await store.storage.verify(metainfo, signal)
        : new Bitfield(metainfo.map.pieceCount);
      // the swarm hears only an abort that comes later
      signal.throwIfAborted();
      const network = PeerListener.listen({ hostname: "0.0.0.0", port: 0 });
      return new Download(metainfo, { store, have, network, options });
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
  }

  #join(wanted: Bitfield | undefined): Swarm {
    const { order, terms, httpsFallback, signal } = this.#options;
    const swarm = Swarm.start({
      metainfo: this.#metainfo,
      storage: this.#store.storage,
      have: this.#have,
      ...(wanted && { wanted }),
      network: this.#network,
      // The order came over TLS. What the torrent names outside its hashed part, anybody may have written.
      trackers: order.swarm.announce,
      webSeeds: order.swarm.webSeeds,
      ...(httpsFallback && { httpsFallback }),
      uploadLimit: terms.uploadLimit,
      ...(terms.ownRack !== undefined && { rack: terms.ownRack, rackOf: terms.rackOf }),
      signal,
      onPiece: (piece) => {
        for (const ready of this.#waiter.pieceDone(piece)) ready();
        this.#onPiece();
      },
    });
    swarm.addPeers(order.fallback?.peers ?? []);
    return swarm;
  }

  /** Joins again for these frames of the manifest alone; to be called before `frames`. */
  async fetchOnly(numbers: Iterable<number>, manifest: Manifest): Promise<void> {
    const { map } = this.#metainfo;
    const ranges = frameRanges(map, manifest);
    const needed = [...numbers].flatMap((number) => ranges[number] ?? []);
    const wanted = piecesHolding(map, [wholeFile(map, MANIFEST), ...needed]);
    const { downloadedBytes, uploadedBytes } = this.#swarm.stats();
    await this.#swarm.close();
    this.#options.signal.throwIfAborted();
    this.#past = { downloadedBytes, uploadedBytes };
    this.#swarm = this.#join(wanted);
  }

  /** Fetches the manifest before anything else; believes it only where id and header are the ordered ones. */
  async manifest(order: Order, { key, signal }: { key: Uint8Array; signal: AbortSignal }): Promise<Manifest> {
    const range = wholeFile(this.#metainfo.map, MANIFEST);
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
    // frames that come in meanwhile wait for it
    return this.#options.manifestOnly ? await decodeManifestInTurns(text) : decodeManifest(text);
  }

  /** Path of a pack of the manifest; good until the download is disposed. */
  packPath(sha256: string): string {
    return this.#store.path(`${sha256}.pack`);
  }

  get map(): PieceMap {
    return this.#metainfo.map;
  }

  /** The pieces that are here. */
  get have(): Bitfield {
    return this.#have;
  }

  /** Begins no piece while so many are here or under way; others are served all the same. */
  beginAtMost(pieces: number): void {
    this.#swarm.beginAtMost(pieces);
  }

  /** Whether that keeps it from beginning another. */
  get isHeld(): boolean {
    return this.#swarm.isHeld;
  }

  /**
   * Numbers of the frames in the order in which they become complete; fails where the swarm does. `only`: the
   * needed ones, all where absent. `onFrame` is told of each as soon as it is complete, `onPiece` of every piece.
   */
  frames(
    manifest: Manifest,
    { only, onFrame = () => {}, onPiece = () => {} }: {
      only?: Iterable<number> | undefined;
      onFrame?: (frame: number) => void;
      onPiece?: () => void;
    } = {},
  ): AsyncIterable<number> {
    this.#onPiece = onPiece;
    const { map } = this.#metainfo;
    const ranges = frameRanges(map, manifest);
    const numbers = [...only ?? ranges.keys()];
    const queue = new FrameQueue(numbers.length);
    this.#swarm.done.catch((error) => queue.fail(error));
    for (const number of numbers) {
      const range = ranges[number];
      const complete = () => {
        queue.push(number);
        onFrame(number);
      };
      if (range && this.#waiter.add(range, complete)) complete();
    }
    return queue;
  }

  /** What has come is of no use to a later run any more. */
  async forgetPacks(): Promise<void> {
    await this.#store.removeNames();
  }

  /** The rate is that since the last call. */
  progress(): DownloadProgress {
    const { wantedBytes, leftBytes, webSeedBytes, peers, source, banned } = this.#swarm.stats();
    const { downloadedBytes } = this;
    const now = performance.now(), { at, bytes } = this.#rate;
    if (now - at >= 500) {
      const perSecond = Math.round((downloadedBytes - bytes) * 1000 / (now - at));
      this.#rate = { at: now, bytes: downloadedBytes, perSecond };
    }
    return {
      bytesDone: wantedBytes - leftBytes,
      bytesTotal: wantedBytes,
      peers,
      bytesPerSecond: this.#rate.perSecond,
      source,
      webSeedBytes,
      banned: banned.slice(0, 20).map(nameOf),
    };
  }

  /** Bytes that others have had of this node. */
  get uploadedBytes(): number {
    return this.#past.uploadedBytes + this.#swarm.stats().uploadedBytes;
  }

  /** Bytes that this run has had of others. */
  get downloadedBytes(): number {
    return this.#past.downloadedBytes + this.#swarm.stats().downloadedBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#swarm.close();
    this.#network[Symbol.dispose]();
    this.#store[Symbol.dispose]();
  }

  async #arrival(range: FileRange, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
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

/** A web seed by its URL, a peer by its address. */
function nameOf({ hostname, port, peerId }: PeerIdentity): string {
  return URL.canParse(peerId) ? peerId.slice(0, 300) : `${hostname}:${port}`;
}
