import { type Block, MAX_BLOCK_BYTES, STOCK_BLOCK_BYTES } from "../wire/wire.ts";

/**
 * Bytes that are asked of a peer and not yet come: what it sends in this time, within bounds. More would only
 * queue at its end, and bind pieces to a peer that may be slower than others.
 */
const IN_FLIGHT_MS = 200;
const IN_FLIGHT_BYTES = { min: 256 * 1024, first: 512 * 1024, max: 4 * 1024 * 1024 };
/** Stock clients do not pace us: transmission looks at what it was asked for twice a second. */
const STOCK_IN_FLIGHT_BYTES = 2 * 1024 * 1024;
/** From this rate on, bytes a second, our own peers are asked for the largest blocks, below for smaller. */
const FAST_RATE = 4 * 1024 * 1024;
const SLOW_BLOCK_BYTES = 128 * 1024;
/** What an idle peer may double in the endgame. */
const IDLE_BYTES = MAX_BLOCK_BYTES;

/** Less than this a second is slow: what is asked there does not keep us from asking others. */
const SLOW_RATE = 64 * 1024;
/** What more peers than these are asked for together: what comes in this time, and at least that much. */
const FEW_PEERS = 40;
const TOTAL_IN_FLIGHT_MS = 250;
const MIN_TOTAL_BYTES = 3 * 1024 * 1024;

/**
 * What may be asked at one time of all peers together that share it. In a large swarm, where a piece passes
 * through many hands, many that come slowly side by side are passed on late; few are soon complete. Where
 * everyone knows everyone a piece is there in one step, and there is no such limit. Pure.
 */
export class RequestBudget {
  #bytes = 0;
  #limitBytes = Infinity;

  get hasRoom(): boolean {
    return this.#bytes < this.#limitBytes;
  }

  /** So much more is asked for, or less where it is negative. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Fits it to the number of peers and the rate at which all together send, bytes a second. */
  pace({ peers, rate }: { peers: number; rate: number }): void {
    const limit = Math.max(MIN_TOTAL_BYTES, rate * TOTAL_IN_FLIGHT_MS / 1000);
    this.#limitBytes = peers > FEW_PEERS ? limit : Infinity;
  }
}

/** The requests to one peer that are not answered yet, and how many there may be. Pure. */
export class RequestWindow {
  readonly #own: boolean;
  #blocks: Block[] = [];
  #bytes = 0;
  #limitBytes: number;
  /** Absent where this peer is asked whatever is under way elsewhere. */
  #budget: RequestBudget | undefined;
  #isSlow = false;
  /** Bytes a second. */
  #rate = FAST_RATE;
  #received = 0;
  /** How many requests the peer is willing to queue. */
  maxRequests: number;

  /** `own`: it is one of ours, and takes large blocks. */
  constructor(
    { own, maxRequests, budget }: { own: boolean; maxRequests: number; budget?: RequestBudget | undefined },
  ) {
    // others do not pace us
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

  /** What it is asked for does not count from now on. */
  leaveBudget(): void {
    if (!this.#isSlow) this.#budget?.add(-this.#bytes);
    this.#budget = undefined;
  }

  add(block: Block): void {
    this.#blocks.push(block);
    this.#count(block.length);
  }

  /** Strikes a request off the list; false where it is not on it. */
  delete({ piece, begin, length }: Block): boolean {
    const index = this.#blocks.findIndex((block) =>
      block.piece === piece && block.begin === begin && block.length === length
    );
    if (index < 0) return false;
    this.#blocks.splice(index, 1);
    this.#count(-length);
    return true;
  }

  /** Empties the list and says what was on it. */
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

  /** Fits the window to what came in the last `elapsedMs`; `received`: payload bytes so far. */
  pace(elapsedMs: number, received: number): void {
    if (!this.#own) return;
    const rate = (received - this.#received) * 1000 / elapsedMs;
    this.#received = received;
    // A peer that was asked for nothing is not slow.
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
