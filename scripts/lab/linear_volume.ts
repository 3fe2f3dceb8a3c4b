/** A linear logical volume, found by LVM's own metadata: the host may lack device-mapper. */
import { run } from "./command.ts";

export class LinearVolume implements AsyncDisposable {
  readonly device: string;

  private constructor(device: string) {
    this.device = device;
  }

  /** `volume`: "group/name"; `on`: how the devices begin on which it may be, as regular expressions. */
  static async attach(
    volume: string,
    { on, readOnly }: { readonly on: readonly string[]; readonly readOnly: boolean },
  ): Promise<LinearVolume> {
    const accepted = on.map((device) => `"a|^${device}|"`).join();
    const config = `devices{filter=[${accepted},"r|.*|"] use_devicesfile=0}`;
    const report = async (program: string, fields: string, subject: readonly string[]) => {
      const units = ["--noheadings", "--units", "b", "--nosuffix"];
      const argv = [program, "--driverloaded", "n", "--config", config, ...units, "-o", fields, ...subject];
      return (await run(argv)).stdout.trim().split("\n").map((line) => line.trim().split(/\s+/));
    };
    const segments = await report("lvs", "segtype,seg_size,vg_extent_size,devices", ["--segments", volume]);
    const [[type, bytes, extent, place = ""] = []] = segments;
    const [, partition = "", first] = /^(.+)\((\d+)\)$/.exec(place) ?? [];
    if (segments.length !== 1 || type !== "linear") throw new Error(`${volume} is not in one piece`);
    const [[start] = []] = await report("pvs", "pe_start", [partition]);
    const offset = Number(start) + Number(first) * Number(extent);
    const { stdout } = await run([
      ...["losetup", "--find", "--show", ...readOnly ? ["--read-only"] : []],
      ...[`--offset=${offset}`, `--sizelimit=${bytes}`, partition],
    ]);
    return new LinearVolume(stdout.trim());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(["losetup", "--detach", this.device]);
  }
}
