import type { Random } from "../ports.ts";

/** Less than this a second is next to nothing. */
const TRICKLE_BYTES = 16 * 1024;
/**
 * How long peers may give next to nothing. Longer where some have what we lack, since they may be busy with
 * others. Each swarm adds up to as much again, so that a rack does not turn to the web seed at one time.
 */
const PATIENCE_MS = { alone: 3_000, withPeers: 10_000 };
/** Pieces that are fetched at one time. A node with peers only helps itself to a start. */
const PARALLEL = { alone: 4, withPeers: 1 };

/** Tells when peers give so little that a web seed is to be asked. Pure: called once a second. */
export class WebSeedFallback {
  readonly #spread: number;
  #received = 0;
  #since: number;
  #last: number;

  constructor({ now, random }: { now: number; random: Random }) {
    this.#since = this.#last = now;
    this.#spread = 1 + random();
  }

  /**
   * How many pieces to fetch from web seeds at one time now. `received`: bytes that peers have given in all;
   * `hasProvider`: some peer has what we lack; `isHeld`: nothing is asked for, and that time does not count.
   */
  tick({ now, received, hasProvider, isHeld = false }: {
    now: number;
    received: number;
    hasProvider: boolean;
    isHeld?: boolean;
  }): number {
    if (isHeld) this.#since += now - this.#last;
    this.#last = now;
    if (received - this.#received >= TRICKLE_BYTES) this.#since = now;
    this.#received = received;
    const kind = hasProvider ? "withPeers" : "alone";
    return now - this.#since < PATIENCE_MS[kind] * this.#spread ? 0 : PARALLEL[kind];
  }
}
