import { Peer, type PeerEffects } from "#contract/torrent/peer.ts";
import type { SimulatedNode } from "./simulated_node.ts";

/**
 * One end of a connection: the product's own state machine of a peer, and where its messages go. Control
 * messages take no time, blocks take that of both links.
 */
export class ConnectionEnd implements PeerEffects {
  readonly node: SimulatedNode;
  readonly peer: Peer;
  /** The same connection as the other node has it. */
  other!: ConnectionEnd;
  isWaking = false;
  /** Its node has blocks to send on it, and it waits for its turn on the uplink. */
  isInTurn = false;
  isClosed = false;

  constructor(node: SimulatedNode, remote: SimulatedNode) {
    this.node = node;
    this.peer = new Peer(remote.identity, {
      map: node.map,
      picker: node.picker,
      effects: this,
      fast: true,
      own: true,
      deals: node.deals,
    });
  }

  wake(): void {
    this.node.surroundings.wake(this);
  }

  interestChanged(): void {
    this.node.spread.interestChanged(this.peer);
  }

  left(): void {
    this.node.spread.left(this.peer);
  }

  learned(piece: number): void {
    this.node.spread.learned(this.peer, piece);
  }

  asked(piece: number): void {
    this.node.spread.asked(this.peer, piece);
  }

  declined(piece: number): void {
    this.node.spread.declined(this.peer, piece);
  }

  received(piece: number, outcome: { complete: boolean; contested: boolean }): void {
    this.node.received(this, { piece, ...outcome });
  }

  /** No bytes are kept. */
  store(): void {}
  brokenOff(): void {}
  listensOn(): void {}
}
