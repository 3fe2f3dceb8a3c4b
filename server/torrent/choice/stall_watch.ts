/**
 * A peer that owes us data and sends none: after three times its longest pause so far, within these bounds,
 * the endgame asks others for it; after `drop`, or when that has happened often, it has to go.
 */
const STALL_MS = { min: 2_000, max: 10_000, drop: 20_000 };
const MAX_STALLS = 3;

/** What is watched of a peer. */
interface Watched {
  /** Something was asked of it and has not come. */
  readonly owesData: boolean;
  /** It is not relied on from now on. False where that was known. */
  stall(): boolean;
}

/** How long one peer is waited for. Pure: the time is told to it. */
export class StallWatch {
  #moved = 0;
  #movedAt: number;
  #longestPauseMs = 0;
  /** How often it stalled since it sent anything. */
  #stalls = 0;

  constructor(now: number) {
    this.#movedAt = now;
  }

  /**
   * Once a second. `moved`: bytes that came so far; `isThrottled`: it is we who do not read. False where the peer
   * has to go.
   */
  tick(
    peer: Watched,
    { now, moved, isThrottled }: { now: number; moved: number; isThrottled: boolean },
  ): boolean {
    const pauseMs = now - this.#movedAt;
    const owesData = peer.owesData && !isThrottled;
    const patienceMs = Math.min(STALL_MS.max, Math.max(STALL_MS.min, 3 * this.#longestPauseMs));
    if (moved !== this.#moved) {
      this.#longestPauseMs = Math.max(this.#longestPauseMs, pauseMs);
      this.#stalls = 0;
    } else if (owesData && pauseMs > patienceMs && peer.stall()) this.#stalls++;
    if (moved !== this.#moved || !owesData) {
      this.#moved = moved;
      this.#movedAt = now;
    }
    return now - this.#movedAt <= STALL_MS.drop && this.#stalls <= MAX_STALLS;
  }
}
