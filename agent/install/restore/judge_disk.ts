/**
 * Decides whether a disk is restored or overwritten. A disk that cannot be restored is overwritten, and the verdict
 * says why. It is never overwritten if the order keeps something on it.
 */
import type { Order } from "#contract/api.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { describeVolume, type DiskLayout } from "#contract/format/layout.ts";
import { activateVolumes, hasVolumes } from "../disk/active_volumes.ts";
import { IS_MISSING } from "../disk/btrfs_subvolumes.ts";
import type { TargetDisks } from "../disk/guard.ts";
import type { CarryOut } from "../disk/carry_out.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import { retuneDisk } from "../disk/retune.ts";
import {
  assessDisk,
  describeRepairs,
  type FittingDisk,
  inTheirPlaces,
  keptOnThem,
  mendDisk,
  unsoundFileSystems,
} from "./restore_disk.ts";

export interface RestoreRequest extends CarryOut {
  readonly order: Pick<Order, "manifest" | "node"> & Partial<Pick<Order, "identity">> & {
    readonly restore: NonNullable<Order["restore"]>;
  };
  readonly plan: Plan;
  readonly layout: DiskLayout | undefined;
  /** To try on LUKS volumes. */
  readonly keys?: readonly string[];
}

/** `message`: what was found or done, as text. */
export type Verdict =
  | { readonly fits: false; readonly message: string }
  | {
    readonly fits: true;
    readonly message: string;
    readonly state: FittingDisk;
    /** What will be repaired. */
    readonly notes: readonly string[];
  };

/**
 * Looks at the table and the file systems; writes nothing. Throws RackseedError if it may not be overwritten.
 *
 * @example A disk that fits is mended, any other is overwritten
 * ```ts
 * import { activateVolumes, hasVolumes } from "../disk/active_volumes.ts";
 * import type { TargetDisks } from "../disk/guard.ts";
 * import { judgeDisk, mendOrGiveUp, type RestoreRequest } from "./judge_disk.ts";
 *
 * async function isMended(target: TargetDisks, request: RestoreRequest): Promise<boolean> {
 *   const verdict = await judgeDisk(target, request);
 *   if (!verdict.fits) return false;
 *   const { state } = verdict;
 *   return (await mendOrGiveUp(target, { ...request, state, onFormat: console.log })).fits;
 * }
 * ```
 */
export async function judgeDisk(target: TargetDisks, request: RestoreRequest): Promise<Verdict> {
  const state = await assessDisk(target, request);
  if (!state.fits) return giveUp(request, state.because);
  const lost = await lostOn(target, { ...request, state });
  if (lost !== undefined) return giveUp(request, lost);
  const notes = describeRepairs(state);
  return { fits: true, state, notes, message: describeFound(notes) };
}

/** What a dry run finds. */
export interface Foreseen {
  readonly message: string;
  /** What would change besides the files. */
  readonly notes: readonly string[];
  /** Undefined if its file systems cannot be looked at before the disk is mended or overwritten. */
  readonly readable: {
    readonly state: FittingDisk;
    /** A file system would be repaired: what it says of its files is not trusted. */
    readonly isDoubtful: boolean;
    /** Its volumes, read-only. */
    readonly active?: AsyncDisposable;
  } | undefined;
}

/** The same for a dry run, which reports what it finds instead of refusing. */
export async function foreseeDisk(target: TargetDisks, request: RestoreRequest): Promise<Foreseen> {
  const state = await assessDisk(target, request);
  if (!state.fits) {
    return {
      message: `a full install would be needed: ${state.because}`,
      notes: [`overwrite the whole disk: ${state.because}`],
      readable: undefined,
    };
  }
  const lost = await lostOn(target, { ...request, state });
  const repairs = lost === undefined
    ? describeRepairs(state)
    : [`it would be refused, because of what must be kept: ${lost}`];
  if (state.lostTables.length > 0) {
    const notes = [...repairs, "differences in files can be seen only after that"];
    return { message: describeFound(repairs), notes, readable: undefined };
  }
  await using stack = new AsyncDisposableStack();
  const hidden = await activateFor(target, { request, state, stack });
  if (hidden.length > 0) {
    const notes = [...repairs, "its volumes cannot be looked at without writing to them", ...hidden];
    return { message: describeFound(notes), notes, readable: undefined };
  }
  const unsound = await unsoundFileSystems(target, { ...request, state });
  const untuned = await retuneDisk(target, { ...request, without: state.missing, dryRun: true });
  const notes = [...repairs, ...unsound, ...untuned];
  if (unsound.some((note) => note.endsWith(IS_MISSING))) {
    // without its subvolumes a btrfs cannot be mounted as it will be
    const all = [...notes, "differences in files can be seen only after that"];
    return { message: describeFound(notes), notes: all, readable: undefined };
  }
  const readable = { state, isDoubtful: unsound.length > 0, active: stack.move() };
  return { message: describeFound(notes), notes, readable };
}

/** Why the file systems cannot be looked at, as text; empty if they can. `stack` gets what was activated. */
async function activateFor(
  target: TargetDisks,
  { request, state, stack }: { request: RestoreRequest; state: FittingDisk; stack: AsyncDisposableStack },
): Promise<readonly string[]> {
  const { plan, keys = [], run, signal } = request;
  if (!hasVolumes(plan)) return [];
  const active = stack.use(await activateVolumes(target, { plan, keys, readOnly: true, run, signal }));
  const needed = actionsOf(plan, "format").map(({ formatting }) => formatting)
    .filter((formatting) => !state.missing.includes(formatting));
  const hidden = needed.filter(({ volume }) => !target.isActive(volume));
  return hidden.length === 0 ? [] : [...hidden.map(({ volume }) => describeVolume(volume)), ...active.notes];
}

type Mended =
  | { readonly fits: false; readonly message: string }
  /** `isDoubtful`: a file system was repaired, so what it says of its files is not trusted. */
  | {
    readonly fits: true;
    readonly message: string;
    readonly isDoubtful: boolean;
    /** Its volumes, which may be written to. */
    readonly active: AsyncDisposable;
  };

/** If the disk cannot be mended, it no longer fits. Throws RackseedError if it may not be overwritten. */
export async function mendOrGiveUp(
  target: TargetDisks,
  { state, onFormat, ...request }: RestoreRequest & {
    state: FittingDisk;
    onFormat: (what: string) => void;
  },
): Promise<Mended> {
  try {
    const { keep } = request.order.restore;
    const { notes, isDoubtful, active } = await mendDisk(target, { ...request, state, onFormat, keep });
    await using stack = new AsyncDisposableStack();
    stack.use(active);
    const done = [...notes, ...await retuneDisk(target, { ...request, without: [], dryRun: false })];
    const message = done.length === 0 ? "all file systems are sound" : done.join("; ");
    return { fits: true, isDoubtful, message, active: stack.move() };
  } catch (error) {
    request.signal?.throwIfAborted();
    return giveUp(request, messageOf(error));
  }
}

function describeFound(found: readonly string[]): string {
  return found.length === 0 ? "the disk's layout is the planned one" : found.join("; ");
}

/** Why overwriting the missing file systems would lose what the order keeps; undefined if it would not. */
async function lostOn(
  target: TargetDisks,
  { state, ...request }: RestoreRequest & { state: FittingDisk },
): Promise<string | undefined> {
  const { keep } = request.order.restore;
  if (keep.length === 0) return undefined;
  const onDisks = await inTheirPlaces(target, { ...request, missing: state.missing });
  const others = [...onDisks, ...state.strangers ?? []];
  return keptOnThem(state.missing, keep) ?? (others.length === 0 ? undefined : others.join("; "));
}

function giveUp({ order: { node, restore: { keep } } }: RestoreRequest, because: string) {
  if (keep.length === 0) {
    return { fits: false, message: `cannot be restored, so it is overwritten: ${because}` } as const;
  }
  throw new RackseedError(`cannot restore the disk of ${node}`, {
    reason: `${because}; overwriting it would lose what must be kept (${keep.join(", ")}).`,
    remedy: `save that first, then overwrite the disk: rackseed node deploy ${node}`,
    status: 409,
  });
}
