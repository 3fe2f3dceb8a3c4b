interface Newcomer {
  readonly close: () => void;
  readonly address: string;
}

/**
 * Connections that have not said what they want yet, bounded in total and per address. When there is no room, the
 * oldest is closed rather than the new one: a real client speaks within milliseconds, so a flood of silent
 * connections cannot keep it out.
 */
export class Newcomers {
  readonly #limits: { readonly total: number; readonly perAddress: number };
  /** Oldest first. */
  readonly #present = new Set<Newcomer>();
  readonly #byAddress = new Map<string, Set<Newcomer>>();

  constructor(limits: { readonly total: number; readonly perAddress: number }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#present.size;
  }

  /** Admits a connection. Call the returned function once it has said what it wants, or has ended. */
  admit(newcomer: Newcomer): () => void {
    const { total, perAddress } = this.#limits;
    const same = this.#byAddress.get(newcomer.address) ?? new Set();
    if (same.size >= perAddress) this.#turnAway(same);
    else if (this.#present.size >= total) this.#turnAway(this.#present);
    this.#present.add(newcomer);
    same.add(newcomer);
    this.#byAddress.set(newcomer.address, same);
    return () => this.#remove(newcomer);
  }

  closeAll(): void {
    for (const newcomer of [...this.#present]) {
      this.#remove(newcomer);
      newcomer.close();
    }
  }

  #turnAway(among: Set<Newcomer>): void {
    const [oldest] = among;
    if (!oldest) return;
    this.#remove(oldest);
    oldest.close();
  }

  #remove(newcomer: Newcomer): void {
    if (!this.#present.delete(newcomer)) return;
    const same = this.#byAddress.get(newcomer.address);
    same?.delete(newcomer);
    if (same?.size === 0) this.#byAddress.delete(newcomer.address);
  }
}
