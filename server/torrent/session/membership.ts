import { getLogger } from "@logtape/logtape";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { AddressBook } from "../choice/address_book.ts";
import { BanList } from "../choice/ban_list.ts";
import { encodeHandshake, type Handshake, peerIdText } from "../wire/handshake.ts";
import type { Peer } from "./peer.ts";
import type { PeerIdentity } from "../ports.ts";
import { type Introduction, type PeerNetwork, writeAll } from "./peer_listener.ts";
import type { PeerLink } from "./peer_link.ts";
import type { Clock, Connection, PeerAddress } from "../ports.ts";
import { StallWatch } from "../choice/stall_watch.ts";
import { WireError } from "../wire/wire.ts";

/** Every node of a rack connects to every other, up to this number. */
export const MAX_DIALLED = 60;
export const MAX_PEERS = 100;
/** A machine has one peer, but several may share an address behind a router. */
const MAX_PEERS_OF_ADDRESS = 32;
const KEEP_ALIVE_MS = 60_000;
/** BEP 3: peers send a keep-alive every two minutes. */
const SILENCE_MS = 150_000;
/** Two peers may dial each other at the same time; both treat connections this close together as a race. */
const RACE_MS = 2_000;

/** Peers that are remembered after they have gone. */
const MAX_PAST_GIVERS = 500;

const log = getLogger(["rackseed", "swarm"]);

/** A peer and the connection to it. */
export interface Member {
  readonly link: PeerLink;
  readonly peer: Peer;
  readonly dialled: boolean;
  readonly since: number;
  readonly watch: StallWatch;
  /** It stalled or broke the protocol, and is suspended for a while. */
  isUnfit: boolean;
}

/** A peer that is no dealer, and the payload bytes received from it. */
export interface Giver {
  readonly peerId: string;
  readonly address: string;
  readonly bytes: number;
}

interface MembershipOptions {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  readonly network: PeerNetwork;
  readonly clock: Clock;
  /** Stops dialling and accepting. */
  readonly signal: AbortSignal;
  /** Makes the two halves of a new member. */
  readonly makePeer: (
    identity: PeerIdentity,
    connected: { connection: Connection; handshake: Handshake; member: () => Member },
  ) => Pick<Member, "peer" | "link">;
  /** We have every wanted piece: nobody is dialled any more, and connections to other seeds end. */
  readonly isComplete: () => boolean;
  /** Every missing piece is begun, so a silent peer delays the end. */
  readonly isEnding: () => boolean;
  /** Our own side failed, not a peer. */
  readonly onFault: (error: RackseedError) => void;
}

/** The peers of one swarm: decides which to dial, which to let in and which to drop. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #ownId: string;
  readonly #members = new Map<Peer, Member>();
  readonly #book = new AddressBook();
  readonly #bans = new BanList();
  /** Payload bytes of connections that have ended. */
  readonly #past = { downloaded: 0, wasted: 0, uploaded: 0, dealt: 0 };
  /** What each peer of an ended connection gave, by peer id. */
  readonly #pastGivers = new Map<string, Giver>();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#ownId = peerIdText(options.peerId);
  }

  get peers(): MapIterator<Peer> {
    return this.#members.keys();
  }

  get members(): MapIterator<Member> {
    return this.#members.values();
  }

  get size(): number {
    return this.#members.size;
  }

  /** Payload bytes of all connections, past and present. */
  total(key: "downloaded" | "wasted" | "uploaded"): number {
    return this.peers.reduce((total, peer) => total + peer[key], this.#past[key]);
  }

  /** Payload bytes received from dealers, that is, from the image server's own seeder. */
  get dealtBytes(): number {
    return this.peers.reduce((sum, peer) => sum + (peer.isDealer ? peer.downloaded : 0), this.#past.dealt);
  }

  /** Every other peer that gave something, now or before, with what it gave. */
  givers(): Giver[] {
    const givers = new Map(this.#pastGivers);
    for (const peer of this.peers) addGiver(givers, peer);
    return [...givers.values()];
  }

  addAddresses(addresses: readonly PeerAddress[]): void {
    this.#book.add(addresses);
    this.#dial();
  }

  /** A peer reported the port it listens on. */
  listensOn(port: number, { hostname, peerId }: PeerIdentity): void {
    this.#book.identify({ hostname, port }, peerId);
  }

  /** Lets in a peer that dialled us, if there is room. Resolves when its connection has ended. */
  async accept(introduction: Introduction): Promise<void> {
    const { connection } = introduction;
    try {
      if (!this.#hasRoomFor(introduction.address.hostname)) return connection.close();
      await writeAll(connection, encodeHandshake(this.#handshake));
      await this.#join(introduction, false);
    } catch (error) {
      connection.close();
      log.debug("peer-lost", { ...introduction.address, error: messageOf(error) });
    }
  }

  #hasRoomFor(hostname: string): boolean {
    const ofAddress = this.peers.filter(({ identity }) => identity.hostname === hostname);
    return this.#members.size < MAX_PEERS && [...ofAddress].length < MAX_PEERS_OF_ADDRESS;
  }

  /** Drops the peer for good. */
  ban(identity: PeerIdentity): void {
    this.#bans.ban(identity);
    for (const member of [...this.#members.values()]) {
      if (this.#bans.isBanned(member.peer.identity)) this.#drop(member);
    }
  }

  /** Once a second: drops useless peers and dials addresses that are due. */
  tick(): void {
    const now = this.#options.clock.now();
    for (const member of [...this.#members.values()]) this.#tickMember(member, now);
    this.#dial();
  }

  close(): void {
    for (const member of [...this.#members.values()]) this.#drop(member);
  }

  #dial(): void {
    if (this.#options.signal.aborted || this.#options.isComplete()) return;
    const now = this.#options.clock.now();
    const due = this.#book.due(MAX_DIALLED - this.#members.size, {
      now,
      isExcluded: (peerId) =>
        peerId === this.#ownId || this.#memberOf(peerId) !== undefined || this.#bans.isSuspended(peerId, now),
    });
    for (const address of due) {
      if (!this.#bans.isBanned(address)) void this.#connect(address);
    }
  }

  async #connect(address: PeerAddress): Promise<void> {
    const { network, clock, signal } = this.#options;
    let failed = true;
    try {
      const introduction = await network.connect(address, { handshake: this.#handshake, signal });
      this.#book.identify(address, peerIdText(introduction.handshake.peerId));
      failed = false;
      await this.#join(introduction, true);
    } catch (error) {
      log.debug("peer-unreachable", { ...address, error: messageOf(error) });
    } finally {
      this.#book.settle(address, { now: clock.now(), failed });
    }
  }

  get #handshake(): Handshake {
    const { infoHash, peerId } = this.#options;
    return { infoHash, peerId, fast: true, extended: true };
  }

  /** Takes a connection into the swarm, if it may join. Resolves when it has ended. */
  async #join({ connection, handshake, address }: Introduction, dialled: boolean): Promise<void> {
    const identity = { ...address, peerId: peerIdText(handshake.peerId) };
    if (this.#options.signal.aborted || !this.#mayJoin(identity, dialled)) return connection.close();
    const member = this.#makeMember(identity, { connection, handshake, dialled });
    this.#members.set(member.peer, member);
    log.debug("peer-joined", { ...identity, dialled });
    try {
      const running = member.link.run();
      member.peer.open(handshake.extended ? this.#options.network.port : undefined);
      await running;
    } catch (error) {
      if (error instanceof RackseedError) this.#options.onFault(error);
      else if (error instanceof WireError) {
        log.warn("peer-broke-protocol", { ...identity, error: error.message });
        member.isUnfit = true;
      } else log.debug("peer-lost", { ...identity, error: messageOf(error) });
    } finally {
      this.#drop(member);
    }
  }

  #mayJoin(identity: PeerIdentity, dialled: boolean): boolean {
    if (identity.peerId === this.#ownId || this.#bans.isBanned(identity)) return false;
    if (this.#bans.isSuspended(identity.peerId, this.#options.clock.now())) return false;
    const present = this.#memberOf(identity.peerId);
    if (!present) return true;
    // both ends of a race keep the connection that the lower peer id dialled
    const race = this.#options.clock.now() - present.since < RACE_MS && present.dialled !== dialled;
    if (!race || dialled !== this.#ownId < identity.peerId) return false;
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
    const now = this.#options.clock.now();
    const halves = this.#options.makePeer(identity, { connection, handshake, member: () => member });
    const member: Member = { ...halves, dialled, since: now, watch: new StallWatch(now), isUnfit: false };
    return member;
  }

  /** Ends a connection. Its work goes to the other peers. */
  #drop(member: Member): void {
    const { peer, link } = member;
    link.close();
    if (!this.#members.delete(peer)) return;
    if (member.isUnfit) this.#bans.suspend(peer.identity.peerId, this.#options.clock.now());
    peer.close();
    this.#past.downloaded += peer.downloaded;
    this.#past.wasted += peer.wasted;
    this.#past.uploaded += peer.uploaded;
    if (peer.isDealer) this.#past.dealt += peer.downloaded;
    else if (this.#pastGivers.size < MAX_PAST_GIVERS || this.#pastGivers.has(peer.identity.peerId)) {
      addGiver(this.#pastGivers, peer);
    }
    for (const other of this.#members.keys()) other.refill();
  }

  #tickMember(member: Member, now: number): void {
    const { peer, link } = member;
    const moved = peer.downloaded + peer.wasted;
    const { isThrottled } = link;
    if (!member.watch.tick(peer, { now, moved, isThrottled, isEnding: this.#options.isEnding() })) {
      log.warn("peer-stalled", { ...peer.identity });
      member.isUnfit = true;
    }
    // two seeds have nothing to exchange
    const isNeedless = peer.isSeed && this.#options.isComplete();
    if (member.isUnfit || now - link.lastReceived > SILENCE_MS || isNeedless) return this.#drop(member);
    if (now - link.lastSent > KEEP_ALIVE_MS) peer.keepAlive();
    peer.refill();
  }
}

function addGiver(
  givers: Map<string, Giver>,
  { identity: { peerId, hostname }, isDealer, downloaded }: Peer,
): void {
  if (isDealer || downloaded === 0) return;
  const before = givers.get(peerId)?.bytes ?? 0;
  givers.set(peerId, { peerId, address: hostname, bytes: before + downloaded });
}
