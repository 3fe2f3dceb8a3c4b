/** Starts the MD arrays that lie on given devices: mdadm(8). No other device is looked at. */
import { messageOf } from "#contract/errors.ts";
import { loadModules } from "../../sys/modules.ts";
import { arrayModules, freeArrayDevice, stopArray } from "../md/array_device.ts";
import { type MdMember, parseMdExamine } from "../md/examine.ts";
import { type AssembledVolume, type AssembleWork, disksOf, probed } from "./assembled_volume.ts";
import { holdersOf } from "./kernel_devices.ts";
import { unwrittenDevice } from "./unwritten_device.ts";

/** `members`: devices of the type linux_raid_member. */
export async function startArrays(
  members: readonly AssembledVolume[],
  work: AssembleWork,
): Promise<AssembledVolume[]> {
  const examined = await Promise.all(members.map(async (volume) => ({
    volume,
    member: parseMdExamine(
      (await work.run(["mdadm", "--examine", volume.device], { signal: work.signal, accept: [0, 1] })).stdout,
    ),
  })));
  const known = examined.flatMap(({ volume, member }) => member ? [{ volume, member }] : []);
  const arrays: AssembledVolume[] = [];
  for (const [uuid, parts] of Map.groupBy(known, ({ member }) => member.uuid)) {
    if (work.only && !work.only.has(uuid)) continue;
    const array = await startArray(uuid, { parts, work });
    if (array) arrays.push(array);
  }
  return arrays;
}

interface Part {
  readonly volume: AssembledVolume;
  readonly member: MdMember;
}

async function startArray(
  uuid: string,
  { parts, work }: { parts: readonly Part[]; work: AssembleWork },
): Promise<AssembledVolume | undefined> {
  const volumes = parts.map(({ volume }) => volume);
  const label = volumes[0]?.facts.get("LABEL") ?? "";
  const name = label.replace(/^.*:/, "");
  const title = `the MD array ${name || uuid}`;
  const titles = volumes.map((v) => v.title).join(" and ");
  const slots = parts.flatMap(({ member: { slot } }) => slot ?? []);
  if (new Set(slots).size < slots.length) {
    work.notes.push(
      `${title} is not read: two of ${titles} claim the same place in it, as copies of a disk do`,
    );
    return undefined;
  }
  try {
    const device = await runningOn(volumes) ?? await assemble(uuid, { parts, work });
    return await probed({ device, kind: "md", title, uuid, name, disks: disksOf(volumes) }, work);
  } catch (error) {
    work.signal.throwIfAborted();
    work.notes.push(`${title} on ${titles} cannot be started: ${messageOf(error)}`);
    return undefined;
  }
}

/** The array that already uses these devices. */
async function runningOn(volumes: readonly AssembledVolume[]): Promise<string | undefined> {
  const holders = (await Promise.all(volumes.map(({ device }) => holdersOf(device)))).flat();
  const array = holders.find((name) => /^md\d+$/.test(name));
  return array === undefined ? undefined : `/dev/${array}`;
}

async function assemble(
  uuid: string,
  { parts, work }: { parts: readonly Part[]; work: AssembleWork },
): Promise<string> {
  const { readOnly, run, signal } = work;
  await using stack = new AsyncDisposableStack();
  const members: string[] = [];
  for (const { volume } of parts) members.push(await unwrittenDevice(volume, work, stack));
  await loadModules(arrayModules(parts[0]?.member.level ?? ""), { run, signal });
  const device = await freeArrayDevice();
  const stop = () => stopArray(device, run);
  try {
    // --run starts an array that lacks a disk, too
    await run([
      ...["mdadm", "--assemble", device, "--config=none", "--run", `--uuid=${uuid}`] as const,
      ...readOnly ? ["--readonly"] : [],
      ...members,
    ], { signal });
  } catch (error) {
    // an array that cannot start keeps its devices
    await stop().catch(() => {});
    throw error;
  }
  stack.defer(stop);
  work.stack.use(stack.move());
  return device;
}
