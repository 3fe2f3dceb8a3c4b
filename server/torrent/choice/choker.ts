import type { Random } from "../ports.ts";

/** A peer that may get an upload slot. */
export interface ChokeCandidate {
  /** How many pieces it has. */
  readonly have: number;
  /** Payload bytes we have sent it. */
  readonly served: number;
  /** It is in another rack, behind a scarce link. */
  readonly isFar: boolean;
}

/** A slot should carry at least this, bytes a second, or a piece arrives too late to be passed on soon. */
const SLOT_RATE = 256 * 1024;
const SLOTS = { min: 8, max: 40, dealer: 12 };
/**
 * When slots are scarce, a peer with few pieces uploads to no more peers than it can give one piece each in this time:
 * a few copies now multiply faster than many copies later.
 */
const SCARCE_PIECE_SECONDS = 0.7;
const PIECES_A_SLOT = 5;
/** Slots reserved for other racks, so that pieces reach them even while this rack is busy. */
const FAR_SLOTS = 3;

/** Determines how many peers to serve at a time. */
export interface SlotNeeds {
  /** Uplink rate, bytes a second. */
  readonly rate: number;
  /** How many peers are interested. */
  readonly takers: number;
  readonly pieceLength: number;
  /** How many pieces we have. */
  readonly have: number;
  /** We are a dealer. Takers pass on what we deal, so few slots suffice. */
  readonly deals: boolean;
}

export function slotsFor({ rate, takers, pieceLength, have, deals }: SlotNeeds): number {
  const carried = Math.floor(Math.min(SLOTS.max, Math.max(SLOTS.min, rate / SLOT_RATE)));
  if (takers <= SLOTS.max) return carried;
  const soon = rate * SCARCE_PIECE_SECONDS / pieceLength;
  const plenty = deals ? SLOTS.dealer : Math.max(SLOTS.min, have / PIECES_A_SLOT);
  return Math.floor(Math.min(carried, Math.max(soon, plenty)));
}

/**
 * Chooses which interested peers may download from us from now on. Free slots are filled, and `turnover` slots pass
 * from the peers served longest to waiting ones. Peers without a piece come first and may take up to half of the slots
 * from peers that have some; then come those we have sent least; ties are broken at random. Near peers come before far
 * ones, but a few far ones always have a slot. With fewer takers than slots, everyone keeps one. Tit for tat (BEP 3)
 * has no place among nodes of one owner: it leaves behind those with little to give, and the last of a hundred nodes
 * finishes an eighth later.
 */
export function turnSlots<C extends ChokeCandidate>(
  /** `served`: longest-served first. */
  { served, waiting }: { served: readonly C[]; waiting: readonly C[] },
  { slots, turnover, random }: { slots: number; turnover: number; random: Random },
): { choke: C[]; unchoke: C[] } {
  const far = served.filter(({ isFar }) => isFar);
  const queue = ranked(waiting, { farFirst: Math.max(0, FAR_SLOTS - far.length), random });
  const spare = far.slice(0, Math.max(0, far.length - FAR_SLOTS));
  const longest = [...spare, ...served.filter((candidate) => !spare.includes(candidate))];
  const choke = longest.splice(0, Math.max(0, served.length - slots));
  const unchoke = queue.splice(0, Math.max(0, slots - served.length));
  const atMost = { turns: turnover, newcomers: Math.floor(slots / 2) };
  for (const candidate of queue) {
    const isNew = candidate.have === 0 && unchoke.length < atMost.newcomers;
    if (!isNew && atMost.turns-- <= 0) break;
    const index = isNew ? longest.findIndex(({ have }) => have > 0) : 0;
    const [loser] = index < 0 ? [] : longest.splice(index, 1);
    if (!loser) break;
    choke.push(loser);
    unchoke.push(candidate);
  }
  return { choke, unchoke };
}

function ranked<C extends ChokeCandidate>(
  waiting: readonly C[],
  { farFirst, random }: { farFirst: number; random: Random },
): C[] {
  const isNew = ({ have }: C) => have === 0 ? 0 : 1;
  const all = waiting.map((candidate) => ({ candidate, chance: random() }))
    .sort(({ candidate: a, chance: one }, { candidate: b, chance: other }) =>
      isNew(a) - isNew(b) || a.served - b.served || one - other
    )
    .map(({ candidate }) => candidate);
  const far = all.filter(({ isFar }) => isFar);
  return [...far.splice(0, farFirst), ...all.filter(({ isFar }) => !isFar), ...far];
}
