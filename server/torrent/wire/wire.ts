import { Bitfield } from "./bitfield.ts";

/**
 * The peer wire protocol (BEP 3) with the fast extension (BEP 6) and the extension protocol (BEP 10).
 *
 *     message:  length u32 | id u8 | payload          length counts id and payload; 0 is a keep-alive
 *     piece:    length u32 | 7 | piece u32 | begin u32 | block
 *
 * Blocks are never copied into a message object: the decoder passes on their bytes in place, as they arrive.
 */
export interface Block {
  readonly piece: number;
  /** Offset inside the piece, bytes. */
  readonly begin: number;
  readonly length: number;
}

export type WireMessage =
  | { readonly type: "keepAlive" }
  | { readonly type: FlagType }
  | { readonly type: PieceIndexType; readonly piece: number }
  | { readonly type: "bitfield"; readonly pieces: Bitfield }
  | { readonly type: BlockType } & Block
  | { readonly type: "extended"; readonly id: number; readonly payload: Uint8Array }
  /** DHT ports and anything else that we do not know. Skipped. */
  | { readonly type: "unknown"; readonly id: number };

type FlagType = keyof typeof FLAG_IDS;
type PieceIndexType = keyof typeof PIECE_IDS;
type BlockType = keyof typeof BLOCK_IDS;

const FLAG_IDS = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  haveAll: 14,
  haveNone: 15,
} as const;
const PIECE_IDS = { have: 4, suggest: 13, allowedFast: 17 } as const;
const BLOCK_IDS = { request: 6, cancel: 8, reject: 16 } as const;
const BITFIELD = 5;
const PIECE = 7;
const EXTENDED = 20;

const FLAG_TYPES = new Map(Object.entries(FLAG_IDS).map(([type, id]) => [id as number, type as FlagType]));
const PIECE_TYPES = new Map(
  Object.entries(PIECE_IDS).map(([type, id]) => [id as number, type as PieceIndexType]),
);
const BLOCK_TYPES = new Map(Object.entries(BLOCK_IDS).map(([type, id]) => [id as number, type as BlockType]));

/** The most a stock client accepts in one request (BEP 3, "All current implementations use 2^14"). */
export const STOCK_BLOCK_BYTES = 16 * 1024;
/** The most Rackseed peers request from each other: 13 to 20 % less CPU than with 16 KiB. */
export const MAX_BLOCK_BYTES = 256 * 1024;
export const BLOCK_HEADER_BYTES = 13;
const MAX_EXTENDED_BYTES = 64 * 1024;

/** A peer broke the protocol. Its connection is logged and closed. */
export class WireError extends Error {
  override readonly name = "WireError";
}

export function encodedLength(message: WireMessage): number {
  switch (message.type) {
    case "keepAlive":
      return 4;
    case "have":
    case "suggest":
    case "allowedFast":
      return 9;
    case "request":
    case "cancel":
    case "reject":
      return 17;
    case "bitfield":
      return 5 + Math.ceil(message.pieces.size / 8);
    case "extended":
      return 6 + message.payload.length;
    case "unknown":
      throw new TypeError("an unknown message cannot be sent");
    default:
      return 5;
  }
}

/** Writes `message` at `at` and returns its end. `into` must have room for `encodedLength` bytes. */
export function encodeMessage(message: WireMessage, { into, at }: { into: DataView; at: number }): number {
  const end = at + encodedLength(message);
  into.setUint32(at, end - at - 4);
  switch (message.type) {
    case "keepAlive":
    case "unknown":
      break;
    case "have":
    case "suggest":
    case "allowedFast":
      into.setUint8(at + 4, PIECE_IDS[message.type]);
      into.setUint32(at + 5, message.piece);
      break;
    case "request":
    case "cancel":
    case "reject":
      into.setUint8(at + 4, BLOCK_IDS[message.type]);
      into.setUint32(at + 5, message.piece);
      into.setUint32(at + 9, message.begin);
      into.setUint32(at + 13, message.length);
      break;
    case "bitfield":
      into.setUint8(at + 4, BITFIELD);
      bytesOf(into).set(message.pieces.toBytes(), at + 5);
      break;
    case "extended":
      into.setUint8(at + 4, EXTENDED);
      into.setUint8(at + 5, message.id);
      bytesOf(into).set(message.payload, at + 6);
      break;
    default:
      into.setUint8(at + 4, FLAG_IDS[message.type]);
  }
  return end;
}

/** Writes the header of a piece message; the block's bytes follow it. */
export function encodeBlockHeader(block: Block, { into, at }: { into: DataView; at: number }): number {
  into.setUint32(at, 9 + block.length);
  into.setUint8(at + 4, PIECE);
  into.setUint32(at + 5, block.piece);
  into.setUint32(at + 9, block.begin);
  return at + BLOCK_HEADER_BYTES;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Receives what a decoder finds. `blockData` gets views of the caller's buffer: use them at once. */
export interface WireSink {
  message(message: WireMessage): void;
  blockStart(block: Block): void;
  blockData(bytes: Uint8Array): void;
  blockEnd(): void;
}

/**
 * Splits a byte stream into messages. Every length is checked against its message type before anything is buffered.
 * Only headers and small messages are copied, since they may span two reads.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { encodedLength, encodeMessage, WireDecoder, type WireMessage } from "#torrent/wire/wire.ts";
 *
 * const have: WireMessage = { type: "have", piece: 7 };
 * const bytes = new Uint8Array(encodedLength(have));
 * encodeMessage(have, { into: new DataView(bytes.buffer), at: 0 });
 *
 * const seen: WireMessage[] = [];
 * const decoder = new WireDecoder(100, {
 *   message: (message) => seen.push(message),
 *   blockStart: () => {},
 *   blockData: () => {},
 *   blockEnd: () => {},
 * });
 * for (const byte of bytes) decoder.push(Uint8Array.of(byte));
 * assert.deepEqual(seen, [have]);
 * ```
 */
export class WireDecoder {
  readonly #pieceCount: number;
  readonly #sink: WireSink;
  #held = new Uint8Array(64);
  #heldLength = 0;
  #blockLeft = 0;

  constructor(pieceCount: number, sink: WireSink) {
    this.#pieceCount = pieceCount;
    this.#sink = sink;
  }

  /** Throws WireError if the peer broke the protocol. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#blockLeft > 0) at = this.#passBlock(chunk, at);
      else at = this.#gather(chunk, at);
    }
  }

  #passBlock(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#blockLeft);
    this.#blockLeft -= end - at;
    this.#sink.blockData(chunk.subarray(at, end));
    if (this.#blockLeft === 0) this.#sink.blockEnd();
    return end;
  }

  #gather(chunk: Uint8Array, at: number): number {
    const need = this.#needed();
    if (need > this.#held.length) {
      const grown = new Uint8Array(need);
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
    }
    const end = Math.min(chunk.length, at + need - this.#heldLength);
    this.#held.set(chunk.subarray(at, end), this.#heldLength);
    this.#heldLength += end - at;
    if (this.#heldLength === this.#needed()) this.#deliver();
    return end;
  }

  /** Bytes to buffer before the next step: the length, then the id, then the message or block header. */
  #needed(): number {
    if (this.#heldLength < 4) return 4;
    const length = this.#u32(0);
    if (length === 0) return 4;
    if (this.#heldLength < 5) return 5;
    const id = this.#held[4] ?? 0;
    checkLength({ id, length, pieceCount: this.#pieceCount });
    return id === PIECE ? BLOCK_HEADER_BYTES : 4 + length;
  }

  #deliver(): void {
    const length = this.#u32(0);
    this.#heldLength = 0;
    if (length > 0 && this.#held[4] === PIECE) {
      this.#blockLeft = length - 9;
      this.#sink.blockStart({ piece: this.#u32(5), begin: this.#u32(9), length: length - 9 });
    } else {
      this.#sink.message(length === 0 ? { type: "keepAlive" } : this.#parse(length));
    }
  }

  #parse(length: number): WireMessage {
    const id = this.#held[4] ?? 0;
    const flag = FLAG_TYPES.get(id);
    if (flag) return { type: flag };
    const indexed = PIECE_TYPES.get(id);
    if (indexed) return { type: indexed, piece: this.#u32(5) };
    const block = BLOCK_TYPES.get(id);
    if (block) return { type: block, piece: this.#u32(5), begin: this.#u32(9), length: this.#u32(13) };
    if (id === BITFIELD) {
      const pieces = Bitfield.parse(this.#held.subarray(5, 4 + length), this.#pieceCount);
      if (!pieces) throw new WireError("the bitfield has bits set after the last piece");
      return { type: "bitfield", pieces };
    }
    if (id === EXTENDED) {
      return { type: "extended", id: this.#held[5] ?? 0, payload: this.#held.slice(6, 4 + length) };
    }
    return { type: "unknown", id };
  }

  #u32(at: number): number {
    return new DataView(this.#held.buffer).getUint32(at);
  }
}

function checkLength({ id, length, pieceCount }: { id: number; length: number; pieceCount: number }): void {
  const ok = FLAG_TYPES.has(id)
    ? length === 1
    : PIECE_TYPES.has(id)
    ? length === 5
    : BLOCK_TYPES.has(id)
    ? length === 13
    : id === BITFIELD
    ? length === 1 + Math.ceil(pieceCount / 8)
    : id === PIECE
    ? length > 9 && length <= 9 + MAX_BLOCK_BYTES
    : id === EXTENDED
    ? length >= 2 && length <= 2 + MAX_EXTENDED_BYTES
    : length <= MAX_EXTENDED_BYTES;
  if (!ok) throw new WireError(`message ${id} has a length of ${length}`);
}
