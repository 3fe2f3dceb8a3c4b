/** Makes the volumes of a plan usable that are on its disks already: after a power cut, or for a restore. */
import type { Volume } from "#contract/format/layout.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import { type AssembledVolumes, assembleVolumes } from "../../layout/assemble/assemble_volumes.ts";
import type { AssembledVolume } from "../../layout/assemble/assembled_volume.ts";
import { readDisk } from "../../layout/disks.ts";
import type { CarryOut } from "./carry_out.ts";
import type { TargetDisks } from "./guard.ts";

interface ActiveVolumes extends AsyncDisposable {
  /** Planned volumes that are not there; a thin pool is not looked for. */
  readonly missing: readonly Volume[];
  /** Why, as text. */
  readonly notes: readonly string[];
}

/**
 * Looks at the planned disks only, and only for volumes with the planned ids. The tables must be in place. `keys`: to
 * try on LUKS volumes. Until the result is disposed of, `target` knows the devices.
 */
export async function activateVolumes(
  target: TargetDisks,
  { plan, keys, readOnly, run, signal = new AbortController().signal }: CarryOut & {
    readonly plan: Plan;
    readonly keys: readonly string[];
    readonly readOnly: boolean;
  },
): Promise<ActiveVolumes> {
  await using stack = new AsyncDisposableStack();
  const disks = await Promise.all(target.numbers.map((number) => readDisk(target.facts(number).name)));
  const encrypted = actionsOf(plan, "luks").map((action) => action.encrypted);
  const assembled = stack.use(
    await assembleVolumes(disks.flatMap((disk) => disk ?? []), {
      readOnly,
      keys,
      only: idsOf(plan),
      names: new Map(encrypted.map(({ uuid, name }) => [uuid, name])),
      run,
      signal,
    }),
  );
  const missing: Volume[] = [];
  for (const planned of volumesOf(plan)) {
    const found = findPlanned(planned, assembled);
    if (found === undefined) missing.push(planned.volume);
    else {
      target.setActive(planned.volume, found.device);
      stack.defer(() => target.setActive(planned.volume, undefined));
    }
  }
  const owned = stack.move();
  return { missing, notes: assembled.notes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export function hasVolumes({ actions }: Pick<Plan, "actions">): boolean {
  return actions.some(({ do: kind }) => kind === "md" || kind === "luks" || kind === "lvm");
}

interface PlannedVolume {
  readonly volume: Volume;
  /** Of the array or the LUKS volume; of a logical volume's group. */
  readonly uuid: string;
}

/** Everything that can hold something, lower layers first. */
function volumesOf(plan: Plan): PlannedVolume[] {
  return plan.actions.flatMap((action): PlannedVolume[] => {
    switch (action.do) {
      case "md":
        return [{ volume: { kind: "md", name: action.array.name }, uuid: action.array.uuid }];
      case "luks":
        return [{ volume: { kind: "luks", name: action.encrypted.name }, uuid: action.encrypted.uuid }];
      case "lvm": {
        const { name: group, uuid, logical } = action.group;
        return logical.flatMap(({ name, type }) =>
          type === "thin-pool" ? [] : [{ volume: { kind: "lv", group, name }, uuid }]
        );
      }
      default:
        return [];
    }
  });
}

function idsOf(plan: Plan): Set<string> {
  return new Set(volumesOf(plan).map(({ uuid }) => uuid));
}

function findPlanned(
  { volume, uuid }: PlannedVolume,
  { volumes }: AssembledVolumes,
): AssembledVolume | undefined {
  return volumes.find((found) =>
    found.kind === volume.kind &&
    (volume.kind === "lv" ? found.group?.uuid === uuid && found.name === volume.name : found.uuid === uuid)
  );
}
