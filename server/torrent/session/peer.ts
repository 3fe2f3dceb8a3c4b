import type { PeerIdentity } from "../ports.ts";
import { Bitfield } from "../wire/bitfield.ts";
import { BlockReceiver } from "./block_receiver.ts";
import { decodeExtendedHandshake, encodeExtendedHandshake } from "../wire/handshake.ts";
import type { BlockEffects } from "../storage/block_effects.ts";
import type { Picker, PickingPeer } from "../choice/picker.ts";
import type { PieceMap } from "../metainfo/piece_map.ts";
import { type RequestBudget, RequestWindow } from "../choice/request_window.ts";
import { type Block, MAX_BLOCK_BYTES, WireError, type WireMessage, type WireSink } from "../wire/wire.ts";

/** Where a peer's decisions take effect. */
export interface PeerEffects extends BlockEffects {
  /** `outbox` or `uploads` holds something to send. */
  wake(): void;
  /** The peer became interested in our pieces, or stopped being so. */
  interestChanged(): void;
  /** The peer reported its listening port. */
  listensOn(port: number): void;
  /** The connection has ended. */
  closed(): void;
  /** The peer has a piece that it did not have before. */
  gainedPiece(piece: number): void;
  /** The peer requested a block of this piece, and will get it. */
  requestQueued(piece: number): void;
  /** The peer has no use for a piece that we suggested. */
  suggestionDeclined(piece: number): void;
}

/** "have" messages are held back for up to `waitMs`, so that `maxCount` of them share one write. */
export const HAVE_BATCH = { waitMs: 500, maxCount: 16 };
/** A peer that lacks no more pieces than this is waiting for each of them. */
const LAST_PIECES = 16;
/** Suggestions kept per peer. */
const MAX_SUGGESTED = 64;
/** Requests queued per peer. Sent to it as `reqq`. */
const MAX_UPLOADS = 512;
/** How often in a row a peer may reject what it says it has, without choking us, before it counts as a liar. */
const MAX_REJECTS = 64;

/**
 * The state machine of one peer (BEP 3, 6 and 10). Pure: messages and time come in; messages to send gather in
 * `outbox`, blocks to send in `uploads`, and everything else is a call to `PeerEffects`. Throws WireError if the
 * peer breaks the protocol.
 */
export class Peer implements PickingPeer, WireSink {
  readonly identity: PeerIdentity;
  readonly isFar: boolean;
  readonly suggested = new Set<number>();
  readonly outbox: WireMessage[] = [];
  readonly uploads: Block[] = [];
  readonly pieces: Bitfield;
  amChoking = true;
  amInterested = false;
  peerChoking = true;
  peerInterested = false;
  /** Payload bytes sent to it. */
  uploaded = 0;
  /** It is a seed that deals out its pieces, see choice/dealer.ts. */
  isDealer = false;
  readonly #own: boolean;
  readonly #deals: boolean;
  readonly #map: PieceMap;
  readonly #picker: Picker<PickingPeer>;
  readonly #effects: PeerEffects;
  readonly #fast: boolean;
  readonly #requests: RequestWindow;
  readonly #receiver: BlockReceiver;
  /** How many of our missing pieces the peer has. */
  #wanted = 0;
  #rejects = 0;
  #stalled = false;
  #closed = false;

  constructor(
    identity: PeerIdentity,
    { map, picker, effects, fast, own, far = false, deals = false, budget }: {
      map: PieceMap;
      picker: Picker<PickingPeer>;
      effects: PeerEffects;
      /** Both ends support the fast extension (BEP 6). */
      fast: boolean;
      /** The peer runs Rackseed too, and takes large blocks. */
      own: boolean;
      /** The peer is in another rack, behind a scarce link. */
      far?: boolean;
      /** We are a dealer: we suggest to each peer what to request. */
      deals?: boolean;
      /** Shared by all our peers. */
      budget?: RequestBudget;
    },
  ) {
    this.identity = identity;
    this.isFar = far;
    this.#own = own;
    this.#requests = new RequestWindow({ own, maxRequests: MAX_UPLOADS, budget });
    this.#deals = deals;
    this.pieces = new Bitfield(map.pieceCount);
    this.#map = map;
    this.#picker = picker;
    this.#effects = effects;
    this.#fast = fast;
    this.#receiver = new BlockReceiver(this, { picker, effects });
  }

  /** Payload bytes received from it and kept. */
  get downloaded(): number {
    return this.#receiver.downloaded;
  }

  /** Bytes received from it that were of no use. */
  get wasted(): number {
    return this.#receiver.wasted;
  }

  /** Sends our pieces and, to a peer that supports BEP 10, our listening port `extendedPort`. */
  open(extendedPort: number | undefined): void {
    const { have } = this.#picker;
    if (this.#fast && have.isFull) this.#send({ type: "haveAll" });
    else if (this.#fast && have.count === 0) this.#send({ type: "haveNone" });
    else if (have.count > 0) this.#send({ type: "bitfield", pieces: have });
    if (extendedPort !== undefined) {
      const payload = encodeExtendedHandshake({ reqq: MAX_UPLOADS, port: extendedPort, deals: this.#deals });
      this.#send({ type: "extended", id: 0, payload });
    }
  }

  /** The connection has ended: everything requested from this peer is free for others. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver.abort();
    this.#releaseAll();
    this.#picker.uncountPeer(this);
    this.#effects.closed();
    this.#picker.releasePieces(this);
  }

  /** Whether a dealer may deal to it: it runs Rackseed and supports suggestions. */
  get takesDeals(): boolean {
    return this.#own && this.#fast;
  }

  get maxBlockLength(): number {
    return this.#requests.maxBlockLength;
  }

  get isSeed(): boolean {
    return this.pieces.isFull;
  }

  get isIdle(): boolean {
    return this.#requests.isIdle;
  }

  /** A request is unanswered, or a block incomplete. */
  get owesData(): boolean {
    return this.#requests.blocks.length > 0 || this.#receiver.isReceiving;
  }

  /** Requested from it and not fully received. */
  get inFlightBytes(): number {
    return this.#requests.bytes;
  }

  isRequested(piece: number, begin: number): boolean {
    return this.#requests.covers(piece, begin);
  }

  message(message: WireMessage): void {
    if (this.#closed) return;
    switch (message.type) {
      case "choke":
        this.peerChoking = true;
        // a dealer now deals them to others
        this.suggested.clear();
        // with the fast extension the peer rejects each request that it drops (BEP 6)
        if (!this.#fast) this.#releaseAll();
        return this.#picker.releasePieces(this);
      case "unchoke":
        this.peerChoking = false;
        return this.refill();
      case "interested":
      case "notInterested":
        this.peerInterested = message.type === "interested";
        return this.#effects.interestChanged();
      case "have":
        return this.#onHave(message.piece);
      case "bitfield":
        return this.#onPieces(message.pieces);
      case "haveAll":
        return this.#onPieces(Bitfield.full(this.#map.pieceCount));
      case "request":
        return this.#onRequest(message);
      case "cancel":
        return this.#onCancel(message);
      case "reject":
        return this.#onReject(message);
      case "extended":
        return this.#onExtended(message.id, message.payload);
      case "suggest":
        return this.#onSuggest(message.piece);
      case "haveNone":
      case "keepAlive":
      case "allowedFast":
      case "unknown":
        return;
    }
  }

  /** Sends requests until the window is full. */
  refill(): void {
    // others may have delivered what it owed: give it another chance
    if (!this.owesData) this.#stalled = false;
    if (this.#closed || this.#stalled || this.peerChoking || !this.amInterested) return;
    while (this.#requests.hasRoom) {
      const block = this.#picker.pick(this);
      if (!block) return;
      this.#requests.add(block);
      this.#send({ type: "request", ...block });
    }
  }

  /**
   * The peer owes us blocks and has sent nothing for a while. Until it sends again, we request nothing more from
   * it, and may request from others what it owes. False if it was stalled already.
   */
  stall(): boolean {
    if (this.#stalled || this.#closed) return false;
    this.#stalled = true;
    this.#receiver.discard();
    for (const block of this.#requests.blocks) this.#picker.doubt(block);
    this.#picker.releasePieces(this);
    return true;
  }

  /** Fits the request window to what arrived in the last `elapsedMs`. */
  pace(elapsedMs: number): void {
    this.#requests.pace(elapsedMs, this.downloaded + this.wasted);
  }

  /** Suggests pieces (BEP 6). Suggestions must reach the peer before the unchoke. */
  suggest(pieces: readonly number[]): void {
    for (const piece of pieces) this.#send({ type: "suggest", piece });
  }

  blockStart(block: Block): void {
    if (this.#closed) return;
    this.#receiver.start(block, { requested: this.#requests.delete(block) });
  }

  blockData(bytes: Uint8Array): void {
    if (this.#receiver.isReceiving) this.#stalled = false;
    this.#receiver.data(bytes);
  }

  blockEnd(): void {
    this.#rejects = 0;
    this.#receiver.end();
    this.refill();
  }

  setChoking(choke: boolean): void {
    if (this.amChoking === choke) return;
    this.amChoking = choke;
    this.#send({ type: choke ? "choke" : "unchoke" });
    if (!choke) return;
    for (const block of this.uploads.splice(0)) if (this.#fast) this.#send({ type: "reject", ...block });
  }

  /**
   * We have one more piece. Our interest in the peer may end, and a peer that lacks the piece gets a "have". So does
   * every dealer, or it would go on dealing a piece that is everywhere. A peer with enough to request gets its "have"
   * messages in batches, or along with other messages; the swarm wakes its link after `HAVE_BATCH.waitMs`. If there
   * are several racks, a peer in our own gets it at once, or it would fetch the piece from another rack.
   */
  sendHave(piece: number): void {
    const isLacking = !this.pieces.has(piece);
    if (isLacking || this.isDealer) this.outbox.push({ type: "have", piece });
    if (!isLacking && --this.#wanted === 0) this.#setInterest(false);
    const isWaiting = !this.peerInterested || this.pieces.size - this.pieces.count <= LAST_PIECES ||
      this.#picker.isRare(piece) || this.#picker.hasFarPeers && !this.isFar;
    if ((isLacking && isWaiting) || this.outbox.length >= HAVE_BATCH.maxCount) this.#effects.wake();
  }

  /** Cancels requests for blocks of `piece` that others have delivered. */
  cancelObsolete(piece: number): void {
    const obsolete = this.#requests.blocks.filter((block) =>
      block.piece === piece && this.#picker.isObsolete(block)
    );
    for (const block of obsolete) {
      this.#requests.delete(block);
      this.#picker.release(block);
      this.#send({ type: "cancel", ...block });
    }
    if (obsolete.length > 0) this.refill();
  }

  /** We cannot send a block that we offered. Without BEP 6 the peer would wait for it forever, so we disconnect. */
  refuse({ piece, begin, length }: Block): void {
    if (!this.#fast) {
      throw new WireError("it requests a piece that is damaged here, and does not support rejects");
    }
    this.#send({ type: "reject", piece, begin, length });
  }

  keepAlive(): void {
    this.#send({ type: "keepAlive" });
  }

  #onHave(piece: number): void {
    if (piece >= this.#map.pieceCount) throw new WireError(`it has piece ${piece}, which does not exist`);
    this.#addPiece(piece);
    if (this.#wanted > 0) this.#setInterest(true);
    this.refill();
  }

  /** Comes first. aria2 also sends it later, in place of many "have" messages. */
  #onPieces(pieces: Bitfield): void {
    for (let piece = 0; piece < pieces.size; piece++) if (pieces.has(piece)) this.#addPiece(piece);
    if (this.#wanted > 0) this.#setInterest(true);
    this.refill();
  }

  #addPiece(piece: number): void {
    if (!this.pieces.add(piece)) return;
    this.#picker.countPiece(piece, this);
    if (this.#picker.isMissing(piece)) this.#wanted++;
    this.#effects.gainedPiece(piece);
  }

  #onRequest(block: Block): void {
    const { piece, begin, length } = block;
    if (
      piece >= this.#map.pieceCount || length === 0 || length > MAX_BLOCK_BYTES ||
      begin + length > this.#map.lengthOf(piece)
    ) throw new WireError(`it requests ${begin}+${length} of piece ${piece}`);
    if (!this.amChoking && this.#picker.have.has(piece) && this.uploads.length < MAX_UPLOADS) {
      this.uploads.push({ piece, begin, length });
      this.#effects.requestQueued(piece);
      this.#effects.wake();
    } else if (this.#fast) {
      this.#send({ type: "reject", piece, begin, length });
    }
  }

  /** Takes the suggestion or declines it. Between Rackseed peers a reject without a request is a decline. */
  #onSuggest(piece: number): void {
    if (piece >= this.#map.pieceCount) {
      throw new WireError(`it suggests piece ${piece}, which does not exist`);
    }
    if (this.#picker.isFree(piece)) {
      if (this.suggested.size < MAX_SUGGESTED) this.suggested.add(piece);
      this.refill();
    } else this.decline(piece);
  }

  /** Lets a dealer know that it holds a piece for us in vain. If we have the piece, it knows already. */
  decline(piece: number): void {
    if (!this.isDealer || !this.#fast || this.#picker.have.has(piece)) return;
    this.#send({ type: "reject", piece, begin: 0, length: this.#map.lengthOf(piece) });
  }

  #onCancel({ piece, begin, length }: Block): void {
    const index = this.uploads.findIndex((block) => block.piece === piece && block.begin === begin);
    if (index < 0) return;
    this.uploads.splice(index, 1);
    if (this.#fast) this.#send({ type: "reject", piece, begin, length });
  }

  /** The block is free for other peers. We request more from this one only after it delivers something. */
  #onReject(block: Block): void {
    if (!this.#requests.delete(block)) return this.#effects.suggestionDeclined(block.piece);
    this.#picker.release(block);
    this.#picker.releasePieces(this);
    if (this.peerChoking || !this.pieces.has(block.piece)) return;
    if (++this.#rejects > MAX_REJECTS) throw new WireError("it rejects requests for what it says it has");
  }

  #onExtended(id: number, payload: Uint8Array): void {
    if (id !== 0) return;
    const { reqq, port, deals } = decodeExtendedHandshake(payload);
    if (deals && !this.isDealer) this.#becomeDealer();
    if (reqq !== undefined) this.#requests.maxRequests = Math.min(MAX_UPLOADS, reqq);
    if (port !== undefined) this.#effects.listensOn(port);
  }

  /** A dealer's pieces count differently, and arrived before it said what it is. */
  #becomeDealer(): void {
    this.#picker.uncountPeer(this);
    this.isDealer = true;
    // it reserves for us what it deals to us
    this.#requests.leaveBudget();
    for (let piece = 0; piece < this.pieces.size; piece++) {
      if (this.pieces.has(piece)) this.#picker.countPiece(piece, this);
    }
  }

  #releaseAll(): void {
    for (const block of this.#requests.clear()) this.#picker.release(block);
  }

  #setInterest(interested: boolean): void {
    if (this.amInterested === interested) return;
    this.amInterested = interested;
    this.#send({ type: interested ? "interested" : "notInterested" });
  }

  #send(message: WireMessage): void {
    this.outbox.push(message);
    this.#effects.wake();
  }
}
