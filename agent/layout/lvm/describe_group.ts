/** Describes an LVM volume group for the layout. Pure. */
import { type LogicalVolume, type Volume, VolumeGroup } from "#contract/format/volumes.ts";
import { describeLogical, isSnapshot } from "./describe_logical.ts";
import type { LvmGroup } from "./report.ts";

interface DescribedGroup {
  readonly group: VolumeGroup;
  readonly notes: readonly string[];
}

/** `volumeOf`: what a physical volume is in the layout; `isMounted`: by the path of a logical volume's device. */
export function describeGroup(
  lvm: LvmGroup,
  { volumeOf, isMounted }: { volumeOf: (device: string) => Volume; isMounted: (device: string) => boolean },
): DescribedGroup {
  const { vg_name: name, vg_uuid: uuid, vg_extent_size: extentBytes, vg_tags: tags } = lvm.group;
  const notes: string[] = [];
  const logical: LogicalVolume[] = [];
  const present = lvm.physical.filter(({ pv_missing }) => !pv_missing);
  for (const volume of lvm.logical) {
    // not by its role: a pool in use is private, too
    if (volume.lv_name.startsWith("[")) continue;
    if (isSnapshot(volume) && !isMounted(volume.lv_dm_path)) {
      notes.push(
        `the snapshot ${name}/${volume.lv_name} of ${volume.origin} is not captured, and clones do not get it`,
      );
      continue;
    }
    logical.push(describeLogical(volume, { ...lvm, physical: present }));
  }
  const obstacle = obstacleOf(lvm);
  const group: VolumeGroup = {
    name,
    uuid,
    extentBytes,
    physical: present.map(({ pv_name, pv_uuid, pv_size, pe_start }) => ({
      volume: volumeOf(pv_name),
      uuid: pv_uuid,
      sizeBytes: pv_size,
      dataAtBytes: pe_start,
    })),
    logical,
    ...(tags.length > 0 && { tags }),
    ...(obstacle !== undefined && { obstacle }),
  };
  const checked = VolumeGroup.safeParse(group);
  if (checked.success) return { group, notes };
  const [issue] = checked.error.issues;
  return { group: { ...group, obstacle: `LVM reports an unusual ${issue?.path.join(".")}` }, notes };
}

function obstacleOf({ group, physical }: LvmGroup): string | undefined {
  if (group.vg_missing_pv_count > 0 || physical.some(({ pv_missing }) => pv_missing)) {
    return "physical volumes are missing: add the disk again, or remove it with vgreduce --removemissing";
  }
  if (group.vg_exported) return "it is exported: vgimport it first";
  if (group.vg_clustered) return "it is clustered: vgchange --clustered n";
  if (group.vg_lock_type !== "" && group.vg_lock_type !== "none") {
    return `it is shared (${group.vg_lock_type}): vgchange --lock-type none`;
  }
  return undefined;
}
