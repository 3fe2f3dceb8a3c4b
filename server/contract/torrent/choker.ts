import type { Random } from "./ports.ts";

/** A peer as the choosing of upload slots sees it. */
export interface ChokeCandidate {
  readonly peerInterested: boolean;
  readonly amChoking: boolean;
  /** Payload bytes that it gave us since the last round. */
  readonly gave: number;
}

/**
 * Chooses who may download from us now. Nodes that give most come first (BEP 3, tit for tat); a seed, to
 * which nobody gives, and every tie fall to chance; one slot is always by chance, for newcomers. With fewer
 * takers than slots everyone gets one.
 */
export function chooseUnchoked<C extends ChokeCandidate>(
  candidates: readonly C[],
  { slots, random }: { slots: number; random: Random },
): Set<C> {
  const takers = candidates.filter((candidate) => candidate.peerInterested)
    .map((candidate) => ({ candidate, gave: candidate.gave, chance: random() }))
    .sort((a, b) => b.gave - a.gave || a.chance - b.chance);
  const chosen = new Set(takers.slice(0, slots - 1).map(({ candidate }) => candidate));
  const rest = takers.slice(slots - 1);
  const lucky = rest[Math.floor(random() * rest.length)];
  return lucky ? chosen.add(lucky.candidate) : chosen;
}
