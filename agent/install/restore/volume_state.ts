/** Whether the volumes between a plan's disks and its file systems are still there. Writes nothing. */
import { describeVolume, type Volume } from "#contract/format/layout.ts";
import { type ActionOf, actionsOf, type Plan, type PlannedArray } from "#plan/actions.ts";
import { parseBlkid } from "../../layout/partition_table.ts";
import { probeDevice } from "../../sys/blkid.ts";
import type { CarryOut } from "../disk/carry_out.ts";
import type { TargetDisks } from "../disk/guard.ts";
import { sizeOfDevice } from "../disk/wipe.ts";

/** What a disk or a partition holds if it is a part of another volume. */
interface Part {
  readonly volume: Volume;
  readonly type: "linux_raid_member" | "crypto_LUKS" | "LVM2_member";
  readonly uuid: string;
}

/**
 * Asks blkid(8) about the place on the disk, not about the partition: the table may be what is broken. What lies higher
 * is asked about on its device.
 */
export async function probeVolume(
  target: TargetDisks,
  { volume, plan, run, signal }: CarryOut & { volume: Volume; plan: Plan },
): Promise<string> {
  if (volume.kind !== "partition") return await probeDevice(target.device(volume), { run, signal });
  const table = actionsOf(plan, "partition").find(({ disk }) => disk === volume.disk);
  const partition = table?.partitions.find(({ number }) => number === volume.number);
  if (table === undefined || partition === undefined) return "";
  const { sectorBytes } = table, { startSector, sectors } = partition;
  const whole = target.whole(volume.disk);
  if ((startSector + sectors) * sectorBytes > await sizeOfDevice(whole)) return "";
  const place = ["-O", String(startSector * sectorBytes), "-S", String(sectors * sectorBytes)];
  return await probeDevice(whole, { place, run, signal });
}

/**
 * Whether a volume can be had again once all tables are in place, as far as the disks themselves say: enough members of
 * an array, the header of a LUKS volume, all physical volumes of a group.
 */
export async function reachability(
  target: TargetDisks,
  { plan, run, signal }: CarryOut & { plan: Plan },
): Promise<(volume: Volume) => boolean> {
  const there = new Set<string>();
  for (const { volume, type, uuid } of partsOf(plan)) {
    const found = parseBlkid(await probeVolume(target, { volume, plan, run, signal }));
    if (found.get("TYPE") !== type || bare(found.get("UUID")) !== bare(uuid)) continue;
    there.add(describeVolume(volume));
  }
  const isThere = (volume: Volume): boolean => {
    switch (volume.kind) {
      case "partition":
      case "disk":
        return there.has(describeVolume(volume));
      case "md": {
        const array = actionsOf(plan, "md").find((a) => a.array.name === volume.name)?.array;
        return array !== undefined && hasEnough(array, isThere);
      }
      case "luks": {
        const found = actionsOf(plan, "luks").find((a) => a.encrypted.name === volume.name);
        return found !== undefined && isThere(found.encrypted.on);
      }
      case "lv":
        return groupOf(plan, volume)?.physical.every((one) => isThere(one.volume)) ?? false;
    }
  };
  return isThere;
}

export function groupOf(
  plan: Pick<Plan, "actions">,
  { group }: { group: string },
): ActionOf<"lvm">["group"] | undefined {
  return actionsOf(plan, "lvm").find((action) => action.group.name === group)?.group;
}

/** blkid and mdadm write the same number with other separators. */
function bare(uuid: string | undefined): string | undefined {
  return uuid?.replace(/[-:]/g, "").toLowerCase();
}

function hasEnough({ level, members }: PlannedArray, isThere: (volume: Volume) => boolean): boolean {
  const found = members.filter((member) => member !== "missing" && isThere(member)).length;
  const count = members.length;
  const least: Readonly<Record<string, number>> = {
    raid1: 1,
    raid10: Math.ceil(count / 2),
    raid4: count - 1,
    raid5: count - 1,
    raid6: count - 2,
  };
  return found >= (least[level] ?? count);
}

function partsOf(plan: Plan): Part[] {
  return plan.actions.flatMap((action): Part[] => {
    switch (action.do) {
      case "md": {
        const { members, spares, uuid } = action.array;
        return [...members, ...spares].flatMap((volume) =>
          volume === "missing" ? [] : [{ volume, type: "linux_raid_member", uuid }]
        );
      }
      case "luks":
        return [{ volume: action.encrypted.on, type: "crypto_LUKS", uuid: action.encrypted.uuid }];
      case "lvm":
        return action.group.physical.map(({ volume, uuid }) => ({ volume, type: "LVM2_member", uuid }));
      default:
        return [];
    }
  }).filter(({ volume: { kind } }) => kind === "partition" || kind === "disk");
}
