/**
 * Everything between disks and file systems: carries out the plan's actions in their order, which is that of their
 * layers. What is made stays active until the result is disposed of.
 */
import type { Action, Plan } from "#plan/actions.ts";
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
  for (const action of plan.actions) {
    const made = await make(target, { action, keys, onMake, run, signal });
    if (made) stack.use(made);
  }
  return stack.move();
}

async function make(
  target: TargetDisks,
  { action, keys, onMake, run, signal }: Omit<MakeVolumes, "plan"> & { readonly action: Action },
): Promise<AsyncDisposable | undefined> {
  switch (action.do) {
    case "md":
      onMake(`MD array ${action.array.name}`);
      return await makeArray(target, { array: action.array, run, signal });
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
