/**
 * Makes a volume group as planned. If the plan decides its whole geometry, the group's metadata is written from the
 * plan. Else vgcreate and lvcreate decide, since only LVM knows the geometry of raid volumes and pools; then the
 * metadata is written once more with the template's ids in it, which names below /dev/disk/by-id and GRUB's
 * configuration refer to.
 */
import { lvmConfig } from "../../layout/lvm/config.ts";
import type { PlannedGroup, PlannedLogical } from "#plan/actions.ts";
import { loadModules } from "../../sys/modules.ts";
import { together } from "../../sys/together.ts";
import type { TargetDisks } from "./guard.ts";
import { groupMetadata } from "./group_metadata.ts";
import { lvcreateArgs, moduleOfVolume } from "./lvcreate.ts";
import { METADATA_AT, withIds } from "./lvm_metadata.ts";
import type { CarryOut } from "./carry_out.ts";
import { sizeOfDevice, wipeVolume } from "./wipe.ts";

const LVM_MS = 10 * 60_000;

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
  const modules = group.logical.flatMap(({ type }) => moduleOfVolume(type) ?? []);
  await loadModules(["dm-mod", ...modules], { run, signal });
  for (const [i, { uuid, dataAtBytes }] of group.physical.entries()) {
    await lvm("pvcreate", [...pvcreateArgs({ uuid, dataAtBytes }), devices[i] ?? ""]);
  }
  const metadata = await metadataOf(group, devices);
  if (metadata === undefined) {
    const tags = tagged(group.tags);
    await lvm("vgcreate", ["--physicalextentsize", `${group.extentBytes}b`, ...tags, group.name, ...devices]);
  } else {
    await withMetadataFile((file) => restoreMetadata(group, { file, text: metadata, lvm }));
  }
  const deactivate = () => run(["lvm", "vgchange", "--config", config, "--activate", "n", group.name]);
  stack.defer(async () => {
    await deactivate();
    for (const { name } of group.logical) target.setActive(lvOf(group, name), undefined);
  });
  if (metadata === undefined) {
    for (const logical of group.logical) {
      await lvm("lvcreate", [...tagged(logical.tags), ...lvcreateArgs(logical, { group, devices })]);
    }
    await deactivate();
    await writeIds(group, { lvm });
  }
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

/** Undefined if LVM has to decide its geometry. */
async function metadataOf(group: PlannedGroup, devices: readonly string[]): Promise<string | undefined> {
  return groupMetadata(group, {
    devices: await Promise.all(devices.map(async (path) => ({ path, sizeBytes: await sizeOfDevice(path) }))),
    hostName: Deno.hostname(),
    seconds: Math.floor(Date.now() / 1000),
  });
}

/** vgcfgbackup(8) */
async function writeIds(group: PlannedGroup, { lvm }: { lvm: Lvm }): Promise<void> {
  await withMetadataFile(async (file) => {
    await lvm("vgcfgbackup", ["--file", file, group.name]);
    await restoreMetadata(group, { file, text: withIds(await Deno.readTextFile(file), group), lvm });
  });
}

/** vgcfgrestore(8); the physical volumes exist, with their ids. */
async function restoreMetadata(
  { name }: PlannedGroup,
  { file, text, lvm }: { file: string; text: string; lvm: Lvm },
): Promise<void> {
  await Deno.writeTextFile(file, text);
  // without --force it refuses groups with thin pools, whose contents may be newer than a backup
  await lvm("vgcfgrestore", ["--force", "--file", file, name]);
}

async function withMetadataFile(use: (file: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/run", prefix: "rackseed-lvm-" });
  try {
    await use(`${folder}/metadata`);
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
