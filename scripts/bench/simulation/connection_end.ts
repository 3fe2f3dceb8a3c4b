import { Peer, type PeerEffects } from "#torrent/session/peer.ts";
import { StallWatch } from "#torrent/choice/stall_watch.ts";
import { type Block, MAX_BLOCK_BYTES } from "#torrent/wire/wire.ts";
import type { Link, Run } from "./link.ts";
import type { SimulatedNode } from "./simulated_node.ts";

/** Requests always use the largest blocks, to have fewer events. */
class CoarsePeer extends Peer {
  override get maxBlockLength(): number {
    return MAX_BLOCK_BYTES;
  }
}

/** Shared block contents, by length. */
const NOTHING = new Map<number, Uint8Array>();
/** How much the product writes to a connection at a time. */
const RUN_BYTES = MAX_BLOCK_BYTES;

/**
 * One end of a connection: the product's own peer state machine, and the destination of its messages. As on a real
 * connection, everything is sent in order: messages wait for the blocks before them.
 */
export class ConnectionEnd implements PeerEffects, Run {
  readonly node: SimulatedNode<ConnectionEnd>;
  readonly peer: Peer;
  readonly watch: StallWatch;
  /** The other node's end of the same connection. */
  other!: ConnectionEnd;
  /** Messages are under way. */
  isWaking = false;
  /** The node is sending blocks. */
  #isSending = false;
  readonly #run: Block[] = [];
  bytes = 0;
  isVoid = false;

  constructor(node: SimulatedNode<ConnectionEnd>, remote: SimulatedNode<ConnectionEnd>) {
    this.node = node;
    this.watch = new StallWatch(node.surroundings.now);
    this.peer = new CoarsePeer(remote.identity, {
      map: node.map,
      picker: node.picker,
      effects: this,
      fast: true,
      own: true,
      deals: node.deals,
      budget: node.budget,
    });
  }

  get to(): Link {
    return this.other.node.link;
  }

  wake(): void {
    if (!this.isWaking && !this.#isSending) this.node.surroundings.wake(this);
  }

  /** One of the machines has no power: nothing arrives any more, and nobody says so. */
  get #isDead(): boolean {
    return this.node.hasLeft || this.other.node.hasLeft;
  }

  /** All messages have arrived, and blocks follow. */
  deliver(): void {
    this.isWaking = false;
    if (this.isVoid) return;
    const { outbox } = this.peer;
    if (this.#isDead) {
      outbox.length = 0;
      return;
    }
    const { peer } = this.other;
    for (let index = 0; index < outbox.length; index++) peer.message(outbox[index]!);
    outbox.length = 0;
    if (!this.#isSending) this.#send();
  }

  #send(): void {
    const { uploads } = this.peer;
    let bytes = 0;
    while (uploads.length > 0 && bytes + uploads[0]!.length <= RUN_BYTES) {
      const block = uploads.shift()!;
      bytes += block.length;
      this.#run.push(block);
    }
    if (bytes === 0) return;
    this.#isSending = true;
    this.bytes = bytes;
    this.peer.uploaded += bytes;
    this.node.link.send(this);
  }

  arrived(): void {
    if (this.isVoid || this.#isDead) return;
    const { peer } = this.other;
    for (const block of this.#run) {
      peer.blockStart(block);
      peer.blockData(bytesOf(block.length));
      peer.blockEnd();
    }
    this.#run.length = 0;
    this.#isSending = false;
    if (this.peer.outbox.length > 0) this.wake();
    if (!this.isWaking) this.#send();
  }

  interestChanged(): void {
    this.node.uploads.interestChanged(this.peer);
  }

  closed(): void {
    this.node.uploads.removePeer(this.peer);
  }

  gainedPiece(piece: number): void {
    this.node.uploads.gainedPiece(this.peer, piece);
  }

  requestQueued(piece: number): void {
    this.node.uploads.requestQueued(this.peer, piece);
  }

  suggestionDeclined(piece: number): void {
    this.node.uploads.suggestionDeclined(this.peer, piece);
  }

  blockReceived(piece: number, outcome: { complete: boolean; contested: boolean }): void {
    this.node.received(this.peer, { piece, ...outcome });
  }

  /** Keeps no bytes. */
  store(): void {}
  blockAborted(): void {}
  listensOn(): void {}
}

function bytesOf(length: number): Uint8Array {
  let bytes = NOTHING.get(length);
  if (!bytes) NOTHING.set(length, bytes = new Uint8Array(length));
  return bytes;
}
