/** Activates the LVM volume groups that lie on given devices: lvm(8). LVM sees no other device. */
import { messageOf } from "#contract/errors.ts";
import { loadModules } from "../../sys/modules.ts";
import { exists } from "../../sys/small_file.ts";
import { lvmConfig } from "../lvm/config.ts";
import { type LvmGroup, type LvmLogical, lvmReport, parseLvmReport } from "../lvm/report.ts";
import { type AssembledVolume, type AssembleWork, disksOf, probed } from "./assembled_volume.ts";
import { disksBelow, kernelNameOf } from "./kernel_devices.ts";
import { unwrittenDevice } from "./unwritten_device.ts";

const MODULES = ["dm-mod", "dm-mirror", "dm-raid", "dm-thin-pool", "dm-snapshot", "raid0", "raid1", "raid10"];
const PASSIVE = new Set(["linear", "striped"]);

/** `physical`: devices of the type LVM2_member. */
export async function activateGroups(
  physical: readonly AssembledVolume[],
  work: AssembleWork,
): Promise<AssembledVolume[]> {
  const unique = withoutCopies(physical, work.notes);
  if (unique.length === 0) return [];
  const { run, signal } = work;
  const { stdout } = await run(lvmReport(lvmConfig(unique.map(({ device }) => device))), { signal });
  const groups = parseLvmReport(stdout)
    .filter(({ group }) => work.only === undefined || work.only.has(group.vg_uuid));
  const active: AssembledVolume[] = [];
  for (const [name, same] of Map.groupBy(groups, ({ group }) => group.vg_name)) {
    const on = (group: LvmGroup | undefined) =>
      unique.filter(({ device }) => group?.physical.some(({ pv_name }) => pv_name === device));
    const [group] = same;
    if (group === undefined) continue;
    if (same.length > 1) {
      const places = same.map((one) => on(one).map(({ title }) => title).join(" and ")).join("; ");
      work.notes.push(
        `the volume group ${name} is not read: ${same.length} groups have this name (${places})`,
      );
      continue;
    }
    active.push(...await activate(group, { on: on(group), work }));
  }
  return active;
}

/** A copy of a disk has the same UUIDs; which of the two is meant, nobody but the operator knows. */
function withoutCopies(physical: readonly AssembledVolume[], notes: string[]): AssembledVolume[] {
  return [...Map.groupBy(physical, ({ facts, device }) => facts.get("UUID") ?? device).values()]
    .flatMap((same) => {
      if (same.length === 1) return same;
      const titles = same.map(({ title }) => title).join(" and ");
      notes.push(`${titles} are not read: they are copies of one physical volume of LVM`);
      return [];
    });
}

async function activate(
  found: LvmGroup,
  { on, work }: { on: readonly AssembledVolume[]; work: AssembleWork },
): Promise<AssembledVolume[]> {
  const { vg_name, vg_uuid } = found.group;
  const title = `the volume group ${vg_name}`;
  const refusal = refusalOf(found) ?? await clashOf(found, on);
  if (refusal !== undefined) {
    work.notes.push(`${title} is not read: ${refusal}`);
    return [];
  }
  try {
    const usable = found.logical.filter(isUsable);
    const present = await Promise.all(usable.map(({ lv_dm_path }) => exists(lv_dm_path)));
    // the program that activated them deactivates them
    const why = present.every(Boolean) ? "" : await vgchange(found, { on, work });
    const group = { name: vg_name, uuid: vg_uuid };
    const volumes: AssembledVolume[] = [];
    for (const { lv_name: name, lv_uuid: uuid, lv_dm_path: device } of usable) {
      if (!await exists(device)) {
        work.notes.push(
          `the LVM volume ${vg_name}/${name} could not be activated: ${why || "it has no device"}`,
        );
        continue;
      }
      const title = `the LVM volume ${vg_name}/${name}`;
      volumes.push(await probed({ device, kind: "lv", title, uuid, name, group, disks: disksOf(on) }, work));
    }
    return volumes;
  } catch (error) {
    work.signal.throwIfAborted();
    work.notes.push(`${title} cannot be activated: ${messageOf(error)}`);
    return [];
  }
}

function refusalOf({ group }: LvmGroup): string | undefined {
  if (group.vg_exported) return "it is exported (vgexport)";
  if (group.vg_clustered) return "it is clustered";
  return group.vg_lock_type === "" || group.vg_lock_type === "none" ? undefined : "it is shared (lvmlockd)";
}

/** Device mapper has one name for the volumes of all groups with one name, and knows a copy's volumes as the original's. */
async function clashOf(
  { group, logical }: LvmGroup,
  on: readonly AssembledVolume[],
): Promise<string | undefined> {
  for (const { lv_dm_path: device } of logical.filter(isUsable)) {
    if (!await exists(device)) continue;
    const disks = new Set(disksOf(on)), below = await disksBelow(await kernelNameOf(device));
    if (!below.some((name) => disks.has(name))) return `another ${group.vg_name} is active`;
  }
  return undefined;
}

/** What can hold a file system: no hidden part, no pool, no snapshot. */
function isUsable({ lv_name, lv_layout, lv_role }: LvmLogical): boolean {
  return !lv_name.startsWith("[") && lv_role.includes("public") && !lv_layout.includes("pool") &&
    !lv_role.some((role) => role.endsWith("snapshot"));
}

/** Returns what LVM complains about. */
async function vgchange(
  { group: { vg_name, vg_uuid, vg_systemid }, logical }: LvmGroup,
  { on, work }: { on: readonly AssembledVolume[]; work: AssembleWork },
): Promise<string> {
  const { readOnly, run, signal, stack } = work;
  await loadModules(MODULES, { run, signal });
  const devices: string[] = [], passive = isPassive(logical);
  for (const volume of on) {
    devices.push(passive ? volume.device : await unwrittenDevice(volume, work, stack));
  }
  const config = lvmConfig(devices, {
    systemId: vg_systemid || undefined,
    // a thin pool must be writable to be read, which the snapshots allow
    readOnly: readOnly && passive ? vg_name : undefined,
  });
  const command = ["lvm", "vgchange", "--config", config, "--select", `vg_uuid=${vg_uuid}`] as const;
  stack.defer(async () => void await run([...command, "--activate", "n"]));
  // exit code 5: some of its volumes could not be activated
  const { stderr } = await run(
    [...command, "--activate", "y", "--activationmode", "degraded", "--yes"],
    { signal, accept: [0, 5] },
  );
  return stderr.trim().replace(/\s+/g, " ");
}

/** Whether the kernel only reads the group's devices as long as nobody writes to its volumes. */
function isPassive(logical: readonly LvmLogical[]): boolean {
  return logical.every(({ lv_layout, lv_role }) =>
    lv_layout.every((kind) => PASSIVE.has(kind)) && !lv_role.some((role) => role.endsWith("snapshot"))
  );
}
