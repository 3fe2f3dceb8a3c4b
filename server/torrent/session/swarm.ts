import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { Announcer } from "../tracker/announcer.ts";
import { ReadCoalescer } from "./read_coalescer.ts";
import type { Bitfield } from "../wire/bitfield.ts";
import { DamageWatch } from "./damage_watch.ts";
import { WebSeedFallback } from "../web_seed/web_seed_fallback.ts";
import { type Handshake, isOwnPeerId, makePeerId, peerIdText } from "../wire/handshake.ts";
import { toHex } from "../metainfo/hex.ts";
import { webSeedAt } from "../web_seed/http_range.ts";
import { type Giver, type Member, Membership } from "./membership.ts";
import { HAVE_BATCH, Peer, type PeerEffects } from "./peer.ts";
import type { PeerIdentity } from "../ports.ts";
import { PeerLink } from "./peer_link.ts";
import { PieceCompletion } from "./piece_completion.ts";
import { PieceAssembler } from "../storage/piece_assembler.ts";
import { Picker } from "../choice/picker.ts";
import type { PieceMap, PieceRange } from "../metainfo/piece_map.ts";
import type { Clock, Connection, PeerAddress, Random } from "../ports.ts";
import { RequestBudget } from "../choice/request_window.ts";
import type { SwarmOptions } from "./swarm_options.ts";
import { type SwarmStats, swarmStats } from "./swarm_stats.ts";
import { UploadStrategy } from "./upload_strategy.ts";
import { systemClock } from "../system_ports.ts";
import { announce as announceByUrl } from "../tracker/tracker_client.ts";
import type { WebSeed } from "../web_seed/web_seed.ts";
import { WebSeeds } from "../web_seed/web_seeds.ts";

export type { Giver, SwarmOptions, SwarmStats };

const TICK_MS = 1_000;
/** The pause between reads of slow connections. The more peers there are, the less each of them sends. */
const READ_PAUSE_MS = { min: 10, perPeer: 5, max: 80 };
const STOP_TIMEOUT_MS = 2_000;

const log = getLogger(["rackseed", "swarm"]);

/**
 * Downloads and uploads one torrent until closed. A complete swarm goes on seeding.
 *
 * @example
 * ```ts
 * import { Bitfield } from "#torrent/wire/bitfield.ts";
 * import { FileStorage } from "#torrent/storage/file_storage.ts";
 * import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
 * import { PeerListener } from "#torrent/session/peer_listener.ts";
 * import { Swarm } from "#torrent/session/swarm.ts";
 *
 * async function download(torrent: Uint8Array, directory: string, signal: AbortSignal) {
 *   const metainfo = parseMetainfo(torrent);
 *   using storage = FileStorage.open(metainfo.map, directory);
 *   using network = PeerListener.listen({ hostname: "0.0.0.0", port: 0 });
 *   const have = new Bitfield(metainfo.map.pieceCount);
 *   const swarm = Swarm.start({ metainfo, storage, have, network, signal });
 *   await swarm.done;
 *   await swarm.close();
 * }
 * ```
 */
export class Swarm {
  /** Resolves when every wanted piece is verified. Rejects if the swarm fails, or is closed before that. */
  readonly done: Promise<void>;
  readonly map: PieceMap;
  readonly have: Bitfield;
  readonly #options: SwarmOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #peerId: Uint8Array;
  readonly #picker: Picker<Peer | WebSeed>;
  readonly #assembler: PieceAssembler;
  readonly #announcer: Announcer;
  readonly #webSeeds: WebSeeds;
  readonly #webSeedFallback: WebSeedFallback;
  readonly #membership: Membership;
  readonly #completion: PieceCompletion;
  readonly #budget = new RequestBudget();
  readonly #uploads: UploadStrategy;
  readonly #closing = new AbortController();
  readonly #coalescer: ReadCoalescer;
  readonly #settle: { resolve: () => void; reject: (error: unknown) => void };
  readonly #damage = new DamageWatch();
  #closed: Promise<void> | undefined;
  #isFlushScheduled = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(options: SwarmOptions) {
    const { metainfo, storage, have } = options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // without a caller that awaits `done`, a failure is only logged
    promise.catch(() => {});
    this.done = promise;
    this.map = metainfo.map;
    this.have = have;
    this.#options = options;
    this.#settle = { resolve, reject };
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#peerId = options.peerId ?? makePeerId(this.#random);
    this.#picker = new Picker(this.map, { have, wanted: options.wanted, random: this.#random });
    this.#uploads = this.#makeUploads();
    this.#assembler = new PieceAssembler(this.map, { hashes: metainfo.info.pieceHashes, storage });
    this.#membership = this.#makeMembership();
    this.#coalescer = new ReadCoalescer(this.#clock, {
      lengthMs: () =>
        Math.min(READ_PAUSE_MS.max, READ_PAUSE_MS.min + READ_PAUSE_MS.perPeer * this.#membership.size),
      signal: this.#closing.signal,
    });
    this.#webSeeds = this.#makeWebSeeds();
    this.#completion = new PieceCompletion({
      picker: this.#picker,
      assembler: this.#assembler,
      membership: this.#membership,
      webSeeds: this.#webSeeds,
      subject: this.#subject,
      onVerified: (piece) => this.#onVerified(piece),
    });
    this.#webSeedFallback = new WebSeedFallback({ now: this.#clock.now(), random: this.#random });
    this.#announcer = this.#makeAnnouncer();
  }

  static start(options: SwarmOptions): Swarm {
    const swarm = new Swarm(options);
    const { signal } = swarm.#closing;
    const unregister = options.network.register(
      options.metainfo.infoHash,
      (introduction) => void swarm.#membership.accept(introduction),
    );
    signal.addEventListener("abort", unregister);
    options.signal.addEventListener("abort", () => void swarm.close(), { signal });
    swarm.#running = Promise.all([swarm.#announcer.run(signal), swarm.#tickAll(signal)])
      .catch((error) => swarm.#fail(error));
    if (swarm.#picker.missingCount === 0) swarm.#settle.resolve();
    if (options.signal.aborted) void swarm.close();
    return swarm;
  }

  /** Adds peers that no tracker named. */
  addPeers(addresses: readonly PeerAddress[]): void {
    this.#membership.addAddresses(addresses);
  }

  /** Fetches these pieces first. Levels go from 0 (default) to 255; higher comes first. */
  prioritize(pieces: PieceRange, level: number): void {
    this.#picker.prioritize(pieces, level);
  }

  /** Begins no new piece while this many are held or in progress. Begun pieces are finished, uploads go on. */
  beginAtMost(pieces: number): void {
    this.#picker.maxBegun = pieces;
    if (this.#picker.isHeld) return;
    for (const peer of this.#membership.peers) peer.refill();
    this.#webSeeds.pump();
  }

  /** Whether `beginAtMost` currently keeps it from beginning a piece. */
  get isHeld(): boolean {
    return this.#picker.isHeld;
  }

  stats(): SwarmStats {
    return swarmStats({
      map: this.map,
      picker: this.#picker,
      wanted: this.#options.wanted,
      membership: this.#membership,
      webSeeds: this.#webSeeds,
      banned: this.#completion.banned,
    });
  }

  /** By which other peers know us. */
  get peerId(): string {
    return peerIdText(this.#peerId);
  }

  /** Payload bytes received from the image server's own seeder. */
  get dealtBytes(): number {
    return this.#membership.dealtBytes;
  }

  /** The other peers that gave something, with what they gave. */
  givers(): Giver[] {
    return this.#membership.givers();
  }

  /** Leaves the swarm: closes every connection and announces "stopped". The storage stays open. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.#membership.close();
    this.#webSeeds.close();
    this.#settle.reject(new DOMException("The swarm was closed before it was complete.", "AbortError"));
    await this.#running;
    await this.#announcer.stop(AbortSignal.timeout(STOP_TIMEOUT_MS));
  }

  /** The fault is ours or the disk's: this swarm ends, and logs why. */
  #fail(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    log.error("swarm-failed", { ...this.#subject, error: messageOf(error) });
    this.#settle.reject(error);
    void this.close();
  }

  get #subject(): { torrent: string; infoHash: string } {
    const { info, infoHash } = this.#options.metainfo;
    return { torrent: info.name, infoHash: toHex(infoHash) };
  }

  // Parts

  #makeUploads(): UploadStrategy {
    const { deals, rack, rackOf } = this.#options;
    return new UploadStrategy({
      map: this.map,
      picker: this.#picker,
      peers: () => this.#membership.peers,
      budget: this.#budget,
      ownId: peerIdText(this.#peerId),
      random: this.#random,
      deals,
      rack,
      rackOf,
    });
  }

  #makeMembership(): Membership {
    const { metainfo: { infoHash }, network } = this.#options;
    return new Membership({
      infoHash,
      peerId: this.#peerId,
      network,
      clock: this.#clock,
      signal: this.#closing.signal,
      makePeer: (identity, connected) => this.#makePeer(identity, connected),
      isComplete: () => this.#picker.missingCount === 0,
      isEnding: () => this.#picker.isEnding,
      onFault: (error) => this.#fail(error),
    });
  }

  #makeAnnouncer(): Announcer {
    const { metainfo, network, trackers = metainfo.announce, announce = announceByUrl } = this.#options;
    return new Announcer(trackers, {
      announce,
      clock: this.#clock,
      random: this.#random,
      request: () => {
        const { uploadedBytes: uploaded, downloadedBytes: downloaded, leftBytes: left } = this.stats();
        const { infoHash } = metainfo;
        return { infoHash, peerId: this.#peerId, port: network.port, uploaded, downloaded, left };
      },
      onResponse: ({ peers }) => this.addPeers(peers),
    });
  }

  #makeWebSeeds(): WebSeeds {
    const { metainfo, webSeeds = metainfo.webSeeds, httpsFallback, downloadLimit } = this.#options;
    const urls = webSeeds.filter((url) => /^https?:/.test(url));
    return new WebSeeds([urls.map(webSeedAt), httpsFallback ? [httpsFallback] : []], {
      torrent: metainfo.info.name,
      map: this.map,
      picker: this.#picker,
      clock: this.#clock,
      downloadLimit,
      effectsOf: (seed) => ({
        store: (piece, data) => this.#orFail(() => this.#assembler.write(piece, data)),
        blockAborted: (piece) => this.#assembler.invalidate(piece),
        blockReceived: (piece, outcome) =>
          this.#orFail(() => this.#completion.blockReceived(seed, { piece, ...outcome })),
      }),
    }, { onDamagedCopy: (error) => this.#damage.report(error) });
  }

  /** Fails the swarm if `act` throws: such a fault is ours or the disk's, not the web seed's. */
  #orFail(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #makePeer(
    identity: PeerIdentity,
    { connection, handshake, member }: { connection: Connection; handshake: Handshake; member: () => Member },
  ): { peer: Peer; link: PeerLink } {
    const { storage, uploadLimit, downloadLimit, deals } = this.#options;
    const peer = new Peer(identity, {
      map: this.map,
      picker: this.#picker,
      fast: handshake.fast,
      own: isOwnPeerId(handshake.peerId),
      far: this.#uploads.isFar(identity.hostname),
      deals: deals ?? false,
      budget: this.#budget,
      effects: this.#effectsOf(member),
    });
    const link = new PeerLink(peer, {
      connection,
      map: this.map,
      storage,
      uploadLimit,
      downloadLimit,
      clock: this.#clock,
      coalescer: this.#coalescer,
    });
    return { peer, link };
  }

  #effectsOf(member: () => Member): PeerEffects {
    return {
      wake: () => member().link.wake(),
      interestChanged: () => this.#uploads.interestChanged(member().peer),
      listensOn: (port) => this.#membership.listensOn(port, member().peer.identity),
      store: (piece, data) => this.#assembler.write(piece, data),
      blockAborted: (piece) => this.#assembler.invalidate(piece),
      closed: () => this.#uploads.removePeer(member().peer),
      gainedPiece: (piece) => this.#uploads.gainedPiece(member().peer, piece),
      requestQueued: (piece) => this.#uploads.requestQueued(member().peer, piece),
      suggestionDeclined: (piece) => this.#uploads.suggestionDeclined(member().peer, piece),
      blockReceived: (piece, outcome) => this.#completion.blockReceived(member().peer, { piece, ...outcome }),
    };
  }

  // Pieces

  #onVerified(piece: number): void {
    void this.#flushHavesLater();
    try {
      this.#options.onPiece?.(piece);
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#picker.missingCount > 0) return;
    log.info("swarm-complete", { ...this.#subject, ...this.stats() });
    this.#settle.resolve();
    this.#announcer.complete();
  }

  /** Sends the "have" messages that did not go out with other messages in the meantime. */
  async #flushHavesLater(): Promise<void> {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    await this.#clock.sleep(HAVE_BATCH.waitMs, this.#closing.signal);
    this.#isFlushScheduled = false;
    for (const { peer, link } of this.#membership.members) if (peer.outbox.length > 0) link.wake();
  }

  // Time

  #watchDamage(): void {
    const { have } = this;
    const error = this.#damage.tick({
      received: this.#membership.total("downloaded") + this.#webSeeds.total("downloaded"),
      isComplete: this.#picker.missingCount === 0,
      hasSource: () =>
        this.#membership.peers.some((peer) => !peer.isDealer && hasMissing(peer.pieces, { have })),
    });
    if (error) this.#fail(error);
  }

  async #tickAll(signal: AbortSignal): Promise<void> {
    let before = this.#clock.now();
    while (!signal.aborted) {
      await this.#clock.sleep(TICK_MS, signal);
      const now = this.#clock.now();
      const received = this.#membership.total("downloaded");
      const { isHeld } = this.#picker;
      this.#uploads.tick(now - before, { received, sent: this.#membership.total("uploaded"), isHeld });
      before = now;
      this.#membership.tick();
      const hasProvider = this.#membership.peers.some((peer) => peer.amInterested);
      const parallel = this.#webSeedFallback.tick({ now, received, hasProvider, isHeld });
      if (parallel === 0 && this.#options.webSeedsFirst) {
        // one at a time: nodes that begin together do not know yet what the others fetch
        this.#webSeeds.tick(1, { only: () => this.#picker.lacksOffers });
      } else this.#webSeeds.tick(this.#picker.missingCount > 0 ? parallel : 0);
      this.#watchDamage();
    }
  }
}

/** Whether `pieces` contains one that is not in `have`. */
function hasMissing(pieces: Bitfield, { have }: { have: Bitfield }): boolean {
  for (let piece = 0; piece < have.size; piece++) if (pieces.has(piece) && !have.has(piece)) return true;
  return false;
}
