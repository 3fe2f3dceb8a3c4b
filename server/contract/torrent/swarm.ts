import { getLogger } from "@logtape/logtape";
import { messageOf, RackseedError } from "../errors.ts";
import { AddressBook } from "./address_book.ts";
import { Announcer } from "./announcer.ts";
import { BanList } from "./ban_list.ts";
import type { Bitfield } from "./bitfield.ts";
import { Blame } from "./blame.ts";
import { chooseUnchoked } from "./choker.ts";
import { encodeHandshake, type Handshake, isOwnPeerId, makePeerId, peerIdText } from "./handshake.ts";
import { toHex } from "./hex.ts";
import { Peer, type PeerEffects, type PeerIdentity } from "./peer.ts";
import { type Introduction, writeAll } from "./peer_listener.ts";
import { PeerLink } from "./peer_link.ts";
import { PieceAssembler } from "./piece_assembler.ts";
import { Picker } from "./picker.ts";
import type { PieceMap, PieceRange } from "./piece_map.ts";
import type { Clock, Connection, PeerAddress, Random } from "./ports.ts";
import type { SwarmOptions, SwarmStats } from "./swarm_options.ts";
import { systemClock } from "./system_ports.ts";
import { announce as announceByUrl } from "./tracker_client.ts";
import { WireError } from "./wire.ts";

export type { SwarmOptions, SwarmStats };

/** Every node of a rack connects to every other, up to this. */
const MAX_DIALLED = 60;
const MAX_PEERS = 100;
const UPLOAD_SLOTS = 16;
const TICK_MS = 1_000;
const CHOKE_ROUND_TICKS = 10;
/** A peer that was asked for data and sends none for this long is dropped, its blocks go to others. */
const STALL_MS = 20_000;
const KEEP_ALIVE_MS = 60_000;
/** BEP 3: peers send a keep-alive every two minutes. */
const SILENCE_MS = 150_000;
/** Two peers that dial one another at the same time: within this both see the same race. */
const RACE_MS = 2_000;
const STOP_TIMEOUT_MS = 2_000;

const log = getLogger(["rackseed", "swarm"]);

interface Member {
  readonly link: PeerLink;
  readonly peer: Peer;
  readonly dialled: boolean;
  readonly since: number;
  /** Figures of the last tick and the last choke round. */
  moved: number;
  movedAt: number;
  downloadedBefore: number;
}

/** One torrent's download and upload, until closed: it goes on seeding when it is complete. */
export class Swarm {
  /** Resolves when every piece is here; rejects when the swarm fails or is closed before. */
  readonly done: Promise<void>;
  readonly map: PieceMap;
  readonly have: Bitfield;
  readonly #options: SwarmOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #peerId: Uint8Array;
  readonly #picker: Picker<Peer>;
  readonly #assembler: PieceAssembler;
  readonly #blame = new Blame<PeerIdentity>();
  readonly #bans = new BanList();
  readonly #banned: PeerIdentity[] = [];
  readonly #book = new AddressBook();
  readonly #announcer: Announcer;
  readonly #members = new Map<Peer, Member>();
  readonly #closing = new AbortController();
  readonly #settle: { resolve: () => void; reject: (error: unknown) => void };
  /** Of connections that have ended. */
  readonly #past = { downloaded: 0, wasted: 0, uploaded: 0 };
  #closed: Promise<void> | undefined;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(options: SwarmOptions) {
    const { metainfo, storage, have } = options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever does not await `done` learns of a failure from the log.
    promise.catch(() => {});
    this.done = promise;
    this.map = metainfo.map;
    this.have = have;
    this.#options = options;
    this.#settle = { resolve, reject };
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#peerId = options.peerId ?? makePeerId(this.#random);
    this.#picker = new Picker(this.map, { have, random: this.#random });
    this.#assembler = new PieceAssembler(this.map, { hashes: metainfo.info.pieceHashes, storage });
    this.#announcer = new Announcer(options.trackers ?? metainfo.announce.flat(), {
      announce: options.announce ?? announceByUrl,
      clock: this.#clock,
      request: () => {
        const { uploadedBytes: uploaded, downloadedBytes: downloaded, leftBytes: left } = this.stats();
        const { infoHash } = metainfo;
        return { infoHash, peerId: this.#peerId, port: options.network.port, uploaded, downloaded, left };
      },
      onResponse: ({ peers }) => this.addPeers(peers),
    });
  }

  static start(options: SwarmOptions): Swarm {
    const swarm = new Swarm(options);
    const { signal } = swarm.#closing;
    const unregister = options.network.register(
      options.metainfo.infoHash,
      (introduction) => void swarm.#accept(introduction),
    );
    signal.addEventListener("abort", unregister);
    options.signal.addEventListener("abort", () => void swarm.close(), { signal });
    swarm.#running = Promise.all([swarm.#announcer.run(signal), swarm.#tickAll(signal)])
      .catch((error) => swarm.#fail(error));
    if (swarm.have.isFull) swarm.#settle.resolve();
    if (options.signal.aborted) void swarm.close();
    return swarm;
  }

  /** Peers that are known otherwise than from a tracker. */
  addPeers(addresses: readonly PeerAddress[]): void {
    this.#book.add(addresses);
    this.#dial();
  }

  /** Fetches these pieces first; a higher level (to 255) comes before a lower. */
  prioritize(pieces: PieceRange, level: number): void {
    this.#picker.prioritize(pieces, level);
  }

  stats(): SwarmStats {
    const peers = [...this.#members.keys()];
    const sum = (key: "downloaded" | "wasted" | "uploaded") =>
      peers.reduce((total, peer) => total + peer[key], this.#past[key]);
    const { count, size } = this.have;
    const lastIsHere = this.have.has(size - 1);
    const short = lastIsHere ? this.map.pieceLength - this.map.lengthOf(size - 1) : 0;
    return {
      pieces: size,
      havePieces: count,
      leftBytes: this.map.totalLength - (count * this.map.pieceLength - short),
      downloadedBytes: sum("downloaded"),
      wastedBytes: sum("wasted"),
      uploadedBytes: sum("uploaded"),
      peers: peers.length,
      seeds: peers.filter((peer) => peer.isSeed).length,
      banned: this.#banned,
    };
  }

  /** Leaves the swarm: tells the tracker, closes every connection. The storage stays open. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    for (const member of [...this.#members.values()]) this.#drop(member);
    this.#settle.reject(new DOMException("The swarm was closed before it was complete.", "AbortError"));
    await this.#running;
    await this.#announcer.stop(AbortSignal.timeout(STOP_TIMEOUT_MS));
  }

  /** Our own fault, or the disk's: this swarm ends, loudly. */
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

  // Connections

  #dial(): void {
    if (this.#closing.signal.aborted || this.have.isFull) return;
    const due = this.#book.due(MAX_DIALLED - this.#members.size, {
      now: this.#clock.now(),
      isConnected: (peerId) => peerId === peerIdText(this.#peerId) || this.#memberOf(peerId) !== undefined,
    });
    for (const address of due) {
      if (!this.#bans.isBanned(address)) void this.#connect(address);
    }
  }

  async #connect(address: PeerAddress): Promise<void> {
    let failed = true;
    try {
      const introduction = await this.#options.network.connect(address, {
        handshake: this.#handshake,
        signal: this.#closing.signal,
      });
      this.#book.identify(address, peerIdText(introduction.handshake.peerId));
      failed = false;
      await this.#join(introduction, true);
    } catch (error) {
      log.debug("peer-unreachable", { ...address, error: messageOf(error) });
    } finally {
      this.#book.settle(address, { now: this.#clock.now(), failed });
    }
  }

  async #accept(introduction: Introduction): Promise<void> {
    const { connection } = introduction;
    try {
      if (this.#members.size >= MAX_PEERS) return connection.close();
      await writeAll(connection, encodeHandshake(this.#handshake));
      await this.#join(introduction, false);
    } catch (error) {
      connection.close();
      log.debug("peer-lost", { ...introduction.address, error: messageOf(error) });
    }
  }

  get #handshake(): Handshake {
    return { infoHash: this.#options.metainfo.infoHash, peerId: this.#peerId, fast: true, extended: true };
  }

  /** Takes a connection into the swarm, unless it may not be; resolves when it has ended. */
  async #join({ connection, handshake, address }: Introduction, dialled: boolean): Promise<void> {
    const identity = { ...address, peerId: peerIdText(handshake.peerId) };
    if (this.#closing.signal.aborted || !this.#mayJoin(identity, dialled)) return connection.close();
    const member = this.#makeMember(identity, { connection, handshake, dialled });
    this.#members.set(member.peer, member);
    log.debug("peer-joined", { ...identity, dialled });
    try {
      const running = member.link.run();
      member.peer.open(handshake.extended ? this.#options.network.port : undefined);
      await running;
    } catch (error) {
      if (error instanceof RackseedError) this.#fail(error);
      else if (error instanceof WireError) {
        log.warn("peer-broke-protocol", { ...identity, error: error.message });
      } else log.debug("peer-lost", { ...identity, error: messageOf(error) });
    } finally {
      this.#drop(member);
    }
  }

  #mayJoin(identity: PeerIdentity, dialled: boolean): boolean {
    const ownId = peerIdText(this.#peerId);
    if (identity.peerId === ownId || this.#bans.isBanned(identity)) return false;
    const present = this.#memberOf(identity.peerId);
    if (!present) return true;
    // Both dialled at once: both ends keep the connection that the lower peer id made.
    const race = this.#clock.now() - present.since < RACE_MS && present.dialled !== dialled;
    if (!race || dialled !== ownId < identity.peerId) return false;
    this.#drop(present);
    return true;
  }

  #memberOf(peerId: string): Member | undefined {
    return this.#members.values().find(({ peer }) => peer.identity.peerId === peerId);
  }

  #makeMember(
    identity: PeerIdentity,
    { connection, handshake, dialled }: { connection: Connection; handshake: Handshake; dialled: boolean },
  ): Member {
    const { storage, uploadLimit } = this.#options;
    const peer: Peer = new Peer(identity, {
      map: this.map,
      picker: this.#picker,
      fast: handshake.fast,
      own: isOwnPeerId(handshake.peerId),
      effects: this.#effectsOf(() => member),
    });
    const link = new PeerLink(peer, {
      connection,
      map: this.map,
      storage,
      limit: uploadLimit,
      clock: this.#clock,
    });
    const now = this.#clock.now();
    const member: Member = { link, peer, dialled, since: now, moved: 0, movedAt: now, downloadedBefore: 0 };
    return member;
  }

  #effectsOf(member: () => Member): PeerEffects {
    return {
      wake: () => member().link.wake(),
      interestChanged: () => this.#unchokeIfFree(member().peer),
      listensOn: (port) => {
        const { hostname, peerId } = member().peer.identity;
        this.#book.identify({ hostname, port }, peerId);
      },
      store: (piece, data) => this.#assembler.write(piece, data),
      brokenOff: (piece) => this.#assembler.invalidate(piece),
      received: (piece, outcome) => this.#onReceived(member().peer, { piece, ...outcome }),
    };
  }

  /** Ends a connection and gives its work to the others. */
  #drop(member: Member): void {
    const { peer, link } = member;
    link.close();
    if (!this.#members.delete(peer)) return;
    peer.close();
    this.#past.downloaded += peer.downloaded;
    this.#past.wasted += peer.wasted;
    this.#past.uploaded += peer.uploaded;
    for (const other of this.#members.keys()) other.refill();
  }

  // Pieces

  #onReceived(
    peer: Peer,
    { piece, complete, contested }: { piece: number; complete: boolean; contested: boolean },
  ): void {
    if (contested) {
      for (const other of this.#members.keys()) if (other !== peer) other.cancelObsolete(piece);
    }
    if (!complete) return;
    if (this.#assembler.verify(piece)) this.#onVerified(piece);
    else this.#onCorrupt(piece);
  }

  #onVerified(piece: number): void {
    this.#picker.verified(piece);
    for (const culprit of this.#blame.right(piece, () => this.#assembler.unitDigests(piece))) {
      this.#ban(culprit, piece);
    }
    for (const peer of this.#members.keys()) peer.announce(piece);
    try {
      this.#options.onPiece?.(piece);
    } catch (error) {
      return this.#fail(error);
    }
    if (!this.have.isFull) return;
    log.info("swarm-complete", { ...this.#subject, ...this.stats() });
    this.#settle.resolve();
    this.#announcer.complete();
  }

  #onCorrupt(piece: number): void {
    const sources = this.#picker.sourcesOf(piece).map((peer) => peer?.identity);
    this.#picker.failed(piece);
    log.warn("piece-corrupt", { ...this.#subject, piece });
    const culprit = this.#blame.corrupt(piece, {
      sources,
      digests: () => this.#assembler.unitDigests(piece),
    });
    if (culprit) this.#ban(culprit, piece);
  }

  #ban(identity: PeerIdentity, piece: number): void {
    this.#bans.ban(identity);
    this.#banned.push(identity);
    log.warn("peer-banned", { ...this.#subject, ...identity, piece });
    for (const member of [...this.#members.values()]) {
      if (this.#bans.isBanned(member.peer.identity)) this.#drop(member);
    }
  }

  // Time

  async #tickAll(signal: AbortSignal): Promise<void> {
    for (let tick = 1; !signal.aborted; tick++) {
      await this.#clock.sleep(TICK_MS, signal);
      const now = this.#clock.now();
      for (const member of [...this.#members.values()]) this.#tick(member, now);
      if (tick % CHOKE_ROUND_TICKS === 0) this.#chokeRound();
      this.#dial();
    }
  }

  #tick(member: Member, now: number): void {
    const { peer, link } = member;
    const moved = peer.downloaded + peer.wasted;
    if (moved !== member.moved || !peer.isAwaited) {
      member.moved = moved;
      member.movedAt = now;
    }
    const stalled = now - member.movedAt > STALL_MS;
    if (stalled) log.warn("peer-stalled", { ...peer.identity });
    // Two seeds have nothing to say to one another.
    if (stalled || now - link.lastReceived > SILENCE_MS || (this.have.isFull && peer.isSeed)) {
      return this.#drop(member);
    }
    if (now - link.lastSent > KEEP_ALIVE_MS) peer.keepAlive();
    peer.refill();
  }

  #chokeRound(): void {
    const candidates = [...this.#members.values()].map((member) => {
      const { peer } = member;
      const gave = peer.downloaded - member.downloadedBefore;
      member.downloadedBefore = peer.downloaded;
      return { peer, gave, amChoking: peer.amChoking, peerInterested: peer.peerInterested };
    });
    const chosen = chooseUnchoked(candidates, { slots: UPLOAD_SLOTS, random: this.#random });
    for (const candidate of candidates) candidate.peer.setChoking(!chosen.has(candidate));
  }

  /** A newcomer need not wait for the next round while there are free slots. */
  #unchokeIfFree(peer: Peer): void {
    const used = this.#members.keys().filter((other) => !other.amChoking && other.peerInterested);
    if (peer.peerInterested && used.toArray().length < UPLOAD_SLOTS) peer.setChoking(false);
  }
}
