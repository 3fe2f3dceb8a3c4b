import type { Random } from "./ports.ts";

/** A peer as the choosing of upload slots sees it. */
export interface ChokeCandidate {
  readonly peerInterested: boolean;
  readonly amChoking: boolean;
  /** Payload bytes that it had of us so far. */
  readonly served: number;
  /** It sits behind a link that is to be spared. */
  readonly isFar: boolean;
}

/** What a slot should carry at least, bytes a second: below, a piece is too long under way to be passed on. */
const SLOT_RATE = 256 * 1024;
const SLOTS = { min: 8, max: 40 };
/** Slots for other racks, so that pieces get across whatever goes on in here. */
const FAR_SLOTS = 3;

/** How many peers to serve at one time with an uplink that carries `rate` bytes a second. */
export function slotsFor(rate: number): number {
  return Math.min(SLOTS.max, Math.max(SLOTS.min, Math.round(rate / SLOT_RATE)));
}

/**
 * Chooses who may download from us now. Near ones come before far ones, of which a few always have a slot.
 * Among them whoever had least of us comes first; every tie falls to chance. One slot is always by chance, for
 * newcomers. With fewer takers than slots everyone gets one. Tit for tat (BEP 3) has no place among nodes of one
 * owner: who has little to give is left behind, and the last of a hundred is done an eighth later.
 */
export function chooseUnchoked<C extends ChokeCandidate>(
  candidates: readonly C[],
  { slots, random }: { slots: number; random: Random },
): Set<C> {
  const takers = candidates.filter((candidate) => candidate.peerInterested)
    .map((candidate) => ({ candidate, chance: random() }))
    .sort((a, b) => a.candidate.served - b.candidate.served || a.chance - b.chance)
    .map(({ candidate }) => candidate);
  const far = takers.filter(({ isFar }) => isFar);
  const ranked = [...far.splice(0, FAR_SLOTS), ...takers.filter(({ isFar }) => !isFar), ...far];
  const chosen = new Set(ranked.slice(0, slots - 1));
  const rest = ranked.slice(slots - 1);
  const lucky = rest[Math.floor(random() * rest.length)];
  return lucky ? chosen.add(lucky) : chosen;
}
