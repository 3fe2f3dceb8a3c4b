/** A node's download of one version: the manifest first, verified; then frames as they complete; then seeding. */
import type { Order } from "#contract/api.ts";
import { decodeManifest, decodeManifestInTurns, type Manifest } from "#contract/format/manifest.ts";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import type { HttpSource } from "#torrent/web_seed/http_range.ts";
import type { Metainfo } from "#torrent/metainfo/metainfo.ts";
import type { PeerIdentity } from "#torrent/ports.ts";
import { PeerListener } from "#torrent/session/peer_listener.ts";
import type { FileRange, PieceMap } from "#torrent/metainfo/piece_map.ts";
import { RangeWaiter } from "#torrent/storage/range_waiter.ts";
import { type Giver, Swarm } from "#torrent/session/swarm.ts";
import { type DownloadSource, MAX_GIVERS, type TransferSources } from "#contract/api/distribution.ts";
import { FrameQueue } from "./frame_queue.ts";
import { frameRanges, MANIFEST, piecesHolding, wholeFile } from "./frame_ranges.ts";
import { openOrderedManifest } from "./ordered_image.ts";
import { PackStore } from "./pack_store.ts";
import { RateMeter } from "./rate_meter.ts";
import type { SwarmTerms } from "../../steps/swarm_terms.ts";

export interface DownloadProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly peers: number;
  readonly bytesPerSecond: number;
  readonly source: DownloadSource;
  readonly webSeedBytes: number;
  readonly sources: TransferSources;
  /** Sources of corrupt data: addresses of peers, URLs of web seeds. */
  readonly banned: string[];
}

interface DownloadOptions {
  readonly order: Order;
  /** Directory of the packs: temporary, or lasting so that a later process finds them. */
  readonly packs: { readonly temporary: string } | { readonly lasting: string };
  /** Fetches nothing but the manifest until `fetchOnly` is called. */
  readonly manifestOnly: boolean;
  /** Upload limit and racks. */
  readonly terms: SwarmTerms;
  /** Used when neither peers nor web seeds serve. */
  readonly httpsFallback?: HttpSource | undefined;
  /** Leaves the swarm when aborted. */
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
  /** Of the swarm that `fetchOnly` left. */
  #past = { downloadedBytes: 0, uploadedBytes: 0, webSeedBytes: 0, dealtBytes: 0, givers: [] as Giver[] };
  readonly #rate = new RateMeter();

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

  /** Joins the swarm. With lasting packs, starts from what an earlier run fetched. */
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
      // the swarm only notices a later abort
      signal.throwIfAborted();
      // where the swarm is an IPv6 one, its peers connect by IPv6
      const isIpv6 = options.order.swarm.announce.some((url) => url.includes("//["));
      const network = PeerListener.listen({ hostname: isIpv6 ? "::" : "0.0.0.0", port: 0 });
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
      // from the order, which came over TLS: what the torrent names outside its hashed part may be forged
      trackers: order.swarm.announce,
      webSeeds: order.swarm.webSeeds,
      webSeedsFirst: order.swarm.webSeedsFirst ?? false,
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

  /** Joins again for these frames of the manifest only. Call it before `frames`. */
  async fetchOnly(numbers: Iterable<number>, manifest: Manifest): Promise<void> {
    const { map } = this.#metainfo;
    const ranges = frameRanges(map, manifest);
    const needed = [...numbers].flatMap((number) => ranges[number] ?? []);
    const wanted = piecesHolding(map, [wholeFile(map, MANIFEST), ...needed]);
    await this.#swarm.close();
    this.#options.signal.throwIfAborted();
    const { downloadedBytes, uploadedBytes, webSeedBytes } = this.#swarm.stats();
    const { dealtBytes } = this.#swarm, givers = this.#swarm.givers();
    this.#past = { downloadedBytes, uploadedBytes, webSeedBytes, dealtBytes, givers };
    this.#swarm = this.#join(wanted);
  }

  /** Fetches the manifest before anything else. Throws RackseedError unless it is the ordered one. */
  async manifest(order: Order, { key, signal }: { key: Uint8Array; signal: AbortSignal }): Promise<Manifest> {
    const range = wholeFile(this.#metainfo.map, MANIFEST);
    this.#swarm.prioritize(this.#metainfo.map.piecesOf(range), 255);
    await this.#arrival(range, signal);
    const sealed = new Uint8Array(range.length);
    this.#store.storage.readFile(range, sealed);
    const text = openOrderedManifest(sealed, { order, key });
    // arriving frames wait for the manifest, so it is decoded at full speed; if none come yet, other work goes on
    return this.#options.manifestOnly ? await decodeManifestInTurns(text, otherWork) : decodeManifest(text);
  }

  /** Path of a pack of the manifest; valid until the download is disposed. */
  packPath(sha256: string): string {
    return this.#store.path(`${sha256}.pack`);
  }

  get map(): PieceMap {
    return this.#metainfo.map;
  }

  /** The pieces that have been fetched. */
  get have(): Bitfield {
    return this.#have;
  }

  /** Starts no further piece while this many are fetched or under way. Uploads are not affected. */
  beginAtMost(pieces: number): void {
    this.#swarm.beginAtMost(pieces);
  }

  /** Whether that limit keeps the swarm from starting another piece. */
  get isHeld(): boolean {
    return this.#swarm.isHeld;
  }

  /**
   * Numbers of the frames in the order in which they complete; fails if the swarm does. `only`: the needed ones;
   * default: all. `onFrame` is called as soon as a frame is complete, `onPiece` for every piece.
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

  /** A later run will not find what was fetched. */
  async forgetPacks(): Promise<void> {
    await this.#store.removeNames();
  }

  /** The rate covers the time since the last call. */
  progress(): DownloadProgress {
    const { wantedBytes, leftBytes, webSeedBytes, peers, source, banned } = this.#swarm.stats();
    const { downloadedBytes } = this;
    return {
      bytesDone: wantedBytes - leftBytes,
      bytesTotal: wantedBytes,
      peers,
      bytesPerSecond: this.#rate.perSecond(downloadedBytes),
      source,
      webSeedBytes,
      sources: this.#sources(),
      banned: banned.slice(0, 20).map(nameOf),
    };
  }

  #sources(): TransferSources {
    const { downloadedBytes, webSeedBytes } = this.#swarm.stats();
    const web = this.#past.webSeedBytes + webSeedBytes;
    const server = this.#past.dealtBytes + this.#swarm.dealtBytes;
    const peers = Math.max(0, this.#past.downloadedBytes + downloadedBytes - web - server);
    const givers = new Map(this.#past.givers.map((giver) => [giver.peerId, giver]));
    for (const giver of this.#swarm.givers()) {
      givers.set(giver.peerId, { ...giver, bytes: giver.bytes + (givers.get(giver.peerId)?.bytes ?? 0) });
    }
    const from = [...givers.values()].sort((a, b) => b.bytes - a.bytes).slice(0, MAX_GIVERS);
    return { peerId: this.#swarm.peerId, server, web, peers, from };
  }

  /** Bytes sent to others. */
  get uploadedBytes(): number {
    return this.#past.uploadedBytes + this.#swarm.stats().uploadedBytes;
  }

  /** Bytes received from others in this run. */
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
    // the swarm may end first: with everything it wanted, or with an error
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

/** Lets what is ready run first, and wastes no time if nothing is. */
function otherWork(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A web seed by its URL, a peer by its address. */
function nameOf({ hostname, port, peerId }: PeerIdentity): string {
  return URL.canParse(peerId) ? peerId.slice(0, 300) : `${hostname}:${port}`;
}
