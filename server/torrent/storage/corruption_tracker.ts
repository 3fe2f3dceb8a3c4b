/**
 * Finds who sent what was wrong in a piece that came from several peers: it remembers the digest of every
 * 16 KiB unit and who sent it, and compares once the piece has come right.
 */
export class CorruptionTracker<P> {
  readonly #suspects = new Map<number, { peer: P; unit: number; digest: string }[]>();

  /** A piece came corrupt. Returns the culprit where only one peer can be. */
  pieceFailed(piece: number, { sources, digests }: {
    sources: readonly (P | undefined)[];
    digests: () => string[];
  }): P | undefined {
    const peers = new Set(sources.filter((peer) => peer !== undefined));
    const [first] = peers;
    if (peers.size <= 1) return first;
    const found = digests();
    const suspects = this.#suspects.get(piece) ?? [];
    for (const [unit, peer] of sources.entries()) {
      const digest = found[unit];
      if (peer !== undefined && digest !== undefined) suspects.push({ peer, unit, digest });
    }
    this.#suspects.set(piece, suspects);
    return undefined;
  }

  /** The piece is right now. Returns those who had sent other bytes than these. */
  pieceVerified(piece: number, digests: () => string[]): P[] {
    const suspects = this.#suspects.get(piece);
    if (!suspects) return [];
    this.#suspects.delete(piece);
    const found = digests();
    const culprits = suspects.filter(({ unit, digest }) => found[unit] !== digest).map(({ peer }) => peer);
    return [...new Set(culprits)];
  }
}
