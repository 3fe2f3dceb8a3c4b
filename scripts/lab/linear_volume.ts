/** A linear logical volume, found by LVM's own metadata: the host may lack device-mapper. */
import { run } from "./command.ts";
import { LoopRange } from "./loop_disk.ts";

/** `volume`: "group/name"; `devices`: those that may be its physical volume. */
export async function attachVolume(
  volume: string,
  { devices, readOnly }: { readonly devices: readonly string[]; readonly readOnly: boolean },
): Promise<LoopRange> {
  const accepted = devices.map((device) => `"a|^${device}$|"`).join();
  const config = `devices{filter=[${accepted},"r|.*|"] use_devicesfile=0}`;
  const report = async (program: string, fields: string, subject: readonly string[]) => {
    const units = ["--noheadings", "--units", "b", "--nosuffix"];
    const argv = [program, "--driverloaded", "n", "--config", config, ...units, "-o", fields, ...subject];
    return (await run(argv)).stdout.trim().split("\n").map((line) => line.trim().split(/\s+/));
  };
  const segments = await report("lvs", "segtype,seg_size,vg_extent_size,devices", ["--segments", volume]);
  const [[type, bytes, extent, place = ""] = []] = segments;
  const [, physical = "", first] = /^(.+)\((\d+)\)$/.exec(place) ?? [];
  if (segments.length !== 1 || type !== "linear") throw new Error(`${volume} is not in one piece`);
  const [[start] = []] = await report("pvs", "pe_start", [physical]);
  const offset = Number(start) + Number(first) * Number(extent);
  return await LoopRange.attach(physical, { offset, bytes: Number(bytes), readOnly });
}
