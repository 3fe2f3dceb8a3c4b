import { UNIT_BYTES } from "../choice/active_piece.ts";
import { Bitfield } from "../wire/bitfield.ts";
import { type HttpSource, identityOf, readRange } from "./http_range.ts";
import type { BlockEffects } from "../storage/block_effects.ts";
import type { PeerIdentity } from "../ports.ts";
import type { Picker, PickingPeer } from "../choice/picker.ts";
import type { PieceMap } from "../metainfo/piece_map.ts";
import type { Clock } from "../ports.ts";
import type { RateLimit } from "../rate_limit.ts";
import type { Block } from "../wire/wire.ts";

/** A request that delivers nothing for this long is given up. */
const IDLE_MS = 15_000;
const RETRY_MS = { first: 1_000, max: 60_000 };

export interface WebSeedOptions {
  /** The torrent's name. */
  readonly torrent: string;
  readonly map: PieceMap;
  readonly picker: Picker<PickingPeer>;
  readonly clock: Clock;
  readonly downloadLimit?: RateLimit | undefined;
  readonly effectsOf: (seed: WebSeed) => BlockEffects;
}

interface Transfer {
  readonly block: Block;
  readonly abort: AbortController;
  kept: number;
  /** When the last byte arrived, clock ms. */
  movedAt: number;
}

/**
 * One HTTP source of the torrent's files. To the picker it is a peer that has everything and serves whole pieces. Its
 * bytes are verified like any peer's.
 */
export class WebSeed implements PickingPeer {
  readonly identity: PeerIdentity;
  readonly pieces: Bitfield;
  readonly maxBlockLength: number;
  readonly isFar = false;
  readonly isDealer = false;
  readonly suggested = new Set<number>();
  /** Payload bytes kept, and bytes that were of no use. */
  downloaded = 0;
  wasted = 0;
  isBanned = false;
  readonly #source: HttpSource;
  readonly #torrent: string;
  readonly #map: PieceMap;
  readonly #picker: Picker<PickingPeer>;
  readonly #effects: BlockEffects;
  readonly #clock: Clock;
  readonly #limit: RateLimit | undefined;
  readonly #transfers = new Set<Transfer>();
  #failures = 0;
  #notBefore = 0;

  constructor(
    source: HttpSource,
    { torrent, map, picker, clock, downloadLimit, effectsOf }: WebSeedOptions,
  ) {
    this.identity = identityOf(source);
    this.pieces = Bitfield.full(map.pieceCount);
    this.maxBlockLength = map.pieceLength;
    this.#source = source;
    this.#torrent = torrent;
    this.#map = map;
    this.#picker = picker;
    this.#effects = effectsOf(this);
    this.#clock = clock;
    this.#limit = downloadLimit;
  }

  get isUsable(): boolean {
    return !this.isBanned && this.#clock.now() >= this.#notBefore;
  }

  /** Pieces in progress. */
  get transfers(): number {
    return this.#transfers.size;
  }

  get isIdle(): boolean {
    return this.#transfers.size === 0;
  }

  isRequested(piece: number, begin: number): boolean {
    return this.#transfers.values().some(({ block }) =>
      block.piece === piece && begin >= block.begin && begin < block.begin + block.length
    );
  }

  /**
   * Fetches the next piece, or the rest of it. Returns undefined if there is nothing to fetch. The promise resolves
   * when the piece has arrived, and rejects if the source fails; the source is then not used for a while.
   */
  fetchNext(): Promise<void> | undefined {
    const block = this.#picker.pick(this);
    if (!block) return undefined;
    return this.#fetch({ block, abort: new AbortController(), kept: 0, movedAt: this.#clock.now() });
  }

  /** Aborts requests for blocks of `piece` that others have delivered. */
  cancelObsolete(piece: number): void {
    for (const { block, abort } of this.#transfers) {
      if (block.piece === piece && this.#picker.isObsolete(block)) abort.abort(new Obsolete());
    }
  }

  /** Once a second: aborts requests that have stalled. */
  tick(): void {
    for (const { abort, movedAt } of this.#transfers) {
      if (this.#clock.now() - movedAt > IDLE_MS) {
        abort.abort(new Error(`it sent nothing for ${IDLE_MS / 1000} s`));
      }
    }
  }

  close(): void {
    for (const { abort } of this.#transfers) abort.abort(new Obsolete());
  }

  async #fetch(transfer: Transfer): Promise<void> {
    const { block, abort } = transfer;
    let begun = false;
    this.#transfers.add(transfer);
    try {
      let begin = block.begin;
      for await (const bytes of this.#read(transfer)) {
        abort.signal.throwIfAborted();
        begun ||= this.#picker.startBlock(this, block) > 0;
        if (!begun) throw new Obsolete();
        this.#keep(transfer, { begin, bytes });
        begin += bytes.length;
        const waitMs = this.#limit?.reserve(bytes.length, this.#clock.now()) ?? 0;
        if (waitMs > 0) await this.#clock.sleep(waitMs, abort.signal);
        transfer.movedAt = this.#clock.now();
      }
    } catch (error) {
      abort.abort(error);
      if (begun) {
        this.#picker.endBlock(this, { block, whole: false });
        this.#effects.blockAborted(block.piece);
        this.wasted += transfer.kept;
      } else this.#picker.release(block);
      this.#picker.releasePieces(this);
      if (abort.signal.reason instanceof Obsolete) return;
      this.#notBefore = this.#clock.now() + Math.min(RETRY_MS.max, RETRY_MS.first * 2 ** this.#failures++);
      throw abort.signal.reason;
    } finally {
      this.#transfers.delete(transfer);
    }
    this.downloaded += transfer.kept;
    this.#failures = 0;
    this.#effects.blockReceived(block.piece, this.#picker.endBlock(this, { block, whole: true }));
  }

  /** Yields the block's bytes in order, with one request for each file that it spans. */
  async *#read({ block, abort: { signal } }: Transfer): AsyncGenerator<Uint8Array, void, undefined> {
    const position = this.#map.startOf(block.piece) + block.begin;
    for (const { file, offset, length } of this.#map.rangesAt(position, block.length)) {
      const range = { torrent: this.#torrent, file: this.#map.files[file]?.name ?? "", offset, length };
      yield* readRange(this.#source, { range, signal });
    }
  }

  /** Keeps the units that no peer delivers. */
  #keep(transfer: Transfer, { begin, bytes }: { begin: number; bytes: Uint8Array }): void {
    const { piece } = transfer.block;
    for (let at = 0; at < bytes.length;) {
      const unitEnd = (Math.floor((begin + at) / UNIT_BYTES) + 1) * UNIT_BYTES;
      const part = bytes.subarray(at, unitEnd - begin);
      if (this.#picker.isReceiving(this, { piece, begin: begin + at })) {
        transfer.kept += part.length;
        this.#effects.store(piece, { begin: begin + at, bytes: part });
      } else this.wasted += part.length;
      at += part.length;
    }
  }
}

/** The block is no longer needed; the source is not to blame. */
class Obsolete extends Error {}
