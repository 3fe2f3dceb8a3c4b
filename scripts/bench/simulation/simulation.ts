/**
 * A swarm on a virtual clock. Everything that decides is the product's: tracker, address book, peer state
 * machine, picker, choker and dealer. Simulated are links (a queue of blocks at either end), time and chance;
 * hashing, disks and processors cost nothing.
 */
import { decodeCompact } from "#contract/torrent/compact_peers.ts";
import { MAX_DIALLED, MAX_PEERS } from "#contract/torrent/membership.ts";
import { PieceMap } from "#contract/torrent/piece_map.ts";
import type { PeerAddress, Random } from "#contract/torrent/ports.ts";
import { Tracker } from "../../../server/swarm/tracker.ts";
import { ConnectionEnd } from "./connection_end.ts";
import { EventQueue } from "./event_queue.ts";
import { type LinkRate, SimulatedNode, type Surroundings } from "./simulated_node.ts";

export interface SimulationOptions {
  readonly nodes: number;
  readonly sizeBytes: number;
  readonly pieceLength: number;
  /** Of every link, in both directions, bits a second. */
  readonly linkRate: number;
  readonly seed: number;
  /** Nodes begin at random within this time. */
  readonly startSpreadMs?: number;
  /** Told once a simulated second how it goes, for looking into a policy. */
  readonly onSecond?: (state: SimulationState) => void;
}

export interface SimulationState {
  readonly nowMs: number;
  readonly server: SimulatedNode;
  readonly nodes: readonly SimulatedNode[];
}

export interface SimulationResult {
  /** When each node had everything, milliseconds, ascending. */
  readonly finishedMs: readonly number[];
  readonly serverSentBytes: number;
  /** Payload that all nodes, server included, sent; and what nodes received. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

const INFO_HASH = new Uint8Array(20);
const TICK_MS = 1000;
const PORT = 6881;
/** A swarm that has not finished by then never will. */
const MAX_MS = 24 * 3600_000;

export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

class Simulation implements Surroundings {
  readonly #options: SimulationOptions;
  readonly #events = new EventQueue();
  readonly #random: Random;
  readonly #tracker: Tracker;
  readonly #map: PieceMap;
  readonly #server: SimulatedNode;
  readonly #nodes: SimulatedNode[] = [];
  readonly #byHostname = new Map<string, SimulatedNode>();
  #waking: ConnectionEnd[] = [];
  #unfinished: number;

  constructor(options: SimulationOptions) {
    const { sizeBytes, pieceLength, nodes } = options;
    this.#options = options;
    this.#random = mulberry32(options.seed);
    this.#unfinished = nodes;
    this.#map = new PieceMap([{ name: "image", length: sizeBytes }], pieceLength);
    this.#tracker = new Tracker(this.#random);
    const address = { hostname: hostnameOf(0), port: PORT };
    this.#tracker.add(INFO_HASH, [address]);
    this.#server = this.#add(address, true);
    this.#tickEverySecond(this.#server);
    if (options.onSecond) this.#tellEverySecond(options.onSecond);
    for (let index = 1; index <= nodes; index++) {
      this.#events.after(this.#random() * (options.startSpreadMs ?? TICK_MS), () => {
        const node = this.#add({ hostname: hostnameOf(index), port: PORT }, false);
        this.#nodes.push(node);
        this.#announce(node);
        this.#tickEverySecond(node);
      });
    }
  }

  run(): SimulationResult {
    while (this.#unfinished > 0) {
      if (!this.#events.step() || this.#events.now > MAX_MS) throw new Error("the swarm does not finish");
      this.#deliver();
    }
    const sum = (of: (node: SimulatedNode) => number) => this.#nodes.reduce((n, node) => n + of(node), 0);
    return {
      finishedMs: this.#nodes.map(({ finishedAt }) => finishedAt ?? NaN).sort((a, b) => a - b),
      serverSentBytes: this.#server.sentBytes,
      sentBytes: sum((node) => node.sentBytes) + this.#server.sentBytes,
      receivedBytes: sum((node) => node.receivedBytes),
    };
  }

  // What nodes need

  readonly now = () => this.#events.now;

  after(ms: number, act: () => void): void {
    this.#events.after(ms, act);
  }

  wake(end: ConnectionEnd): void {
    if (end.isWaking) return;
    end.isWaking = true;
    this.#waking.push(end);
  }

  finished(): void {
    this.#unfinished--;
  }

  /** Carries messages over until nobody has anything more to say. */
  #deliver(): void {
    while (this.#waking.length > 0) {
      const waking = this.#waking;
      this.#waking = [];
      for (const end of waking) {
        end.isWaking = false;
        if (end.isClosed) continue;
        for (const message of end.peer.outbox.splice(0)) end.other.peer.message(message);
        end.node.offer(end);
      }
    }
  }

  // Who is connected to whom

  #add(address: PeerAddress, isServer: boolean): SimulatedNode {
    const bytesPerMs = this.#options.linkRate / 8 / 1000;
    const link: LinkRate = { up: bytesPerMs, down: bytesPerMs };
    const node = new SimulatedNode(address, {
      surroundings: this,
      map: this.#map,
      link,
      random: this.#random,
      isServer,
    });
    this.#byHostname.set(address.hostname, node);
    return node;
  }

  #tickEverySecond(node: SimulatedNode, count = 1): void {
    this.#events.after(TICK_MS, () => {
      node.tick(count, TICK_MS);
      if (node.isComplete) { for (const end of node.ends) if (end.peer.isSeed) this.#drop(end); }
      if (node !== this.#server) this.#dial(node);
      this.#tickEverySecond(node, count + 1);
    });
  }

  #tellEverySecond(tell: (state: SimulationState) => void): void {
    this.#events.after(TICK_MS, () => {
      tell({ nowMs: this.#events.now, server: this.#server, nodes: this.#nodes });
      this.#tellEverySecond(tell);
    });
  }

  #announce(node: SimulatedNode): void {
    const { hostname } = node.identity;
    const peerId = new TextEncoder().encode(hostname.padEnd(20));
    const left = node.isComplete ? 0 : 1;
    const request = { infoHash: INFO_HASH, peerId, port: PORT, uploaded: 0, downloaded: 0, left };
    const answer = this.#tracker.announce(request, { hostname, now: this.#events.now });
    if (!answer) throw new Error("the tracker does not know the torrent");
    node.book.add(decodeCompact(answer.peers, 4));
    this.#dial(node);
    this.#events.after(answer.intervalSeconds * 1000, () => this.#announce(node));
  }

  #dial(node: SimulatedNode): void {
    if (node.isComplete) return;
    const now = this.#events.now;
    const due = node.book.due(MAX_DIALLED - node.ends.size, {
      now,
      isOut: (peerId) => peerId === node.identity.peerId || node.neighbours.has(peerId),
    });
    for (const address of due) {
      const remote = this.#byHostname.get(address.hostname);
      const isNew = remote && remote !== node && !node.neighbours.has(address.hostname);
      const failed = !isNew || remote.ends.size >= MAX_PEERS;
      if (remote) node.book.identify(address, remote.identity.peerId);
      if (!failed) this.#connect(node, remote);
      else node.book.settle(address, { now, failed });
    }
  }

  #connect(from: SimulatedNode, to: SimulatedNode): void {
    const end = new ConnectionEnd(from, to);
    const other = new ConnectionEnd(to, from);
    end.other = other;
    other.other = end;
    for (const each of [end, other]) {
      each.node.ends.add(each);
      each.node.neighbours.add(each.other.node.identity.peerId);
      // only a dealer has anything to say in the extended handshake that matters here
      each.peer.open(each.node.deals ? PORT : undefined);
    }
  }

  #drop(end: ConnectionEnd): void {
    for (const each of [end, end.other]) {
      each.isClosed = true;
      each.node.ends.delete(each);
      each.node.neighbours.delete(each.other.node.identity.peerId);
      const { identity } = each.other.node;
      each.node.book.settle(identity, { now: this.#events.now, failed: false });
      each.peer.close();
    }
    for (const each of [end, end.other]) for (const { peer } of each.node.ends) peer.refill();
  }
}

function hostnameOf(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

/** A generator of 32 bits of state: the same numbers for the same seed. */
function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
