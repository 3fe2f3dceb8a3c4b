/** Brings back the members that an active array lacks: a disk was replaced, or a power cut threw one out. */
import { kernelNameOf } from "../../layout/assemble/kernel_devices.ts";
import { namesIn } from "../../sys/small_file.ts";
import { actionsOf, type Plan, type PlannedArray } from "#plan/actions.ts";
import { describeVolume, type Volume } from "#contract/format/layout.ts";
import type { CarryOut } from "./carry_out.ts";
import type { TargetDisks } from "./guard.ts";
import { wipeVolume } from "./wipe.ts";

/** Planned members and spares that are not part of their active array. */
async function absentMembers(
  target: TargetDisks,
  { plan }: { plan: Plan },
): Promise<{ readonly array: PlannedArray; readonly member: Volume }[]> {
  const absent: { array: PlannedArray; member: Volume }[] = [];
  for (const { array } of actionsOf(plan, "md")) {
    const volume: Volume = { kind: "md", name: array.name };
    if (!target.isActive(volume)) continue;
    const name = await kernelNameOf(target.device(volume));
    const present = new Set(await namesIn(`/sys/class/block/${name}/slaves`));
    for (const member of [...array.members, ...array.spares]) {
      if (member === "missing" || !target.isActive(member)) continue;
      if (!present.has(await kernelNameOf(target.device(member)))) absent.push({ array, member });
    }
  }
  return absent;
}

/** What was on them is lost, unless they were members before. Returns what was done, as text. */
export async function completeArrays(
  target: TargetDisks,
  { plan, run, signal }: CarryOut & { plan: Plan },
): Promise<string[]> {
  const notes: string[] = [];
  for (const { array, member } of await absentMembers(target, { plan })) {
    const device = target.device({ kind: "md", name: array.name }), added = target.device(member);
    const title = `cannot add ${added} to the MD array ${array.name}`;
    const again = await run(["mdadm", device, "--re-add", added], { signal, accept: [0, 1, 2], title });
    if (again.code !== 0) {
      await wipeVolume(added, { run, signal });
      await run(["mdadm", device, "--add", added], { signal, title });
    }
    notes.push(`${describeVolume(member)} is again part of the array ${array.name}`);
  }
  return notes;
}
