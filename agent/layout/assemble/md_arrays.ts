/** Starts the MD arrays that lie on given devices: mdadm(8). No other device is looked at. */
import { messageOf } from "#contract/errors.ts";
import { exists } from "../../sys/small_file.ts";
import { pauseFor } from "../../sys/retry.ts";
import { type MdMember, parseMdExamine } from "../md/examine.ts";
import { type AssembledVolume, type AssembleWork, disksOf, probed } from "./assembled_volume.ts";
import { holdersOf } from "./kernel_devices.ts";

/** Arrays get numbers from here down, as mdadm numbers them itself. */
const HIGHEST_NUMBER = 127;
const STOP_ATTEMPTS = 10, STOP_PAUSE_MS = 200;

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
  { parts, work: { readOnly, run, signal, stack } }: { parts: readonly Part[]; work: AssembleWork },
): Promise<string> {
  const level = parts[0]?.member.level ?? "";
  const personality = /^raid[456]$/.test(level) ? "raid456" : level;
  await run(["modprobe", "-a", "-q", "md-mod", personality], { signal, accept: [0, 1] });
  const device = `/dev/md${await freeNumber()}`;
  const stop = async () => {
    for (let attempt = 1;; attempt++) {
      try {
        return void await run(["mdadm", "--stop", device]);
      } catch (error) {
        // whoever had it open a moment ago may not have closed it yet
        if (attempt === STOP_ATTEMPTS) throw error;
        await pauseFor(STOP_PAUSE_MS, new AbortController().signal);
      }
    }
  };
  try {
    // --run starts an array that lacks a disk, too
    await run([
      ...["mdadm", "--assemble", device, "--config=none", "--run", `--uuid=${uuid}`] as const,
      ...readOnly ? ["--readonly"] : [],
      ...parts.map(({ volume }) => volume.device),
    ], { signal });
  } catch (error) {
    // an array that cannot start keeps its devices
    await stop().catch(() => {});
    throw error;
  }
  stack.defer(stop);
  return device;
}

async function freeNumber(): Promise<number> {
  for (let number = HIGHEST_NUMBER; number > 0; number--) {
    if (!await exists(`/sys/block/md${number}`)) return number;
  }
  throw new RangeError("every number of an MD array is in use");
}
