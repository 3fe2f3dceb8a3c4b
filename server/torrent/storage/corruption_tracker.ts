/**
 * Finds the peer that sent bad data in a piece with several sources: it records the digest and the sender of every
 * 16 KiB unit of the corrupt piece, and compares them once the piece verifies.
 */
export class CorruptionTracker<P> {
  readonly #suspects = new Map<number, { peer: P; unit: number; digest: string }[]>();

  /** A piece failed its hash check. Returns the culprit if the piece had a single source. */
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

  /** The piece verified. Returns the peers that had sent other bytes before. */
  pieceVerified(piece: number, digests: () => string[]): P[] {
    const suspects = this.#suspects.get(piece);
    if (!suspects) return [];
    this.#suspects.delete(piece);
    const found = digests();
    const culprits = suspects.filter(({ unit, digest }) => found[unit] !== digest).map(({ peer }) => peer);
    return [...new Set(culprits)];
  }
}
