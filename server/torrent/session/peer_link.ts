import type { PieceMap } from "../metainfo/piece_map.ts";
import { type Clock, type Connection, DamagedPiece, type PieceStorage } from "../ports.ts";
import type { ReadCoalescer } from "./read_coalescer.ts";
import type { Peer } from "./peer.ts";
import type { RateLimit } from "../rate_limit.ts";
import {
  BLOCK_HEADER_BYTES,
  encodeBlockHeader,
  encodedLength,
  encodeMessage,
  WireDecoder,
} from "../wire/wire.ts";

const BUFFER_BYTES = 256 * 1024;
/** Reads pause only if what is in flight lasts for this many such pauses, or the sender would run dry. */
const PAUSES_AHEAD = 2;
/** Holds one full block, its header and a few control messages. */
const SEND_BYTES = BUFFER_BYTES + 4096;

/**
 * Moves bytes between a connection and its peer state machine. Its only memory is two buffers of 256 KiB: received
 * blocks go from the read buffer to storage, sent blocks from storage to the write buffer.
 */
export class PeerLink {
  readonly peer: Peer;
  readonly #connection: Connection;
  readonly #map: PieceMap;
  readonly #storage: PieceStorage;
  readonly #uploadLimit: RateLimit | undefined;
  readonly #downloadLimit: RateLimit | undefined;
  readonly #clock: Clock;
  readonly #coalescer: ReadCoalescer;
  readonly #closing = new AbortController();
  #wake: (() => void) | undefined;
  /** `peer.uploaded` at the previous read. */
  #uploadedBefore = 0;
  /** When the last byte was received and sent, ms of the clock. */
  lastReceived: number;
  lastSent: number;
  /** The download limit keeps us from reading right now. */
  isThrottled = false;

  constructor(
    peer: Peer,
    { connection, map, storage, uploadLimit, downloadLimit, clock, coalescer }: {
      connection: Connection;
      map: PieceMap;
      storage: PieceStorage;
      uploadLimit?: RateLimit | undefined;
      downloadLimit?: RateLimit | undefined;
      clock: Clock;
      coalescer: ReadCoalescer;
    },
  ) {
    this.peer = peer;
    this.#connection = connection;
    this.#map = map;
    this.#storage = storage;
    this.#uploadLimit = uploadLimit;
    this.#downloadLimit = downloadLimit;
    this.#clock = clock;
    this.#coalescer = coalescer;
    this.lastReceived = this.lastSent = clock.now();
  }

  /** Runs until either side closes. Throws WireError, the connection's error, or the storage's RackseedError. */
  async run(): Promise<void> {
    try {
      await Promise.all([this.#readAll(), this.#writeAll()]);
    } catch (error) {
      if (!this.#closing.signal.aborted) throw error;
    } finally {
      this.close();
    }
  }

  /** The peer has something to send. */
  wake(): void {
    this.#wake?.();
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#connection.close();
    this.wake();
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #readAll(): Promise<void> {
    const decoder = new WireDecoder(this.#map.pieceCount, this.peer);
    const buffer = new Uint8Array(BUFFER_BYTES);
    while (!this.isClosed) {
      const got = await this.#connection.read(buffer);
      if (got === null) return this.close();
      this.lastReceived = this.#clock.now();
      decoder.push(buffer.subarray(0, got));
      // unread data fills the TCP window, and that slows the sender down
      this.isThrottled = true;
      await this.#throttle(this.#downloadLimit, got);
      this.isThrottled = false;
      if (this.#mayGather(got)) await this.#coalescer.pause();
    }
  }

  /**
   * Whether to let data gather in the socket before the next read: on a slow link the read itself is most of its cost.
   * Not if the peer would run out of our requests meanwhile, nor if it downloads a lot from us.
   */
  #mayGather(got: number): boolean {
    const { inFlightBytes, uploaded } = this.peer;
    const sent = uploaded - this.#uploadedBefore;
    this.#uploadedBefore = uploaded;
    if (got >= BUFFER_BYTES / 2) return false;
    return inFlightBytes === 0 ? sent <= BUFFER_BYTES : got * PAUSES_AHEAD <= inFlightBytes;
  }

  async #throttle(limit: RateLimit | undefined, bytes: number): Promise<void> {
    const waitMs = limit?.reserve(bytes, this.#clock.now()) ?? 0;
    if (waitMs > 0) await this.#clock.sleep(waitMs, this.#closing.signal);
  }

  async #writeAll(): Promise<void> {
    const buffer = new Uint8Array(SEND_BYTES);
    const into = new DataView(buffer.buffer);
    while (!this.isClosed) {
      let end = this.#gatherMessages(into);
      end = this.#gatherBlocks(buffer, { into, at: end });
      if (end === 0 && this.peer.outbox.length > 0) continue;
      if (end === 0) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = undefined;
        continue;
      }
      await this.#throttle(this.#uploadLimit, end);
      for (let at = 0; at < end;) at += await this.#connection.write(buffer.subarray(at, end));
      this.lastSent = this.#clock.now();
    }
  }

  #gatherMessages(into: DataView): number {
    const { outbox } = this.peer;
    let end = 0;
    let taken = 0;
    for (const message of outbox) {
      if (end + encodedLength(message) > into.byteLength) break;
      end = encodeMessage(message, { into, at: end });
      taken++;
    }
    outbox.splice(0, taken);
    return end;
  }

  #gatherBlocks(buffer: Uint8Array, { into, at }: { into: DataView; at: number }): number {
    const { uploads } = this.peer;
    let end = at;
    for (;;) {
      const block = uploads[0];
      if (!block || end + BLOCK_HEADER_BYTES + block.length > buffer.length) return end;
      uploads.shift();
      const start = encodeBlockHeader(block, { into, at: end });
      try {
        const bytes = buffer.subarray(start, start + block.length);
        this.#storage.read(this.#map.startOf(block.piece) + block.begin, bytes);
      } catch (error) {
        if (!(error instanceof DamagedPiece)) throw error;
        this.peer.refuse(block);
        continue;
      }
      end = start + block.length;
      this.peer.uploaded += block.length;
    }
  }
}
