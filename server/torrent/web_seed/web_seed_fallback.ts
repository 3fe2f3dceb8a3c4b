import type { Random } from "../ports.ts";

/** Less than this per second is next to nothing. */
const TRICKLE_BYTES = 16 * 1024;
/**
 * How long peers may send next to nothing before web seeds are used. Longer if some peers have pieces that we lack,
 * since they may be busy serving others. Each node adds a random share of up to as much again, so that the nodes of
 * a rack do not all turn to the web seed at once.
 */
const PATIENCE_MS = { alone: 3_000, withPeers: 10_000 };
/** Pieces fetched in parallel. With peers, one is enough to get started. */
const PARALLEL = { alone: 4, withPeers: 1 };

/** Decides when peers send so little that web seeds are used. Pure. */
export class WebSeedFallback {
  /** Multiplies the patience: 1 to 2. */
  readonly #jitter: number;
  #received = 0;
  /** When peers last sent more than a trickle. */
  #flowedAt: number;
  #lastTick: number;

  constructor({ now, random }: { now: number; random: Random }) {
    this.#flowedAt = this.#lastTick = now;
    this.#jitter = 1 + random();
  }

  /**
   * Once a second: returns how many pieces to fetch from web seeds in parallel. `received`: bytes from peers so
   * far; `hasProvider`: a peer has a piece that we lack; `isHeld`: nothing is requested for now, so this time does
   * not count.
   */
  tick({ now, received, hasProvider, isHeld = false }: {
    now: number;
    received: number;
    hasProvider: boolean;
    isHeld?: boolean;
  }): number {
    if (isHeld) this.#flowedAt += now - this.#lastTick;
    this.#lastTick = now;
    if (received - this.#received >= TRICKLE_BYTES) this.#flowedAt = now;
    this.#received = received;
    const kind = hasProvider ? "withPeers" : "alone";
    return now - this.#flowedAt < PATIENCE_MS[kind] * this.#jitter ? 0 : PARALLEL[kind];
  }
}
