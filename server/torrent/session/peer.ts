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
  /** There is something to send, in `outbox` or `uploads`. */
  wake(): void;
  /** It began or ceased to be interested in what we have. */
  interestChanged(): void;
  /** It told its own listening port. */
  listensOn(port: number): void;
  /** Its connection has ended. */
  closed(): void;
  /** It has a piece that it did not have before. */
  gainedPiece(piece: number): void;
  /** It asked for a block of a piece, and gets it. */
  requestQueued(piece: number): void;
  /** It has no use for a piece that we suggested. */
  suggestionDeclined(piece: number): void;
}

/** So long a peer may wait to hear of pieces that we have, while they are fewer than `at`. */
export const HAVE_BATCH = { waitMs: 500, maxCount: 16 };
/** Who lacks no more pieces than these waits for every one. */
const LAST_PIECES = 16;
/** Suggestions that are kept of a peer. */
const MAX_SUGGESTED = 64;
/** Requests that we queue for a peer, said to it as `reqq`. */
const MAX_UPLOADS = 512;
/** Refusals in a row, of what it says it has and while it does not choke us, until it counts as a liar. */
const MAX_REFUSALS = 64;

/**
 * One peer as BEP 3, 6 and 10 see it. Pure: messages and time come in, messages to send gather in `outbox`,
 * blocks to send in `uploads`, the rest are calls of `PeerEffects`. Throws WireError where the peer broke
 * the protocol.
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
  /** It is a seed that deals its pieces out. */
  isDealer = false;
  readonly #own: boolean;
  readonly #deals: boolean;
  readonly #map: PieceMap;
  readonly #picker: Picker<PickingPeer>;
  readonly #effects: PeerEffects;
  readonly #fast: boolean;
  readonly #requests: RequestWindow;
  readonly #receiver: BlockReceiver;
  /** Pieces that it has and we lack, of those that we want. */
  #wanted = 0;
  #refusals = 0;
  #stalled = false;
  #closed = false;

  constructor(
    identity: PeerIdentity,
    { map, picker, effects, fast, own, far = false, deals = false, budget }: {
      map: PieceMap;
      picker: Picker<PickingPeer>;
      effects: PeerEffects;
      /** Both ends speak the fast extension (BEP 6). */
      fast: boolean;
      /** It is one of ours, and takes large blocks. */
      own: boolean;
      /** It sits behind a link that is to be spared: in another rack. */
      far?: boolean;
      /** We suggest to our peers what to ask for. */
      deals?: boolean;
      /** Of all our peers. */
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

  /** Says what we have. `extendedPort` is our listening port, for a peer that speaks BEP 10. */
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

  /** Gives back everything that was asked of the peer, when its connection has ended. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver.abort();
    this.#releaseAll();
    this.#picker.uncountPeer(this);
    this.#effects.closed();
    this.#picker.releasePieces(this);
  }

  /** It takes part in dealing: one of ours, and able to take suggestions. */
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

  /** Something was asked for and has not come. */
  get owesData(): boolean {
    return this.#requests.blocks.length > 0 || this.#receiver.isReceiving;
  }

  /** What was asked of it and has not come whole. */
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
        // it deals them to others
        this.suggested.clear();
        // With the fast extension every dropped request is rejected by name (BEP 6).
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

  /** Asks for more, up to what may be under way. */
  refill(): void {
    // What it owed may have come from others meanwhile: it is given another chance.
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
   * It owes us blocks and has sent nothing for a while: nothing more is asked of it, and others may be asked
   * for what it owes, until it sends again. False where that was known.
   */
  stall(): boolean {
    if (this.#stalled || this.#closed) return false;
    this.#stalled = true;
    this.#receiver.discard();
    for (const block of this.#requests.blocks) this.#picker.doubt(block);
    this.#picker.releasePieces(this);
    return true;
  }

  /** Fits what may be in flight to what came in the last `elapsedMs`. */
  pace(elapsedMs: number): void {
    this.#requests.pace(elapsedMs, this.downloaded + this.wasted);
  }

  /** Suggests pieces to it (BEP 6), which is to hear of them before it is unchoked. */
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
    this.#refusals = 0;
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
   * We have a piece more: our interest may end, and the peer hears of it where it lacks the piece. A dealer hears
   * of every one, or it would deal out what is long everywhere. Who has enough to ask for hears of several at a
   * time, or along with what is sent anyway; its link is woken after `HAVE_BATCH.waitMs`. Where there are racks, one of
   * our own hears at once, or it would fetch the piece from another rack.
   */
  sendHave(piece: number): void {
    const isLacking = !this.pieces.has(piece);
    if (isLacking || this.isDealer) this.outbox.push({ type: "have", piece });
    if (!isLacking && --this.#wanted === 0) this.#setInterest(false);
    const isWaiting = !this.peerInterested || this.pieces.size - this.pieces.count <= LAST_PIECES ||
      this.#picker.isRare(piece) || this.#picker.hasFarPeers && !this.isFar;
    if ((isLacking && isWaiting) || this.outbox.length >= HAVE_BATCH.maxCount) this.#effects.wake();
  }

  /** Cancels what has come from elsewhere meanwhile. */
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

  /** We cannot give a block that we promised. A peer that cannot be told so is left: it would wait for it. */
  refuse({ piece, begin, length }: Block): void {
    if (!this.#fast) {
      throw new WireError("it asks for a piece that is damaged here, and cannot be refused it");
    }
    this.#send({ type: "reject", piece, begin, length });
  }

  keepAlive(): void {
    this.#send({ type: "keepAlive" });
  }

  #onHave(piece: number): void {
    if (piece >= this.#map.pieceCount) throw new WireError(`it has piece ${piece}, which does not exist`);
    this.#learn(piece);
    if (this.#wanted > 0) this.#setInterest(true);
    this.refill();
  }

  /** Comes first, and from aria2 also later, in place of many have messages. */
  #onPieces(pieces: Bitfield): void {
    for (let piece = 0; piece < pieces.size; piece++) if (pieces.has(piece)) this.#learn(piece);
    if (this.#wanted > 0) this.#setInterest(true);
    this.refill();
  }

  #learn(piece: number): void {
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
    ) throw new WireError(`it asks for ${begin}+${length} of piece ${piece}`);
    if (!this.amChoking && this.#picker.have.has(piece) && this.uploads.length < MAX_UPLOADS) {
      this.uploads.push({ piece, begin, length });
      this.#effects.requestQueued(piece);
      this.#effects.wake();
    } else if (this.#fast) {
      this.#send({ type: "reject", piece, begin, length });
    }
  }

  /** What is of no use is declined, which among our own peers is a reject that no request preceded. */
  #onSuggest(piece: number): void {
    if (piece >= this.#map.pieceCount) {
      throw new WireError(`it suggests piece ${piece}, which does not exist`);
    }
    if (this.#picker.isFree(piece)) {
      if (this.suggested.size < MAX_SUGGESTED) this.suggested.add(piece);
      this.refill();
    } else this.decline(piece);
  }

  /** A dealer is told that it keeps a piece for us in vain. Where we have the piece, it knows that already. */
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

  /** The block is free for other peers; this one is asked again only when it delivers something. */
  #onReject(block: Block): void {
    if (!this.#requests.delete(block)) return this.#effects.suggestionDeclined(block.piece);
    this.#picker.release(block);
    this.#picker.releasePieces(this);
    if (this.peerChoking || !this.pieces.has(block.piece)) return;
    if (++this.#refusals > MAX_REFUSALS) throw new WireError("it refuses what it says it has");
  }

  #onExtended(id: number, payload: Uint8Array): void {
    if (id !== 0) return;
    const { reqq, port, deals } = decodeExtendedHandshake(payload);
    if (deals && !this.isDealer) this.#becomeDealer();
    if (reqq !== undefined) this.#requests.maxRequests = Math.min(MAX_UPLOADS, reqq);
    if (port !== undefined) this.#effects.listensOn(port);
  }

  /** A dealer's pieces count otherwise, and came before it said what it is. */
  #becomeDealer(): void {
    this.#picker.uncountPeer(this);
    this.isDealer = true;
    // what it deals to us it keeps for us
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
