/**
 * Makes a volume group as planned: pvcreate, vgcreate, lvcreate. LVM's own programs decide the geometry, since only
 * they know that of raid volumes and pools. Then the group's metadata is written once more with the template's ids in
 * it, which names below /dev/disk/by-id and GRUB's configuration refer to.
 */
import { lvmConfig } from "../../layout/lvm/config.ts";
import type { PlannedGroup, PlannedLogical } from "#plan/actions.ts";
import { together } from "../../sys/together.ts";
import type { TargetDisks } from "./guard.ts";
import { lvcreateArgs, moduleOfVolume } from "./lvcreate.ts";
import { withIds } from "./lvm_metadata.ts";
import type { CarryOut } from "./carry_out.ts";
import { wipeVolume } from "./wipe.ts";

const LVM_MS = 10 * 60_000;
/** The metadata area of a physical volume begins in the first page. */
const METADATA_AT = 4096;

/** An LVM command that sees the group's physical volumes and nothing else. */
type Lvm = (command: string, args: readonly string[]) => Promise<unknown>;

/** Disposing deactivates the group. */
export async function makeGroup(
  target: TargetDisks,
  { group, run, signal }: CarryOut & { readonly group: PlannedGroup },
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const devices = group.physical.map(({ volume }) => target.device(volume));
  const config = lvmConfig(devices);
  const title = `cannot make the volume group ${group.name}`;
  const lvm: Lvm = (command, args) =>
    run(["lvm", command, "--config", config, "--yes", ...args], { signal, title, timeoutMs: LVM_MS });
  const modules = new Set(group.logical.flatMap(({ type }) => moduleOfVolume(type) ?? []));
  await run(["modprobe", "-a", "-q", "dm-mod", ...modules], { signal, accept: [0, 1] });
  for (const [i, { uuid, dataAtBytes }] of group.physical.entries()) {
    await lvm("pvcreate", [...pvcreateArgs({ uuid, dataAtBytes }), devices[i] ?? ""]);
  }
  await lvm("vgcreate", [
    ...["--physicalextentsize", `${group.extentBytes}b`, ...tagged(group.tags), group.name, ...devices],
  ]);
  const deactivate = () => run(["lvm", "vgchange", "--config", config, "--activate", "n", group.name]);
  stack.defer(async () => {
    await deactivate();
    for (const { name } of group.logical) target.setActive(lvOf(group, name), undefined);
  });
  // the others are prepared while they are active
  const mayRest = group.logical.every(({ type }) => type === "linear" || type === "striped");
  const resting = mayRest ? ["--activate", "n", "--zero", "n"] : [];
  for (const logical of group.logical) {
    await lvm("lvcreate", [
      ...tagged(logical.tags),
      ...resting,
      ...lvcreateArgs(logical, { group, devices }),
    ]);
  }
  if (!mayRest) await deactivate();
  await writeIds(group, { lvm });
  await lvm("vgchange", ["--activate", "y", group.name]);
  await together(group.logical.map((logical) => () => take(target, { group, logical, run, signal })));
  return stack.move();
}

/** Makes one volume of an active group again, with the template's id, wherever there is room by now. */
export async function addLogical(
  target: TargetDisks,
  { group, name, run, signal }: CarryOut & { readonly group: PlannedGroup; readonly name: string },
): Promise<void> {
  const logical = group.logical.find((one) => one.name === name);
  if (logical === undefined) throw new RangeError(`the plan has no volume ${group.name}/${name}`);
  const devices = group.physical.map(({ volume }) => target.device(volume));
  const config = lvmConfig(devices), title = `cannot make the LVM volume ${group.name}/${name} again`;
  const lvm: Lvm = (command, args) =>
    run(["lvm", command, "--config", config, "--yes", ...args], { signal, title, timeoutMs: LVM_MS });
  await lvm("lvcreate", [
    ...tagged(logical.tags),
    ...lvcreateArgs({ ...logical, extents: [] }, { group, devices }),
  ]);
  // device mapper knows an active volume by its id; the ids of the others stay as they are
  await lvm("lvchange", ["--activate", "n", `${group.name}/${name}`]);
  await writeIds({ ...group, logical: [logical] }, { lvm });
  await lvm("lvchange", ["--activate", "y", `${group.name}/${name}`]);
  await take(target, { group, logical, run, signal });
}

/** So that its first extent begins where the plan has it. Pure. */
export function pvcreateArgs({ uuid, dataAtBytes }: { uuid: string; dataAtBytes?: number }): string[] {
  const identity = ["--uuid", uuid, "--norestorefile"];
  if (dataAtBytes === undefined || dataAtBytes <= METADATA_AT) return identity;
  // the largest power of two that divides it
  const alignment = Math.min(1 << 20, Number(BigInt(dataAtBytes) & -BigInt(dataAtBytes)));
  return [
    ...identity,
    ...["--dataalignment", `${alignment}b`, "--metadatasize", `${dataAtBytes - METADATA_AT}b`],
  ];
}

function tagged(tags: readonly string[] = []): string[] {
  return tags.flatMap((tag) => ["--addtag", tag]);
}

function lvOf({ name: group }: Pick<PlannedGroup, "name">, name: string) {
  return { kind: "lv", group, name } as const;
}

/** Device mapper doubles a hyphen within a name. Pure. */
export function mapperDevice(group: string, name: string): string {
  const escaped = (text: string) => text.replaceAll("-", "--");
  return `/dev/mapper/${escaped(group)}-${escaped(name)}`;
}

/** vgcfgbackup(8), vgcfgrestore(8) */
async function writeIds(group: PlannedGroup, { lvm }: { lvm: Lvm }): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/run", prefix: "rackseed-lvm-" });
  const file = `${folder}/metadata`;
  try {
    await lvm("vgcfgbackup", ["--file", file, group.name]);
    await Deno.writeTextFile(file, withIds(await Deno.readTextFile(file), group));
    // without --force it refuses groups with thin pools, whose contents may be newer than a backup
    await lvm("vgcfgrestore", ["--force", "--file", file, group.name]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A volume that may hold something now: a thin one is new and empty, a pool holds volumes only. */
async function take(
  target: TargetDisks,
  { group, logical: { name, type }, run, signal }: CarryOut & {
    group: PlannedGroup;
    logical: PlannedLogical;
  },
): Promise<void> {
  if (type === "thin-pool") return;
  const device = mapperDevice(group.name, name);
  target.setActive(lvOf(group, name), device);
  if (type !== "thin") await wipeVolume(device, { run, signal });
}
