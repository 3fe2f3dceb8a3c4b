/** What machines show of themselves before they have an agent, and which of them are remembered. Pure. */
import type { SeenBy, Sighting } from "#contract/api/machines.ts";
import type { NodeRecord } from "./node_record.ts";

/** One request of a machine. */
export interface Glimpse {
  readonly by: SeenBy;
  readonly address?: string | undefined;
  readonly architecture?: Sighting["architecture"] | undefined;
  readonly firmware?: Sighting["firmware"] | undefined;
  readonly boots?: boolean | undefined;
}

/** A request less than this after the one before belongs to the same appearance. */
const SAME_MS = 60_000;

/** The machine's sighting after one more request. `before`: its record; absent if it is new. */
export function sightingAfter(
  before: Pick<NodeRecord, "seen" | "sighting"> | undefined,
  { by, architecture, firmware, boots }: Glimpse,
  nowMs: number,
): Sighting {
  const now = new Date(nowMs).toISOString();
  const old = before?.sighting ?? { first: before?.seen ?? now, appearances: 0, by: [] };
  const isSame = old.appearances > 0 && nowMs - Date.parse(before?.seen ?? "") < SAME_MS;
  return {
    ...old,
    appearances: old.appearances + (isSame ? 0 : 1),
    by: old.by.includes(by) ? old.by : [...old.by, by],
    ...(architecture && { architecture }),
    ...(firmware && { firmware }),
    ...(boots && { boots }),
  };
}

/**
 * Whether a request has told something for the first time: then it is stored and published at once. What is only told
 * differently can wait, since a sender could tell it differently with every packet.
 */
export function tellsMore(before: Sighting | undefined, after: Sighting): boolean {
  const told = (sighting: Sighting | undefined) =>
    (sighting?.by.length ?? 0) + Number(sighting?.architecture !== undefined) +
    Number(sighting?.firmware !== undefined) + Number(sighting?.boots !== undefined);
  return told(after) > told(before);
}

/**
 * The machines to forget so that at most `most` are left: first those that appeared only once, as invented MACs do, and
 * of them those that have been silent longest. Machines that an operator ordered something for are `kept`.
 */
export function toForget(
  machines: readonly NodeRecord[],
  { most, kept }: { most: number; kept: (machine: NodeRecord) => boolean },
): NodeRecord[] {
  if (machines.length <= most) return [];
  const once = ({ sighting }: NodeRecord) => Number((sighting?.appearances ?? 1) > 1);
  const forgettable = machines.filter((machine) => machine.inventory === undefined && !kept(machine));
  return forgettable
    .sort((a, b) => once(a) - once(b) || (a.seen ?? "").localeCompare(b.seen ?? ""))
    .slice(0, machines.length - most);
}
