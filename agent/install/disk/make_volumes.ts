/**
 * Everything between disks and file systems: carries out the plan's actions in their order, which is that of their
 * layers. What is made stays active until the result is disposed of.
 */
import type { Action, Plan, PlannedArray } from "#plan/actions.ts";
import { together } from "../../sys/together.ts";
import type { TargetDisks } from "./guard.ts";
import { hasVolumes } from "./active_volumes.ts";
import { holdResync } from "./hold_resync.ts";
import type { LuksKeys } from "./luks_keys.ts";
import { makeEncrypted } from "./make_luks.ts";
import { makeGroup } from "./make_lvm.ts";
import { makeArray } from "./make_md.ts";
import type { CarryOut } from "./carry_out.ts";
import { partitionDisk } from "./partition.ts";

interface MakeVolumes extends CarryOut {
  readonly plan: Plan;
  /** Required if the plan has LUKS volumes. */
  readonly keys?: LuksKeys | undefined;
  readonly onMake: (what: string) => void;
}

/** Tables, arrays, encryption and groups. Throws RackseedError; what was made by then is not active any more. */
export async function makeVolumes(
  target: TargetDisks,
  { plan, keys, onMake, run, signal }: MakeVolumes,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  await partitionDisk(target, { plan, run, signal });
  if (hasVolumes(plan)) stack.use(await holdResync({ run, signal }));
  const taken = new Set<string>();
  for (const apart of independent(plan.actions)) {
    await together(apart.map((action) => async () => {
      const made = await make(target, { action, keys, onMake, taken, run, signal });
      if (made) stack.use(made);
    }));
  }
  return stack.move();
}

/** Arrays of which none lies on another are made at the same time, all else by itself. Pure. */
export function independent(actions: readonly Action[]): Action[][] {
  const groups: Action[][] = [];
  for (const action of actions) {
    const last = groups.at(-1);
    if (
      action.do === "md" && last?.every((other) => other.do === "md" && !liesOn(action.array, other.array))
    ) {
      last.push(action);
    } else groups.push([action]);
  }
  return groups;
}

function liesOn({ members, spares }: PlannedArray, { name }: PlannedArray): boolean {
  return [...members, ...spares].some((on) => on !== "missing" && on.kind === "md" && on.name === name);
}

async function make(
  target: TargetDisks,
  { action, keys, onMake, taken, run, signal }: Omit<MakeVolumes, "plan"> & {
    readonly action: Action;
    /** Device nodes of arrays. */
    readonly taken: Set<string>;
  },
): Promise<AsyncDisposable | undefined> {
  switch (action.do) {
    case "md":
      onMake(`MD array ${action.array.name}`);
      return await makeArray(target, { array: action.array, taken, run, signal });
    case "luks":
      onMake(`LUKS volume ${action.encrypted.name}`);
      return await makeEncrypted(target, { encrypted: action.encrypted, keys: given(keys), run, signal });
    case "lvm":
      onMake(`volume group ${action.group.name}`);
      return await makeGroup(target, { group: action.group, run, signal });
    default:
      return undefined;
  }
}

function given(keys: LuksKeys | undefined): LuksKeys {
  if (keys === undefined) throw new RangeError("a plan with LUKS volumes has passed without keys");
  return keys;
}
