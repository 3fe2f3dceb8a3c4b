/**
 * A swarm on a virtual clock. Every decision is made by the product's code: tracker, address book, peer state
 * machine, picker, request windows, slots, dealer, and which peers to drop. Links (one run of blocks after another at
 * either end), latency, time and randomness are simulated. Hashing, disks and processors cost nothing. There are no
 * web seeds: nodes that would use one are counted. Memory: 5 GB for 10 000 nodes.
 */
import { decodeCompact } from "#torrent/tracker/compact_peers.ts";
import { MAX_DIALLED, MAX_PEERS } from "#torrent/session/membership.ts";
import { PieceMap } from "#torrent/metainfo/piece_map.ts";
import type { PeerAddress, Random } from "#torrent/ports.ts";
import { Tracker } from "../../../server/swarm/tracker.ts";
import { ConnectionEnd } from "./connection_end.ts";
import { DelayLine } from "./delay_line.ts";
import { EventQueue } from "./event_queue.ts";
import { Link } from "./link.ts";
import { SimulatedNode, type Surroundings } from "./simulated_node.ts";

export interface SimulationOptions {
  readonly nodes: number;
  readonly sizeBytes: number;
  readonly pieceLength: number;
  /** Bits per second of every link, in both directions. */
  readonly linkRate: number;
  readonly seed: number;
  /** How many machines have everything from the start, as one that the server has (1). */
  readonly seeds?: number;
  /** Nodes start at random times within this period. */
  readonly startSpreadMs?: number;
  /** When each node starts and leaves; by default it starts within `startSpreadMs` and stays. None comes back. */
  readonly lifetimes?: readonly Lifetime[];
  /** Called once per simulated second, to study a policy. */
  readonly onSecond?: (state: SimulationState) => void;
}

export interface Lifetime {
  readonly startMs: number;
  readonly leaveMs?: number;
  /** It leaves as a machine without power, which answers nothing; else as a process that ends: connections are reset. */
  readonly isSilent?: boolean;
}

export interface SimulationState {
  readonly nowMs: number;
  readonly server: SimulatedNode<ConnectionEnd>;
  readonly nodes: readonly SimulatedNode<ConnectionEnd>[];
}

export interface SimulationResult {
  /** The finishing times in milliseconds of the nodes that stayed, ascending. */
  readonly finishedMs: readonly number[];
  /** The same nodes, by the time that each took from its own start, ascending. */
  readonly stayed: readonly { readonly startedMs: number; readonly tookMs: number }[];
  /** Sent by all seeds. */
  readonly serverSentBytes: number;
  /** Payload sent by all nodes including the seeds, and payload received by the nodes. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** The number of nodes that at some time got so little that they would have used the web seed. */
  readonly dryNodes: number;
}

const INFO_HASH = new Uint8Array(20);
const TICK_MS = 1000;
/** The latency from node to node. */
const LATENCY_MS = 0.25;
const PORT = 6881;
/** A swarm that has not finished by then never will. */
const MAX_MS = 24 * 3600_000;

export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

class Simulation implements Surroundings<ConnectionEnd> {
  readonly #options: SimulationOptions;
  readonly #events = new EventQueue();
  readonly #random: Random;
  readonly #tracker: Tracker;
  readonly #map: PieceMap;
  /** The first is the server's. */
  readonly #seeds: readonly SimulatedNode<ConnectionEnd>[];
  readonly #nodes: SimulatedNode<ConnectionEnd>[] = [];
  readonly #byHostname = new Map<string, SimulatedNode<ConnectionEnd>>();
  readonly #line = new DelayLine<ConnectionEnd>(LATENCY_MS);
  #unfinished: number;

  constructor(options: SimulationOptions) {
    const { sizeBytes, pieceLength, nodes } = options;
    this.#options = options;
    this.#random = mulberry32(options.seed);
    this.#unfinished = nodes;
    this.#map = new PieceMap([{ name: "image", length: sizeBytes }], pieceLength);
    this.#tracker = new Tracker(this.#random);
    const seeds = options.seeds ?? 1;
    const addresses = Array.from({ length: seeds }, (_, i) => ({ hostname: hostnameOf(i), port: PORT }));
    this.#tracker.add(INFO_HASH, addresses);
    this.#seeds = addresses.map((address) => this.#add(address, true));
    for (const seed of this.#seeds) this.#tickEverySecond(seed);
    if (options.onSecond) this.#tellEverySecond(options.onSecond);
    for (let index = 0; index < nodes; index++) {
      const { startMs, leaveMs, isSilent = false }: Lifetime = options.lifetimes?.[index] ??
        { startMs: this.#random() * (options.startSpreadMs ?? TICK_MS) };
      this.#events.after(startMs, () => {
        const node = this.#add({ hostname: hostnameOf(seeds + index), port: PORT }, false);
        this.#nodes.push(node);
        this.#announce(node);
        this.#tickEverySecond(node);
        if (leaveMs !== undefined) {
          this.#events.after(leaveMs - startMs, () => this.#leave(node, { isSilent }));
        }
      });
    }
  }

  run(): SimulationResult {
    while (this.#unfinished > 0) this.#step();
    const sum = (of: (node: SimulatedNode<ConnectionEnd>) => number) =>
      this.#nodes.reduce((n, node) => n + of(node), 0);
    const stayed = this.#nodes.filter(({ hasLeft }) => !hasLeft);
    const serverSentBytes = this.#seeds.reduce((bytes, { link }) => bytes + link.sentBytes, 0);
    return {
      finishedMs: stayed.map(({ finishedAt }) => finishedAt ?? NaN).sort((a, b) => a - b),
      stayed: stayed.map(({ startedAt, finishedAt = NaN }) => {
        return { startedMs: startedAt, tookMs: finishedAt - startedAt };
      }).sort((a, b) => a.tookMs - b.tookMs),
      serverSentBytes,
      sentBytes: sum(({ link }) => link.sentBytes) + serverSentBytes,
      receivedBytes: sum(({ link }) => link.receivedBytes),
      dryNodes: sum(({ wasStarved }) => wasStarved ? 1 : 0),
    };
  }

  #step(): void {
    const events = this.#events;
    const lineAt = this.#line.nextAt;
    if (lineAt <= events.nextAt) {
      events.now = lineAt;
      this.#line.shift()!.deliver();
    } else if (!events.step() || events.now > MAX_MS) throw new Error("the swarm does not finish");
  }

  // What nodes need.

  get now(): number {
    return this.#events.now;
  }

  wake(end: ConnectionEnd): void {
    end.isWaking = true;
    this.#line.push(end, this.#events.now);
  }

  after(ms: number, act: () => void): void {
    this.#events.after(ms, act);
  }

  finished(): void {
    this.#unfinished--;
  }

  drop(end: ConnectionEnd): void {
    const { now } = this.#events;
    for (const each of [end, end.other]) {
      const { identity } = each.other.node;
      each.isVoid = true;
      each.node.ends.delete(each.peer);
      each.node.neighbours.delete(identity.peerId);
      each.node.book.settle(identity, { now, failed: false });
      each.peer.close();
    }
    for (const { node } of [end, end.other]) for (const peer of node.ends.keys()) peer.refill();
  }

  // Connections.

  #add(address: PeerAddress, isServer: boolean): SimulatedNode<ConnectionEnd> {
    const bytesPerMs = this.#options.linkRate / 8 / 1000;
    const link = new Link({ up: bytesPerMs, down: bytesPerMs }, this.#events);
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

  #tickEverySecond(node: SimulatedNode<ConnectionEnd>): void {
    const tick = () => {
      if (node.hasLeft) return;
      node.tick(TICK_MS);
      this.#dial(node);
      this.#events.after(TICK_MS, tick);
    };
    this.#events.after(TICK_MS, tick);
  }

  #tellEverySecond(tell: (state: SimulationState) => void): void {
    this.#events.after(TICK_MS, () => {
      tell({ nowMs: this.#events.now, server: this.#seeds[0]!, nodes: this.#nodes });
      this.#tellEverySecond(tell);
    });
  }

  /** The tracker keeps its address until it expires, and dials to it fail. */
  #leave(node: SimulatedNode<ConnectionEnd>, { isSilent }: { isSilent: boolean }): void {
    node.hasLeft = true;
    this.#byHostname.delete(node.identity.hostname);
    if (!isSilent) { for (const end of [...node.ends.values()]) this.drop(end); }
    if (!node.isComplete) this.#unfinished--;
  }

  #announce(node: SimulatedNode<ConnectionEnd>): void {
    if (node.hasLeft) return;
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

  #dial(node: SimulatedNode<ConnectionEnd>): void {
    if (node.isComplete) return;
    const now = this.#events.now;
    const { identity: { peerId: ownId }, neighbours, bans } = node;
    const isExcluded = (peerId: string) =>
      peerId === ownId || neighbours.has(peerId) || bans.isSuspended(peerId, now);
    const due = node.book.due(MAX_DIALLED - node.ends.size, { now, isExcluded });
    for (const address of due) {
      const remote = this.#byHostname.get(address.hostname);
      const isNew = remote && remote !== node && !node.neighbours.has(address.hostname);
      const failed = !isNew || remote.ends.size >= MAX_PEERS || remote.bans.isSuspended(ownId, now);
      if (remote) node.book.identify(address, remote.identity.peerId);
      if (!failed) this.#connect(node, remote);
      else node.book.settle(address, { now, failed });
    }
  }

  #connect(from: SimulatedNode<ConnectionEnd>, to: SimulatedNode<ConnectionEnd>): void {
    const end = new ConnectionEnd(from, to);
    const other = new ConnectionEnd(to, from);
    end.other = other;
    other.other = end;
    for (const each of [end, other]) {
      each.node.ends.set(each.peer, each);
      each.node.neighbours.add(each.other.node.identity.peerId);
      // The extended handshake matters only for a dealer here.
      each.peer.open(each.node.deals ? PORT : undefined);
    }
  }
}

function hostnameOf(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

/** A random generator with 32 bits of state: the same numbers for the same seed. */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
