import { type Block, MAX_BLOCK_BYTES, STOCK_BLOCK_BYTES } from "../wire/wire.ts";

/**
 * Bytes in flight from one peer: what it sends in this time, within bounds. More would only queue at its end, and tie
 * pieces to a peer that may be slower than others.
 */
const IN_FLIGHT_MS = 200;
const IN_FLIGHT_BYTES = { min: 256 * 1024, first: 512 * 1024, max: 4 * 1024 * 1024 };
/** Stock clients need a longer queue: transmission looks at its requests only twice a second. */
const STOCK_IN_FLIGHT_BYTES = 2 * 1024 * 1024;
/** From this rate on, bytes a second, Rackseed peers are asked for the largest blocks; below it, for smaller ones. */
const FAST_RATE = 4 * 1024 * 1024;
const SLOW_BLOCK_BYTES = 128 * 1024;
/** A peer with less than this in flight is idle: in the endgame it may fetch what others owe us. */
const IDLE_BYTES = MAX_BLOCK_BYTES;

/** Below this, bytes a second, a peer is slow, and its requests do not count against the budget. */
const SLOW_RATE = 64 * 1024;
/**
 * With more than `FEW_PEERS`, all together have in flight what arrives in this time, and at least
 * `MIN_TOTAL_BYTES`.
 */
const FEW_PEERS = 40;
const TOTAL_IN_FLIGHT_MS = 250;
const MIN_TOTAL_BYTES = 3 * 1024 * 1024;

/**
 * The bytes in flight from all peers together. In a large swarm a piece passes through many nodes: many pieces that
 * arrive slowly side by side are passed on late, while a few are soon complete. In a small swarm every node knows every
 * other and a piece needs one hop, so there is no limit. Pure.
 */
export class RequestBudget {
  #bytes = 0;
  #limitBytes = Infinity;

  get hasRoom(): boolean {
    return this.#bytes < this.#limitBytes;
  }

  /** Adds to the bytes in flight; negative to subtract. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Fits the limit to the number of peers and to the node's best rate in either direction, bytes a second. */
  pace({ peers, rate }: { peers: number; rate: number }): void {
    const limit = Math.max(MIN_TOTAL_BYTES, rate * TOTAL_IN_FLIGHT_MS / 1000);
    this.#limitBytes = peers > FEW_PEERS ? limit : Infinity;
  }
}

/** The unanswered requests to one peer, and how many there may be. Pure. */
export class RequestWindow {
  readonly #own: boolean;
  #blocks: Block[] = [];
  #bytes = 0;
  #limitBytes: number;
  /** Undefined if this peer's requests do not depend on what is in flight elsewhere. */
  #budget: RequestBudget | undefined;
  #isSlow = false;
  /** Bytes a second. */
  #rate = FAST_RATE;
  #received = 0;
  /** How many requests the peer queues. */
  maxRequests: number;

  /** `own`: the peer runs Rackseed too, and takes large blocks. */
  constructor(
    { own, maxRequests, budget }: { own: boolean; maxRequests: number; budget?: RequestBudget | undefined },
  ) {
    // stock clients get a fixed window
    this.#budget = own ? budget : undefined;
    this.#own = own;
    this.#limitBytes = own ? IN_FLIGHT_BYTES.first : STOCK_IN_FLIGHT_BYTES;
    this.maxRequests = maxRequests;
  }

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get hasRoom(): boolean {
    return this.#bytes < this.#limitBytes && (this.#budget?.hasRoom ?? true) &&
      this.#blocks.length < this.maxRequests;
  }

  get isIdle(): boolean {
    return this.#bytes < IDLE_BYTES;
  }

  /** The largest block to ask for: a multiple of 16 KiB. */
  get maxBlockLength(): number {
    if (!this.#own) return STOCK_BLOCK_BYTES;
    return this.#rate < FAST_RATE ? SLOW_BLOCK_BYTES : MAX_BLOCK_BYTES;
  }

  /** From now on, requests to this peer do not count against the budget. */
  leaveBudget(): void {
    if (!this.#isSlow) this.#budget?.add(-this.#bytes);
    this.#budget = undefined;
  }

  add(block: Block): void {
    this.#blocks.push(block);
    this.#count(block.length);
  }

  /** Removes a request. False if there is no such request. */
  delete({ piece, begin, length }: Block): boolean {
    const index = this.#blocks.findIndex((block) =>
      block.piece === piece && block.begin === begin && block.length === length
    );
    if (index < 0) return false;
    this.#blocks.splice(index, 1);
    this.#count(-length);
    return true;
  }

  /** Removes and returns all requests. */
  clear(): Block[] {
    const blocks = this.#blocks;
    this.#blocks = [];
    this.#count(-this.#bytes);
    return blocks;
  }

  covers(piece: number, begin: number): boolean {
    return this.#blocks.some((block) =>
      block.piece === piece && begin >= block.begin && begin < block.begin + block.length
    );
  }

  /** Fits the window to what arrived in the last `elapsedMs`. `received`: payload bytes so far. */
  pace(elapsedMs: number, received: number): void {
    if (!this.#own) return;
    const rate = (received - this.#received) * 1000 / elapsedMs;
    this.#received = received;
    // a peer without requests is not slow
    if (rate === 0 && this.#blocks.length === 0) return this.#setSlow(false);
    this.#setSlow(rate < SLOW_RATE);
    this.#rate = (this.#rate + rate) / 2;
    const { min, max } = IN_FLIGHT_BYTES;
    this.#limitBytes = Math.min(max, Math.max(min, this.#rate * IN_FLIGHT_MS / 1000));
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#isSlow) this.#budget?.add(bytes);
  }

  #setSlow(slow: boolean): void {
    if (slow === this.#isSlow) return;
    this.#isSlow = slow;
    this.#budget?.add(slow ? -this.#bytes : this.#bytes);
  }
}
