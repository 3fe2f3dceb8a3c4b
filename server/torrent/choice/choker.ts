import type { Random } from "../ports.ts";

/** A peer as the choosing of upload slots sees it. */
export interface ChokeCandidate {
  /** How many pieces it has. */
  readonly have: number;
  /** Payload bytes that it had of us so far. */
  readonly served: number;
  /** It sits behind a link that is to be spared. */
  readonly isFar: boolean;
}

/** What a slot should carry at least, bytes a second: below, a piece is too long under way to be passed on. */
const SLOT_RATE = 256 * 1024;
const SLOTS = { min: 8, max: 40, dealer: 12 };
/**
 * Where not all can be served, who has few pieces serves only as many at one time as get one each in this time:
 * while pieces are scarce, few copies soon make more than many late.
 */
const SCARCE_PIECE_SECONDS = 0.7;
const PIECES_A_SLOT = 5;
/** Slots for other racks, so that pieces get across whatever goes on in here. */
const FAR_SLOTS = 3;

/** What decides how many peers to serve at one time. */
export interface SlotNeeds {
  /** What the uplink carries, bytes a second. */
  readonly rate: number;
  /** How many peers are interested. */
  readonly takers: number;
  readonly pieceLength: number;
  /** How many pieces there are to give. */
  readonly have: number;
  /** It deals pieces out, which go on from there: it needs few. */
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
 * Chooses who of those that are interested may download from us from now on. Free slots are filled, and
 * `turnover` of them go from those served longest to others. Who has nothing at all comes first and may
 * take half of the slots, from those that have something by now; then whoever had least of us; every tie falls
 * to chance. Near ones come before far ones, of which a few always have a slot. With fewer takers than slots
 * everyone keeps one. Tit for tat (BEP 3) has no place among nodes of one owner: who has little to give is left
 * behind, and the last of a hundred is done an eighth later.
 */
export function turnSlots<C extends ChokeCandidate>(
  /** Those served longest come first. */
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
