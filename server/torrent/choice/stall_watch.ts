/**
 * A peer that owes us data and sends nothing stalls after some multiple of its longest pause so far, within these bounds:
 * then the endgame requests the data from others. After `drop`, or after too many stalls, it is disconnected.
 */
const STALL_MS = { min: 2_000, max: 10_000, drop: 20_000 };
/** While other pieces can be fetched, waiting costs nothing; at the end everything waits for this peer. */
const PAUSES = { usual: 3, atEnd: 1 };
const MAX_STALLS = 3;

/** A peer as the watch sees it. */
interface Watched {
  /** A request is unanswered, or a block incomplete. */
  readonly owesData: boolean;
  /** Do not rely on it from now on. False if it was stalled already. */
  stall(): boolean;
}

/** Decides how long to wait for one peer. Pure: the caller passes the time. */
export class StallWatch {
  #moved = 0;
  #movedAt: number;
  #longestPauseMs = 0;
  /** Stalls since it last sent anything. */
  #stalls = 0;

  constructor(now: number) {
    this.#movedAt = now;
  }

  /**
   * Once a second. `moved`: bytes received so far; `isThrottled`: our download limit keeps us from reading; `isEnding`:
   * every piece that we miss is begun. False if the peer should be disconnected.
   */
  tick(
    peer: Watched,
    { now, moved, isThrottled, isEnding }: {
      now: number;
      moved: number;
      isThrottled: boolean;
      isEnding: boolean;
    },
  ): boolean {
    const pauseMs = now - this.#movedAt;
    const owesData = peer.owesData && !isThrottled;
    const pauses = isEnding ? PAUSES.atEnd : PAUSES.usual;
    const patienceMs = Math.min(STALL_MS.max, Math.max(STALL_MS.min, pauses * this.#longestPauseMs));
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
